package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// Pair is a Console and its identity provider over one world.
type Pair struct {
	World    *store.World
	Engine   *kinds.Engine
	Provider *idp.Provider
	Console  *console.Console
	keys     *signing
	secret   []byte // see idp.Config.Secret
	config   Config
	// providers are those beside the built-in one.
	providers *providers
}

// NewPair makes the two out of a seed. The configuration must be complete: with
// an issuer. Faults of the seed are of type seed.Faults.
func NewPair(config Config, documents []*seed.Document) (*Pair, error) {
	engine := NewEngine(config)
	world, err := seededWorld(config, engine, documents)
	if err != nil {
		return nil, err
	}
	keys, err := keysOf(world.View())
	if err != nil {
		return nil, err
	}
	secret, err := keys.secret(config.RandomKeys)
	if err != nil {
		return nil, err
	}
	return pairOver(config, world, engine, keys, secret)
}

// seededWorld is a world that holds a seed and resets to it.
func seededWorld(config Config, engine *kinds.Engine, documents []*seed.Document) (*store.World, error) {
	world := store.New()
	world.Limit(config.Limits)
	if err := Load(world, engine, config.Console.AdminEmail, documents); err != nil {
		return nil, err
	}
	if config.RandomKeys {
		if err := randomKeys(world, engine); err != nil {
			return nil, err
		}
	}
	if len(config.SigningKeys) > 0 {
		if err := mountKeys(world, engine, config.SigningKeys); err != nil {
			return nil, err
		}
	}
	world.KeepAsSeed()
	return world, nil
}

// pairOver makes the two over a world that is already filled.
func pairOver(config Config, world *store.World, engine *kinds.Engine, keys *signingKeys, secret []byte) (*Pair, error) {
	common := idp.Config{
		Storage: store.Directory{World: world}, Clock: world.Clock, Keys: keys.keys,
		Logger: config.Logger, AnyClient: config.AnyClient, RequirePassword: config.RequirePassword,
		LoginHintSignsIn: config.LoginHintSignsIn, DynamicRegistration: config.DynamicRegistration, DPoPNonce: config.DPoPNonce,
		AllowPlainPKCE: config.PlainPKCE, ACRValues: config.ACRValues, Secret: secret, Called: config.called,
		Limits: idp.Limits{Form: config.Limits.Form, Parameters: config.Limits.Parameters, Clients: config.Limits.Clients},
	}
	if config.FixedClaims {
		common.EditableClaims = new(bool)
	}
	builtIn := common
	builtIn.AccessTokenLifetime, builtIn.IDTokenLifetime = config.Lifetimes.AccessToken, config.Lifetimes.IDToken
	builtIn.RefreshTokenLifetime, builtIn.CodeLifetime = config.Lifetimes.RefreshToken, config.Lifetimes.Code
	builtIn.SessionLifetime = config.Lifetimes.SignIn
	builtIn.Issuer = config.Issuer
	builtIn.BackChannel = config.Network.backChannel(issuerPath(config.Issuer))
	provider, err := idp.New(builtIn)
	if err != nil {
		return nil, err
	}
	pair := &Pair{World: world, Engine: engine, Provider: provider, keys: &signing{}, secret: secret, config: config}
	pair.keys.current.Store(keys)
	pair.providers = &providers{
		world: world, network: config.Network, config: common, url: config.PublicURL, prefix: config.prefix, keys: pair.keys,
	}
	var trusted console.Keys = console.NewOwnKeys(pair.keys.public)
	if config.Console.JWT.Issuer != config.Issuer {
		trusted = newTrustedKeys(pair.providers, config.Console.JWT.Issuer, config.HTTPClient, config.Timeouts.Handler)
		config.Console.JWT.Untrusted = config.Issuer
	}
	pair.Console = console.New(world, engine, openapi.Console(), config.Console, trusted, config.Logger)
	pair.Console.Hooks = config.hooks
	return pair, nil
}

func issuerPath(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.EscapedPath(), "/")
}

// Fork makes a pair of its own over a world forked from this one: same seed and
// keys, another issuer, nothing else shared. config is that of this pair with
// the new PublicURL and Issuer.
func (p *Pair) Fork(config Config, world *store.World) (*Pair, error) {
	keys := p.keys.current.Load()
	if !slices.Equal(keys.from, kinds.SigningKeys(world.View())) {
		var err error
		if keys, err = keysOf(world.View()); err != nil {
			return nil, err
		}
	}
	return pairOver(config, world, p.Engine, keys, p.secret)
}

// NewEngine returns the kind engine with the rules that the configuration asks for.
func NewEngine(config Config) *kinds.Engine {
	config.complete()
	return kinds.New(openapi.Console(), openapi.Mock(), kinds.Settings{
		AdminEmail: config.Console.AdminEmail, RegexFull: config.RegexFull, Simulate: config.Simulate,
	})
}

// Load fills an empty world: the root admin and the built-in group, then the
// documents in the order given. It lists every fault and then changes nothing.
func Load(world *store.World, engine *kinds.Engine, adminEmail string, documents []*seed.Document) error {
	return world.Update(func(tx *store.Tx) error {
		if err := tx.SetEpoch(tx.Now().Truncate(time.Second)); err != nil {
			return err
		}
		for _, object := range builtIn(adminEmail) {
			if _, err := apply(tx, engine, object); err != nil {
				return fmt.Errorf("built-in %s: %w", object["kind"], err)
			}
		}
		return applyAll(tx, engine, documents)
	})
}

// applyAll applies documents in the order given; the error lists every fault.
func applyAll(tx *store.Tx, engine *kinds.Engine, documents []*seed.Document) error {
	var faults seed.Faults
	for _, document := range documents {
		if _, err := apply(tx, engine, document.Object); err != nil {
			faults = append(faults, faultOf(document, err))
		}
	}
	if len(faults) > 0 {
		slices.SortStableFunc(faults, func(a, b seed.Fault) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return faults
	}
	return nil
}

// Apply puts more documents into the world, all or none; what is wrong with them
// is of type seed.Faults.
func (p *Pair) Apply(documents []*seed.Document) error {
	return p.Update(func(tx *store.Tx) error { return applyAll(tx, p.Engine, documents) })
}

func builtIn(adminEmail string) []map[string]any {
	return []map[string]any{
		{"apiVersion": "v2", "kind": "User", "metadata": map[string]any{"name": adminEmail},
			"spec": map[string]any{"permissions": []any{}}},
		{"apiVersion": "v2", "kind": "Group", "metadata": map[string]any{"name": kinds.AdminGroup},
			"spec": map[string]any{"displayName": "Admin", "description": "Members may do everything",
				"members": []any{adminEmail}, "permissions": []any{}}},
	}
}

func apply(tx *store.Tx, engine *kinds.Engine, object map[string]any) (*store.Resource, error) {
	apiVersion, _ := object["apiVersion"].(string)
	name, _ := object["kind"].(string)
	kind, err := engine.Kind(apiVersion, name)
	if err != nil {
		return nil, err
	}
	resource, _, err := engine.Apply(tx, kinds.Request{Kind: kind, Object: object})
	return resource, err
}

func faultOf(document *seed.Document, err error) seed.Fault {
	fault := seed.Fault{Position: document.Pos, Kind: document.Kind, Name: document.Name, Problem: err.Error()}
	var refused *kinds.Error
	if errors.As(err, &refused) {
		fault.Field, fault.Position = refused.Field, document.At(refused.Field)
		fault.Problem = refused.Detail()
	}
	return fault
}

// Replace makes documents the whole world, and what a reset returns to; faults
// are seed.Faults, and then nothing changes. Signing keys stay unless the
// documents bring some and the server was given none; who is signed in at the
// identity provider stays so. Snapshots and the clock are left as they are.
func (p *Pair) Replace(documents []*seed.Document) error {
	next := store.NewAt(p.World.Clock)
	next.Limit(p.config.Limits)
	if err := Load(next, p.Engine, p.config.Console.AdminEmail, documents); err != nil {
		return err
	}
	before := p.World.View()
	if err := p.keepKeys(next, before); err != nil {
		return err
	}
	if _, err := keysOf(next.View()); err != nil {
		return err
	}
	next.KeepAsSeed()
	err := next.Update(func(tx *store.Tx) error {
		for record := range before.SignIns() {
			if err := tx.PutRecord(*record); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.World.Replace(next)
	return p.SyncKeys()
}

// keepKeys takes the signing keys of the present world over where the next one
// has none, or where they are random or were given to the server.
func (p *Pair) keepKeys(next *store.World, before *store.Tx) error {
	return next.Update(func(tx *store.Tx) error {
		brought := kinds.SigningKeys(tx)
		if len(brought) > 0 && !p.config.RandomKeys && len(p.config.SigningKeys) == 0 {
			return nil
		}
		for _, resource := range brought {
			if err := tx.Delete(resource); err != nil {
				return err
			}
		}
		for _, resource := range kinds.SigningKeys(before) {
			if err := tx.Put(resource); err != nil {
				return err
			}
		}
		return nil
	})
}

// Export returns every resource of the world as people would write it: without
// what the server sets itself. Loading the result gives the same world.
func (p *Pair) Export(context.Context) []map[string]any {
	tx := p.World.View()
	var objects []map[string]any
	for _, kind := range p.Engine.Kinds() {
		resources := slices.Collect(tx.Resources(kind.Name, kind.Version, nil, ""))
		if kind.Name == kinds.SigningKeyKind {
			resources = kinds.SigningKeys(tx)
		}
		for _, resource := range resources {
			objects = append(objects, p.Engine.Written(kind, resource))
		}
	}
	return objects
}

// Offline makes the pair without a server, as one on the configured address
// would be: for commands that work on a seed.
func Offline(config Config, documents []*seed.Document) (*Pair, error) {
	config.complete()
	address, err := net.ResolveTCPAddr("tcp", config.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %q: %w", config.Listen, err)
	}
	if err := config.urls(address); err != nil {
		return nil, err
	}
	return NewPair(config, documents)
}
