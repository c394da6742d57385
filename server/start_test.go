package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/control"
)

// start runs a server on a free port until the test ends. It speaks HTTP as the
// binary does; the binary itself is run in cmd/mockduktor's tests.
func start(t testing.TB, config server.Config) *server.Server {
	t.Helper()
	config.Listen = "127.0.0.1:0"
	_, counting := t.(*testing.B)
	config.ValidateResponses, config.AnswerCheck = !counting, byKin(t)
	running, err := server.Start(config)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		if err := running.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return running
}

// tokenOf mints an access token of a person at a registered client.
func tokenOf(t testing.TB, running *server.Server, login string) string {
	t.Helper()
	tokens, err := control.Mint(t.Context(), running.Pair().World, running.Pair().Provider, login, idp.MintRequest{ClientID: "backstage"})
	if err != nil {
		t.Fatalf("token of %s: %v", login, err)
	}
	return tokens.AccessToken
}

// answer is what came back of one call.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// json decodes the body into what is given.
func (a answer) json(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("answer %d is not JSON: %v\n%s", a.status, err, a.body)
	}
}

// problem is the Console's error body.
type problem struct{ Title, Msg, Cause string }

// call sends one request; body may be nil, a string as it is, or a value sent
// as JSON. token "" sends no Authorization header.
func call(t testing.TB, running *server.Server, method, path, token string, body any) answer {
	t.Helper()
	var encoded []byte
	switch body := body.(type) {
	case nil:
	case string:
		encoded = []byte(body)
	default:
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	return send(t, running, method, path, token, "", encoded)
}

// send sends one request with a body of the media type given; "" names none.
func send(t testing.TB, running *server.Server, method, path, token, media string, body []byte) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+running.Address()+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if media != "" {
		request.Header.Set("Content-Type", media)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return do(t, request)
}

// do sends a request that is ready, following no redirect.
func do(t testing.TB, request *http.Request) answer {
	t.Helper()
	response, err := direct.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, data}
}

var direct = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
