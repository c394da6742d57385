package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/journal"
	"github.com/mockduktor/mockduktor/server/limits"
)

// Site is one world as it is served: the main one, or a sandbox below /s/{id}
// with a Console, an issuer, a clock and a control API of its own.
type Site struct {
	*Pair
	ID      string // "" for the main one
	URL     string // base of its addresses, without a slash at its end
	Created time.Time
	Expires time.Time // machine time; zero = never
	Journal *journal.Journal
	prefix  string // path before everything: "" or /s/{id}
}

// newJournal makes the journal of a site with this configuration.
func newJournal(config Config) *journal.Journal {
	return journal.New(max(config.JournalSize, 0), journal.Options{
		APIKeyClaim: config.Console.JWT.APIKeyClaim, Bytes: config.Limits.Journal,
		OperationID: func(surface journal.Surface, method, path string) string {
			return describing(surface).OperationID(method, path)
		},
		HasParameter: func(surface journal.Surface, method, path, name string) bool {
			return describing(surface).HasParameter(method, path, name)
		},
	})
}

// describing is the document that describes a surface; the identity provider's
// endpoints are in none, so that neither has them.
func describing(surface journal.Surface) *openapi.Document {
	if surface == journal.Mock {
		return openapi.Mock()
	}
	return openapi.Console()
}

// sandboxPath begins the addresses of sandboxes.
const sandboxPath = "/s/"

// ErrSandbox is wrapped by what is wrong with a request for a sandbox.
var ErrSandbox = errors.New("sandbox")

// ErrSandboxTaken is ErrSandbox for what stands in the way of a request that is
// right in itself: a sandbox of the same id, or as many as there may be.
var ErrSandboxTaken = fmt.Errorf("%w", ErrSandbox)

// sites are the main site and the sandboxes.
type sites struct {
	config Config
	main   *Site

	mu    sync.RWMutex
	boxes map[string]*Site
	next  time.Time // when the first of them expires; zero = never
}

// Open makes a sandbox. id "" takes a random one; from "" forks the seed, else
// the named snapshot of the main world; keep 0 never expires.
func (s *sites) Open(id, from string, keep time.Duration) (*Site, error) {
	if id == "" {
		random := make([]byte, 8)
		if _, err := rand.Read(random); err != nil {
			return nil, fmt.Errorf("make a sandbox: %w", err)
		}
		id = hex.EncodeToString(random)
	}
	if !isSandboxID(id) {
		return nil, fmt.Errorf("%w id %q: expected up to 64 of a-z, 0-9 and -", ErrSandbox, id)
	}
	world := s.main.World.Fork()
	if from != "" {
		var err error
		if world, err = s.main.World.ForkSnapshot(from); err != nil {
			return nil, err
		}
	}
	prefix := sandboxPath + id
	config := s.config
	config.prefix, config.Console.Prefix = prefix, prefix
	config.PublicURL += prefix
	config.Issuer = config.PublicURL + "/idp"
	switch trusted := s.config.Console.JWT.Issuer; {
	case trusted == s.config.Issuer:
		config.Console.JWT.Issuer = config.Issuer
	case s.main.providers.issuing(trusted) != nil:
		u, err := url.Parse(trusted)
		if err != nil {
			return nil, fmt.Errorf("%w: issuer %q: %w", ErrSandbox, trusted, err)
		}
		u.Path = prefix + u.Path
		config.Console.JWT.Issuer = u.String()
	}
	pair, err := s.main.Fork(config, world)
	if err != nil {
		return nil, err
	}
	site := &Site{Pair: pair, ID: id, URL: config.PublicURL, Created: time.Now().UTC(), prefix: prefix,
		Journal: newJournal(config)}
	if keep > 0 {
		site.Expires = site.Created.Add(keep)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	if _, taken := s.boxes[id]; taken {
		return nil, fmt.Errorf("%w id %q is taken: delete it first, or leave the id out", ErrSandboxTaken, id)
	}
	if most := s.config.Limits.Sandboxes; len(s.boxes) >= most {
		return nil, fmt.Errorf("%w: %s; or delete one first", ErrSandboxTaken, limits.Explain("sandboxes", most))
	}
	s.boxes[id] = site
	s.expects(site)
	return site, nil
}

func isSandboxID(id string) bool {
	return len(id) <= 64 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && id != ""
}

// sweep forgets the sandboxes whose time is over; mu is held. It looks at none
// before the first of them is.
func (s *sites) sweep() {
	now := time.Now()
	if s.next.IsZero() || now.Before(s.next) {
		return
	}
	s.next = time.Time{}
	for id, site := range s.boxes {
		switch {
		case site.Expires.IsZero():
		case !now.Before(site.Expires):
			delete(s.boxes, id)
		default:
			s.expects(site)
		}
	}
}

// expects notes when a sandbox expires; mu is held.
func (s *sites) expects(site *Site) {
	if !site.Expires.IsZero() && (s.next.IsZero() || site.Expires.Before(s.next)) {
		s.next = site.Expires
	}
}

// Find returns a sandbox that has not expired.
func (s *sites) Find(id string) (*Site, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	site, ok := s.boxes[id]
	return site, ok && (site.Expires.IsZero() || time.Now().Before(site.Expires))
}

// Close ends a sandbox; it reports whether there was one.
func (s *sites) Close(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	site, ok := s.boxes[id]
	if ok {
		site.Journal.Close()
		delete(s.boxes, id)
	}
	return ok
}

// List returns the sandboxes, by id.
func (s *sites) List() []*Site {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	list := make([]*Site, 0, len(s.boxes))
	for _, site := range s.boxes {
		list = append(list, site)
	}
	slices.SortFunc(list, func(a, b *Site) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// siteOf returns the site that a request is for.
func (s *sites) siteOf(c echo.Context) *Site {
	if x := exchangeOf(c.Request()); x != nil {
		return x.site
	}
	return s.main
}

// at finds the site of a request by its path; nil for an unknown sandbox.
func (s *sites) at(path string) *Site {
	rest, sandboxed := strings.CutPrefix(path, sandboxPath)
	if !sandboxed {
		return s.main
	}
	id, _, _ := strings.Cut(rest, "/")
	if site, ok := s.Find(id); ok {
		return site
	}
	return nil
}

// inside is an address without the site's prefix, so that one set of routes
// serves all sites.
func (site *Site) inside(address *url.URL) *url.URL {
	if site.prefix == "" {
		return address
	}
	inner := *address
	inner.Path = strings.TrimPrefix(inner.Path, site.prefix)
	inner.RawPath = strings.TrimPrefix(inner.RawPath, site.prefix)
	if inner.Path == "" {
		inner.Path, inner.RawPath = "/", ""
	}
	return &inner
}

// wellKnown begins the addresses that have an issuer's path at their end
// (RFC 8414, section 3.1).
const wellKnown = "/.well-known/"

// wellKnownSite finds the site whose issuer such an address is about; the main
// one answers for all that is nobody's.
func (s *sites) wellKnownSite(path string) *Site {
	_, issuer, _ := strings.Cut(strings.TrimPrefix(path, wellKnown), "/")
	if rest, sandboxed := strings.CutPrefix("/"+issuer, sandboxPath); sandboxed {
		id, _, _ := strings.Cut(rest, "/")
		if site, ok := s.Find(id); ok {
			return site
		}
	}
	return s.main
}
