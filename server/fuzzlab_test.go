package server_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/store"
)

// fuzzLab is a server that one process starts once for all inputs of a fuzzer. It
// is called without a network, and its world is put back for each input.
type fuzzLab struct {
	*server.Server
	root string // a session of the root admin
}

// startFuzz starts a server whose clock stands at kindMoment and whose answers are
// held to the document: one that does not fit becomes a 500.
func startFuzz(t testing.TB, config server.Config) *fuzzLab {
	t.Helper()
	config.Listen, config.ValidateResponses = "127.0.0.1:0", true
	// One address for all processes: inputs that name it go from one to the other.
	config.PublicURL = "http://fuzz.example"
	running, err := server.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	world := running.Pair().World
	world.Clock.Freeze()
	world.Clock.Set(kindMoment)
	l := &fuzzLab{Server: running, root: sessionOf(t, running)}
	world.KeepAsSeed()
	return l
}

// ask sends a request; body "" sends none. A target that is no request target is
// answered 400, as net/http does before it comes to a handler.
func (l *fuzzLab) ask(method, target, token, media, body string) *httptest.ResponseRecorder {
	address, err := url.ParseRequestURI(target)
	if err != nil {
		return &httptest.ResponseRecorder{Code: http.StatusBadRequest, Body: &bytes.Buffer{}}
	}
	request := httptest.NewRequest(http.MethodGet, l.URL(), strings.NewReader(body))
	request.Method, request.URL, request.RequestURI = method, address, target
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if media != "" {
		request.Header.Set("Content-Type", media)
	}
	return l.serve(request)
}

func (l *fuzzLab) serve(request *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	l.Handler().ServeHTTP(recorder, request)
	return recorder
}

// holdings are all resources of the world. They are immutable, so that the same
// pointers mean that nothing was written.
func (l *fuzzLab) holdings() []*store.Resource {
	var all []*store.Resource
	tx := l.Pair().World.View()
	for _, kind := range l.Pair().Engine.Kinds() {
		all = slices.AppendSeq(all, tx.Resources(kind.Name, kind.Version, nil, ""))
	}
	return all
}

// failing is what *testing.T and *rapid.T have in common.
type failing interface {
	Helper()
	Fatalf(format string, args ...any)
}

// unharmed expects an answer that is no failure of the server's, and after a
// refusal a world that is as before.
func (l *fuzzLab) unharmed(t failing, what string, got *httptest.ResponseRecorder, before []*store.Resource) {
	t.Helper()
	if got.Code >= 500 || got.Code < 200 {
		t.Fatalf("%s: %d %s", what, got.Code, got.Body)
	}
	if got.Code >= 400 && !slices.Equal(before, l.holdings()) {
		t.Fatalf("%s: %d %s\nand yet the world has changed", what, got.Code, fmt.Sprintf("%.500s", got.Body))
	}
}
