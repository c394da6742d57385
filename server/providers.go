package server

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// providers are the identity providers of a world beside the built-in one, as
// its Provider resources describe them. These may change at any time, by a
// request, a reset or a snapshot; what is served follows.
type providers struct {
	world   *store.World
	network Network
	// config is what they all share; url and prefix are those of the site.
	config      idp.Config
	url, prefix string
	keys        *signing

	mu    sync.Mutex // taken to build
	built atomic.Pointer[builtProviders]
}

// builtProviders are the providers of one state of the resources.
type builtProviders struct {
	from []*idp.Settings
	keys *idp.Keys
	list []*namedProvider
}

type namedProvider struct {
	*idp.Provider
	name string
}

// all returns the providers of the world as it is now, by name.
func (p *providers) all() []*namedProvider {
	settings, keys := kinds.Providers(p.world.View()), p.keys.all()
	if built := p.built.Load(); built != nil && built.keys == keys && slices.Equal(built.from, settings) {
		return built.list
	}
	if len(settings) == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.built.Load()
	if before != nil && before.keys == keys && slices.Equal(before.from, settings) {
		return before.list
	}
	next := &builtProviders{from: settings, keys: keys}
	for _, one := range settings {
		if provider := p.provider(before, one, keys); provider != nil {
			next.list = append(next.list, provider)
		}
	}
	p.built.Store(next)
	return next.list
}

// provider makes one, or keeps the one that there is for the same settings.
func (p *providers) provider(before *builtProviders, settings *idp.Settings, keys *idp.Keys) *namedProvider {
	if before != nil {
		for _, one := range before.list {
			if one.name == settings.Name && slices.Contains(before.from, settings) {
				if before.keys != keys {
					one.SetKeys(keys)
				}
				return one
			}
		}
	}
	config := settings.Configure(p.config, p.url)
	config.Keys = keys
	config.Issuer = p.inside(config.Issuer)
	config.BackChannel = p.network.backChannel(issuerPath(config.Issuer))
	provider, err := idp.New(config)
	if err != nil {
		// What can be wrong was said when the resource was put.
		p.config.Logger.Error("provider not served", "provider", settings.Name, "error", err)
		return nil
	}
	return &namedProvider{Provider: provider, name: settings.Name}
}

// inside puts the site's prefix before the path of an issuer that was given
// whole: that of a sandbox is another than that of the seed it was forked from.
func (p *providers) inside(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil || p.prefix == "" || strings.HasPrefix(u.Path, p.prefix+"/") {
		return issuer
	}
	u.Path = p.prefix + u.Path
	return u.String()
}

// issuing finds the provider whose tokens have an issuer; nil if there is none.
func (p *providers) issuing(issuer string) *idp.Provider {
	for _, one := range p.all() {
		if one.Issuer() == issuer || one.AccessIssuer() == issuer {
			return one.Provider
		}
	}
	return nil
}

// NamedProvider finds an identity provider by the name of its resource, "" for
// the built-in one; nil if there is none.
func (p *Pair) NamedProvider(name string) *idp.Provider {
	if name == "" {
		return p.Provider
	}
	for _, one := range p.providers.all() {
		if one.name == name {
			return one.Provider
		}
	}
	return nil
}

// Issuers returns the issuers of the further identity providers by their names.
func (p *Pair) Issuers() map[string]string {
	issuers := map[string]string{}
	for _, one := range p.providers.all() {
		issuers[one.name] = one.Issuer()
	}
	return issuers
}

// Trusted is the name of the further identity provider whose tokens the Console
// accepts; "" where it accepts those of the built-in one or of another process.
func (p *Pair) Trusted() string {
	trusted := p.providers.issuing(p.Console.Settings.JWT.Issuer)
	for _, one := range p.providers.all() {
		if one.Provider == trusted {
			return one.name
		}
	}
	return ""
}

// trustedKeys are those of the issuer that the Console trusts: of a provider of
// this process while there is one of that issuer, without a request, or else
// fetched.
type trustedKeys struct {
	providers *providers
	issuer    string
	own       *console.OwnKeys
	remote    *console.RemoteKeys
}

func newTrustedKeys(p *providers, issuer string, client *http.Client, wait time.Duration) *trustedKeys {
	remote := console.NewRemoteKeys(issuer, client)
	remote.Wait = wait
	return &trustedKeys{
		providers: p, issuer: issuer, remote: remote,
		own: console.NewOwnKeys(func() jwk.Set {
			if provider := p.issuing(issuer); provider != nil {
				return provider.PublicKeys()
			}
			return jwk.NewSet()
		}),
	}
}

// Key implements console.Keys.
func (k *trustedKeys) Key(ctx context.Context, id, alg string) (any, error) {
	if k.providers.issuing(k.issuer) != nil {
		return k.own.Key(ctx, id, alg)
	}
	return k.remote.Key(ctx, id, alg)
}
