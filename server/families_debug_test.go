package server_test

import (
	"net/http"
	"testing"
)

const (
	loggersPath = "/public/debug/v1/loggers"
	loggerPath  = loggersPath + "/{loggerName}"
	levelPath   = loggerPath + "/{level}"
)

func (w *v1World) loggers(path string, values ...string) map[string]string {
	w.Helper()
	var list []struct{ Name, Level string }
	w.ok(famKey, http.MethodGet, path, values, nil, http.StatusOK, &list)
	levels := map[string]string{}
	for _, one := range list {
		levels[one.Name] = one.Level
	}
	return levels
}

const loggersAtFirst = `{"ROOT":"INFO","io.conduktor":"INFO","io.conduktor.admin":"INFO","io.conduktor.authenticator":"INFO","org.apache.kafka":"WARN"}`

func TestLoggers(t *testing.T) {
	w := startFamilies(t)
	w.same("loggers", w.loggers(loggersPath), loggersAtFirst)
	var changed []string
	w.ok(famRoot, http.MethodPut, levelPath, []string{"io.conduktor", "debug"}, nil, http.StatusOK, &changed)
	w.same("changed", changed, `["io.conduktor","io.conduktor.admin","io.conduktor.authenticator"]`)
	w.ok(famKey, http.MethodPut, levelPath, []string{"org.new", "TRACE"}, nil, http.StatusOK, &changed)
	w.same("changed", changed, `["org.new"]`)
	w.ok(famKey, http.MethodPut, loggersPath, nil, []map[string]string{
		{"name": "io.conduktor.admin", "level": "error"}, {"name": "org", "level": "OFF"}, {"name": "org.apache.kafka", "level": "INFO"}}, http.StatusOK, &changed)
	w.same("changed", changed, `["io.conduktor.admin","org","org.apache.kafka","org.new"]`)
	w.same("loggers", w.loggers(loggersPath), `{"ROOT":"INFO","io.conduktor":"DEBUG","io.conduktor.admin":"ERROR","io.conduktor.authenticator":"DEBUG",
		"org":"OFF","org.apache.kafka":"INFO","org.new":"OFF"}`)
	w.same("loggers below", w.loggers(loggerPath, "org"), `{"org":"OFF","org.apache.kafka":"INFO","org.new":"OFF"}`)
	w.same("one logger", w.loggers(loggerPath, "io.conduktor.admin"), `{"io.conduktor.admin":"ERROR"}`)
	// Deleting gives the level back that the logger has by itself, or none.
	for _, name := range []string{"org.apache.kafka", "org.new", "org"} {
		w.ok(famRoot, http.MethodDelete, loggerPath, []string{name}, nil, http.StatusOK, nil)
	}
	w.same("loggers below", w.loggers(loggerPath, "org"), `{"org.apache.kafka":"WARN"}`)
	w.ok(famKey, http.MethodPut, levelPath, []string{"root", "FATAL"}, nil, http.StatusOK, &changed)
	w.same("changed", changed, `["ROOT","io.conduktor","io.conduktor.admin","io.conduktor.authenticator","org.apache.kafka"]`)
	w.ok(famKey, http.MethodPut, loggersPath, nil, nil, http.StatusOK, &changed)
	w.same("changed", changed, `[]`)
	w.running.Pair().World.Reset()
	w.same("loggers after a reset", w.loggers(loggersPath), loggersAtFirst)
}

func TestLoggersRefused(t *testing.T) {
	w := startFamilies(t)
	list := []map[string]string{{"name": "ROOT", "level": "DEBUG"}}
	for _, one := range []struct {
		method, path string
		values       []string
		body         any
	}{
		{http.MethodGet, loggersPath, nil, nil}, {http.MethodPut, loggersPath, nil, list},
		{http.MethodGet, loggerPath, []string{"ROOT"}, nil}, {http.MethodDelete, loggerPath, []string{"ROOT"}, nil},
		{http.MethodPut, levelPath, []string{"ROOT", "DEBUG"}, nil},
		{http.MethodGet, "/public/debug/v1/loggers-mode/debug", nil, nil}, {http.MethodGet, "/public/debug/v1/loggers-mode/tracing", nil, nil},
		{http.MethodPut, "/public/debug/v1/loggers-mode/debug/{enabled}", []string{"true"}, nil},
		{http.MethodPut, "/public/debug/v1/loggers-mode/tracing/{enabled}", []string{"true"}, nil},
		{http.MethodGet, "/public/debug/v1/indexer", nil, nil},
	} {
		w.adminsOnly(one.method, one.path, one.values, one.body)
	}
	w.refused(famKey, http.MethodGet, loggerPath, []string{"io.cond"}, nil, http.StatusNotFound, "Logger io.cond not found")
	w.refused(famKey, http.MethodDelete, loggerPath, []string{"ROOT"}, nil, http.StatusNotFound, "Logger ROOT has no level that was set")
	w.refused(famKey, http.MethodPut, levelPath, []string{"ROOT", "LOUD"}, nil, http.StatusBadRequest, "expected one of OFF, FATAL")
	w.refused(famKey, http.MethodPut, levelPath, []string{"a\nb", "INFO"}, nil, http.StatusBadRequest, "loggerName (must not hold control characters)")
	for body, says := range map[string]string{
		`[{"name":"ROOT","level":"DEBUG"},{"name":"ROOT","level":"LOUD"}]`: "[1].level (expected one of",
		`[{"name":"ROOT","level":"DEBUG"},{"name":"","level":"INFO"}]`:     "[1].name (must not be empty)",
		`[{"name":"ROOT"}]`: "level",
		`{"name":"ROOT"}`:   "expected one JSON array",
		`[`:                 "JSON that ends too early",
	} {
		w.refused(famKey, http.MethodPut, loggersPath, nil, body, http.StatusBadRequest, says)
	}
	w.same("loggers", w.loggers(loggersPath), loggersAtFirst)
}

func TestLoggingModes(t *testing.T) {
	w := startFamilies(t)
	mode := func(name string) (on bool) {
		t.Helper()
		w.ok(famRoot, http.MethodGet, "/public/debug/v1/loggers-mode/"+name, nil, nil, http.StatusOK, &on)
		return on
	}
	for name, other := range map[string]string{"debug": "tracing", "tracing": "debug"} {
		if mode(name) {
			t.Errorf("%s is on at first", name)
		}
		w.ok(famKey, http.MethodPut, "/public/debug/v1/loggers-mode/"+name+"/{enabled}", []string{"true"}, nil, http.StatusOK, nil)
		if !mode(name) || mode(other) {
			t.Errorf("switching %s on gives %t, and %s %t", name, mode(name), other, mode(other))
		}
		w.refused(famKey, http.MethodPut, "/public/debug/v1/loggers-mode/"+name+"/{enabled}", []string{"yes"}, nil, http.StatusBadRequest, "expected true or false")
		w.ok(famKey, http.MethodPut, "/public/debug/v1/loggers-mode/"+name+"/{enabled}", []string{"false"}, nil, http.StatusOK, nil)
		if mode(name) {
			t.Errorf("%s stays on", name)
		}
	}
}

func TestIndexer(t *testing.T) {
	w := startFamilies(t)
	var runs []map[string]any
	w.ok(famKey, http.MethodGet, "/public/debug/v1/indexer", nil, nil, http.StatusOK, &runs)
	w.same("runs", runs, `[{"taskId":"topics","startAt":"2026-01-31T12:00:00Z","duration":"2s","results":[
		{"clusterId":"dev","startAt":"2026-01-31T12:00:00Z","duration":"1s","status":"SUCCESS"},
		{"clusterId":"gw","startAt":"2026-01-31T12:00:01Z","duration":"1s","status":"FAILURE","error":"no broker answered"}]}]`)
}
