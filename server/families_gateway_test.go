package server_test

import (
	"net/http"
	"testing"
)

const (
	interceptorsPath = "/public/v1/clusters/{clusterName}/interceptors"
	interceptorPath  = interceptorsPath + "/{interceptorName}"
	pluginsPath      = "/public/v1/clusters/{clusterName}/plugins"
)

func TestInterceptors(t *testing.T) {
	w := startFamilies(t)
	for _, who := range []string{famKey, famRoot} {
		var list []map[string]any
		w.ok(who, http.MethodGet, interceptorsPath, []string{"gw"}, nil, http.StatusOK, &list)
		w.same("interceptors", list, `[{"name":"chaos","pluginClass":"org.example.ChaosPlugin","priority":10,"config":null}]`)
	}
	mask := map[string]any{"name": "mask/1", "pluginClass": "org.example.MaskPlugin", "priority": 5,
		"config": map[string]any{"topic": "shop.*", "fields": []string{"card"}, "nothing": nil, "big": 9007199254740993}}
	w.ok(famKey, http.MethodPost, interceptorsPath, []string{"gw"}, mask, http.StatusCreated, nil)
	w.ok(famRoot, http.MethodPut, interceptorPath, []string{"gw", "chaos"},
		map[string]any{"pluginClass": "org.example.MaskPlugin", "priority": -1, "config": "text"}, http.StatusNoContent, nil)
	got := w.do(famKey, http.MethodGet, interceptorsPath, []string{"gw"}, nil)
	want := `[{"name":"chaos","pluginClass":"org.example.MaskPlugin","priority":-1,"config":"text"},` +
		`{"name":"mask/1","pluginClass":"org.example.MaskPlugin","priority":5,"config":{"big":9007199254740993,"fields":["card"],"nothing":null,"topic":"shop.*"}}]`
	if string(got.body) != want+"\n" {
		t.Errorf("interceptors are %s, want %s", got.body, want)
	}
	w.ok(famKey, http.MethodDelete, interceptorPath, []string{"gw", "mask/1"}, nil, http.StatusOK, nil)
	var list []map[string]any
	w.ok(famKey, http.MethodGet, interceptorsPath, []string{"gw"}, nil, http.StatusOK, &list)
	if len(list) != 1 || list[0]["name"] != "chaos" {
		t.Errorf("after deletion the interceptors are %v", list)
	}
	// Where no plugin is known, any class goes.
	w.ok(famKey, http.MethodPost, interceptorsPath, []string{"gw-bare"},
		map[string]any{"name": "any", "pluginClass": "org.example.Unheard", "priority": 1, "config": nil}, http.StatusCreated, nil)
}

func TestInterceptorsRefused(t *testing.T) {
	w := startFamilies(t)
	body := map[string]any{"name": "mask", "pluginClass": "org.example.MaskPlugin", "priority": 5, "config": map[string]any{}}
	operations := []struct {
		method, path string
		below        []string
		body         any
	}{
		{http.MethodGet, interceptorsPath, nil, nil},
		{http.MethodPost, interceptorsPath, nil, body},
		{http.MethodPut, interceptorPath, []string{"chaos"}, body},
		{http.MethodDelete, interceptorPath, []string{"chaos"}, nil},
		{http.MethodGet, pluginsPath, nil, nil},
		{http.MethodGet, pluginsPath + "/{pluginId}", []string{"mask"}, nil},
	}
	for _, one := range operations {
		at := func(cluster string) []string { return append([]string{cluster}, one.below...) }
		w.adminsOnly(one.method, one.path, at("gw"), one.body)
		w.refused(famKey, one.method, one.path, at("nope"), one.body, http.StatusNotFound, "Cluster nope not found")
		w.refused(famKey, one.method, one.path, at("dev"), one.body, http.StatusBadRequest, "The cluster is not a valid gateway cluster")
	}
	post := func(change map[string]any, says string) {
		t.Helper()
		changed := map[string]any{}
		for name, value := range body {
			changed[name] = value
		}
		for name, value := range change {
			changed[name] = value
		}
		w.refused(famKey, http.MethodPost, interceptorsPath, []string{"gw"}, changed, http.StatusBadRequest, says)
	}
	post(map[string]any{"name": "chaos"}, "Interceptor chaos already exists")
	post(map[string]any{"name": ""}, "at 'name'")
	post(map[string]any{"name": 1}, "at 'name'")
	post(map[string]any{"priority": "high"}, "at 'priority'")
	post(map[string]any{"priority": 1 << 40}, "at 'priority'")
	post(map[string]any{"pluginClass": "org.example.Unheard"}, "expected the class of a plugin of the Gateway gw")
	w.refused(famKey, http.MethodPost, interceptorsPath, []string{"gw"}, map[string]any{"name": "mask"}, http.StatusBadRequest, "pluginClass")
	w.refused(famKey, http.MethodPost, interceptorsPath, []string{"gw"}, "{", http.StatusBadRequest, "expected one JSON object")
	w.refused(famKey, http.MethodPut, interceptorPath, []string{"gw", "nope"}, body, http.StatusNotFound, "Interceptor nope not found")
	w.refused(famKey, http.MethodPut, interceptorPath, []string{"gw", "chaos"}, map[string]any{"pluginClass": "x"}, http.StatusBadRequest, "priority")
	w.refused(famKey, http.MethodDelete, interceptorPath, []string{"gw", "nope"}, nil, http.StatusNotFound, "Interceptor nope not found")
}

func TestPlugins(t *testing.T) {
	w := startFamilies(t)
	var list, bare []map[string]any
	w.ok(famRoot, http.MethodGet, pluginsPath, []string{"gw"}, nil, http.StatusOK, &list)
	w.same("plugins", list, `[{"plugin":"org.example.ChaosPlugin","pluginId":"org.example.ChaosPlugin","tags":{}},
		{"plugin":"org.example.MaskPlugin","pluginId":"mask","tags":{"license":"enterprise","title":"Mask"}}]`)
	w.ok(famRoot, http.MethodGet, pluginsPath, []string{"gw-bare"}, nil, http.StatusOK, &bare)
	if len(bare) != 0 {
		t.Errorf("plugins of the bare Gateway are %v", bare)
	}
	for id, want := range map[string]string{
		"mask":                    `{"plugin":"org.example.MaskPlugin","pluginId":"mask","tags":{"license":"enterprise","title":"Mask"},"readme":"# Mask\n\nMasks fields.\n"}`,
		"org.example.ChaosPlugin": `{"plugin":"org.example.ChaosPlugin","pluginId":"org.example.ChaosPlugin","tags":{},"readme":""}`,
	} {
		var one map[string]any
		w.ok(famRoot, http.MethodGet, pluginsPath+"/{pluginId}", []string{"gw", id}, nil, http.StatusOK, &one)
		w.same("plugin "+id, one, want)
	}
	w.refused(famKey, http.MethodGet, pluginsPath+"/{pluginId}", []string{"gw", "org.example.MaskPlugin"}, nil, http.StatusNotFound, "not found on cluster gw")
}

// TestGatewayNoMore: what a Gateway held goes when the cluster is none any more.
func TestGatewayNoMore(t *testing.T) {
	w := startFamilies(t)
	w.ok(famKey, http.MethodPost, interceptorsPath, []string{"gw-bare"},
		map[string]any{"name": "any", "pluginClass": "x", "priority": 1, "config": nil}, http.StatusCreated, nil)
	put := func(spec map[string]any) {
		t.Helper()
		var result map[string]any
		w.ok(famKey, http.MethodPut, "/public/console/v2/kafka-cluster", nil, map[string]any{"apiVersion": "v2", "kind": "KafkaCluster",
			"metadata": map[string]any{"name": "gw-bare"}, "spec": spec}, http.StatusOK, &result)
		if result["upsertResult"] != "Updated" {
			t.Fatalf("put answered %v", result)
		}
	}
	gateway := map[string]any{"type": "Gateway", "url": "http://bare.example:8888", "user": "console", "password": "x", "virtualCluster": "v"}
	list := func() (list []map[string]any) {
		t.Helper()
		w.ok(famKey, http.MethodGet, interceptorsPath, []string{"gw-bare"}, nil, http.StatusOK, &list)
		return list
	}
	put(map[string]any{"displayName": "Bare", "bootstrapServers": "b:9092", "kafkaFlavor": gateway})
	if len(list()) != 1 {
		t.Error("a Gateway that stays one lost its interceptor")
	}
	put(map[string]any{"displayName": "Bare", "bootstrapServers": "b:9092"})
	put(map[string]any{"displayName": "Bare", "bootstrapServers": "b:9092", "kafkaFlavor": gateway})
	if left := list(); len(left) != 0 {
		t.Errorf("interceptors that came back: %v", left)
	}
}
