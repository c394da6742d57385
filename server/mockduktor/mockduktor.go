// Package mockduktor runs the emulator inside a Go test: a Conduktor Console and
// the identity provider in front of it, on a port of their own.
//
//	m := mockduktor.Start(t)
//	response, err := m.As("ada").Get(m.API() + "/public/kafka/v2/cluster/production/topic")
//
// Instances share nothing, so tests may run in parallel. The server ends with the
// test.
package mockduktor

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/control"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// Mock is a running emulator. What goes wrong ends the test that it was started
// for. Safe for concurrent use, but for that: only the test's own goroutine may
// call what can fail.
type Mock struct {
	t         testing.TB
	server    *server.Server
	transport *http.Transport
}

// Option says what to start with.
type Option func(*setup)

type setup struct {
	t         testing.TB
	seeded    bool
	documents []*seed.Document
	config    server.Config
}

// Seed adds documents in YAML or JSON, as the Conduktor CLI applies them, and of
// the emulator's own kinds. The first seed of any sort takes the place of the
// default estate; where documents meet, the later ones win.
func Seed(text string) Option {
	return func(s *setup) {
		s.t.Helper()
		documents, err := seed.Parse([]byte(text))
		if err != nil {
			s.t.Fatalf("mockduktor: seed: %v", err)
		}
		s.seed(documents)
	}
}

// Files adds the documents of files and folders; "default" is the default estate.
func Files(sources ...string) Option {
	return func(s *setup) {
		s.t.Helper()
		documents, err := seed.Load(sources, strings.NewReader(""))
		if err != nil {
			s.t.Fatalf("mockduktor: seed: %v", err)
		}
		s.seed(documents)
	}
}

// With adds resources.
func With(resources ...Resource) Option {
	return func(s *setup) {
		s.t.Helper()
		s.seed(parsed(s.t, resources))
	}
}

// Config changes what else can be set, such as the claims that the Console reads.
func Config(change func(config *server.Config)) Option {
	return func(s *setup) { change(&s.config) }
}

func (s *setup) seed(documents []*seed.Document) {
	s.seeded = true
	s.documents = append(s.documents, documents...)
}

// Start runs an emulator until the test ends. Without a seed it has the default
// estate. Any client id is accepted.
func Start(t testing.TB, options ...Option) *Mock {
	t.Helper()
	s := &setup{t: t, config: server.Config{Listen: "127.0.0.1:0", AnyClient: true}}
	for _, option := range options {
		option(s)
	}
	if s.seeded {
		seed.Sort(s.documents)
		s.config.Documents = s.withKeys()
	}
	running, err := server.Start(s.config)
	if err != nil {
		t.Fatalf("mockduktor: start: %v", err)
	}
	m := &Mock{t: t, server: running, transport: &http.Transport{}}
	t.Cleanup(m.close)
	return m
}

// withKeys adds the keys of the default estate where the seed has none: without
// one there are no tokens.
func (s *setup) withKeys() []*seed.Document {
	for _, document := range s.documents {
		if document.Kind == kinds.SigningKeyKind {
			return s.documents
		}
	}
	keys, err := seed.DefaultKeys()
	if err != nil {
		s.t.Fatalf("mockduktor: keys: %v", err)
	}
	return append(keys, s.documents...)
}

// closing is how long requests under way may take once the test has ended.
const closing = 5 * time.Second

func (m *Mock) close() {
	m.transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	if err := m.server.Close(ctx); err != nil {
		m.t.Errorf("mockduktor: close: %v (is the body of a response still open?)", err)
	}
	if err := m.server.Wait(); err != nil {
		m.t.Errorf("mockduktor: the server ended: %v", err)
	}
}

// URL is the address of the whole, without a slash at its end.
func (m *Mock) URL() string { return m.server.URL() }

// API is the address of the Console's API.
func (m *Mock) API() string { return m.server.URL() + "/api" }

// Issuer is that of the identity provider; its discovery document is below it.
func (m *Mock) Issuer() string { return m.server.Issuer() }

// Server is what runs, for what this package has no word for.
func (m *Mock) Server() *server.Server { return m.server }

// Clock is the world's: tokens expire and figures grow by it.
func (m *Mock) Clock() *store.Clock { return m.server.Pair().World.Clock }

// FreezeAt sets the clock to a time and stops it there.
func (m *Mock) FreezeAt(at time.Time) {
	frozen := true
	m.Clock().Change(&at, &frozen)
}

// Reset takes the world back to what it was started with; the clock stays.
func (m *Mock) Reset() {
	m.t.Helper()
	m.server.Pair().World.Reset()
	if err := m.server.Pair().SyncKeys(); err != nil {
		m.t.Fatalf("mockduktor: reset: %v", err)
	}
}

// Put creates or replaces resources, all or none.
func (m *Mock) Put(resources ...Resource) {
	m.t.Helper()
	m.apply(parsed(m.t, resources))
}

// PutYAML is Put with documents in YAML or JSON.
func (m *Mock) PutYAML(text string) {
	m.t.Helper()
	documents, err := seed.Parse([]byte(text))
	if err != nil {
		m.t.Fatalf("mockduktor: put: %v", err)
	}
	m.apply(documents)
}

func (m *Mock) apply(documents []*seed.Document) {
	m.t.Helper()
	if err := m.server.Pair().Apply(documents); err != nil {
		m.t.Fatalf("mockduktor: put: %v", err)
	}
}

// Delete removes a resource of any kind, such as Delete("Topic", "orders.placed",
// "dev"); parents are the clusters it is in. What is not there is an error.
func (m *Mock) Delete(kind, name string, parents ...string) {
	m.t.Helper()
	pair := m.server.Pair()
	known, err := pair.Engine.Named(kind, "")
	if err == nil {
		err = pair.Update(func(tx *store.Tx) error {
			return pair.Engine.Delete(tx, known, kinds.Key{Parents: parents, Name: name}, nil)
		})
	}
	if err != nil {
		m.t.Fatalf("mockduktor: delete %s %s: %v", kind, name, err)
	}
}

// parsed reads resources as a seed is read, so that they are checked alike.
func parsed(t testing.TB, resources []Resource) []*seed.Document {
	t.Helper()
	objects := make([]map[string]any, len(resources))
	for i, resource := range resources {
		objects[i] = resource.object()
	}
	var text bytes.Buffer
	if err := seed.Encode(&text, objects); err != nil {
		t.Fatalf("mockduktor: %v", err)
	}
	documents, err := seed.Parse(text.Bytes())
	if err != nil {
		t.Fatalf("mockduktor: %v\n%s", err, text.String())
	}
	return documents
}

// testClient is who asks for the tokens that this package makes.
const testClient = "test"

// Token is a new access token of a person, by login or e-mail.
func (m *Mock) Token(person string) string {
	m.t.Helper()
	token, err := m.mint(m.t.Context(), person)
	if err != nil {
		m.t.Fatalf("mockduktor: token of %s: %v", person, err)
	}
	return token.AccessToken
}

func (m *Mock) mint(ctx context.Context, person string) (*idp.Tokens, error) {
	pair := m.server.Pair()
	provider := pair.NamedProvider(pair.Trusted())
	if provider == nil {
		return nil, errors.New("the Console trusts the tokens of another issuer")
	}
	return control.Mint(ctx, pair.World, provider, person, idp.MintRequest{ClientID: testClient})
}
