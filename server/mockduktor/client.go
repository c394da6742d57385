package mockduktor

import (
	"net/http"
	"net/url"
	"sync"
	"time"
)

// As returns a client whose requests to this emulator carry an access token of a
// person, by login or e-mail. A token that has expired by the world's clock is
// replaced by a new one.
func (m *Mock) As(person string) *http.Client {
	m.t.Helper()
	signed := &signedIn{m: m, person: person}
	if _, err := signed.token(); err != nil {
		m.t.Fatalf("mockduktor: token of %s: %v", person, err)
	}
	return m.client(signed.token)
}

// WithToken returns a client whose requests to this emulator carry a bearer
// token: an API key, or one that is wrong.
func (m *Mock) WithToken(token string) *http.Client {
	return m.client(func() (string, error) { return token, nil })
}

// Client returns a client whose requests carry no token.
func (m *Mock) Client() *http.Client { return &http.Client{Transport: m.transport} }

func (m *Mock) client(token func() (string, error)) *http.Client {
	return &http.Client{Transport: &bearer{m: m, token: token}}
}

// signedIn keeps the token of a person while it is good.
type signedIn struct {
	m      *Mock
	person string

	mu     sync.Mutex
	bearer string
	from   time.Time
	until  time.Time
}

func (s *signedIn) token() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.m.Clock().Now()
	if s.bearer != "" && !now.Before(s.from) && now.Before(s.until) {
		return s.bearer, nil
	}
	tokens, err := s.m.mint(s.m.t.Context(), s.person)
	if err != nil {
		return "", err
	}
	s.bearer, s.from, s.until = tokens.AccessToken, now, now.Add(time.Duration(tokens.ExpiresIn)*time.Second)
	return s.bearer, nil
}

// bearer is a transport that adds a token.
type bearer struct {
	m     *Mock
	token func() (string, error)
}

// RoundTrip implements http.RoundTripper.
func (b *bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	own, err := url.Parse(b.m.URL())
	if err != nil {
		return nil, err
	}
	// A token is nobody else's business, wherever a redirect leads.
	if request.URL.Host == own.Host && request.Header.Get("Authorization") == "" {
		token, err := b.token()
		if err != nil {
			return nil, err
		}
		request = request.Clone(request.Context())
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return b.m.transport.RoundTrip(request)
}
