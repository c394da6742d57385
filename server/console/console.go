// Package console is the Console half: it authenticates a caller, validates the
// request, asks RBAC, acts on the world and answers as Conduktor Console does.
package console

import (
	"log/slog"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/limits"
	"github.com/mockduktor/mockduktor/server/store"
)

// Settings of one Console. The names follow the product's properties.
type Settings struct {
	Prefix        string // path before everything: /s/{id} in a sandbox, or ""
	JWT           JWTSettings
	AdminEmail    string // admin.email, the root admin
	AdminPassword string // admin.password
	LocalUsers    []LocalUser
	Version       string // what /versions calls platform, such as 1.45.1
	Plan          string // platform licence: enterprise or free
	HideReasons   bool   // leaves cause out of 401 and 403 and sends no Mock-Reason
	// SessionLifetime of a login in seconds (auth.sessionLifetime).
	SessionLifetime int
	// TLSTestAnyHost lets the TLS test of certificates reach other hosts than
	// this machine.
	TLSTestAnyHost bool
	Limits         limits.Limits
}

// LocalUser is an element of auth.local-users.
type LocalUser struct{ Email, Password string }

// Defaults of the product (Console documentation, environment variables).
const (
	DefaultVersion         = "1.45.1"
	DefaultSessionLifetime = 259200
	PlanEnterprise         = "enterprise"
	PlanFree               = "free"
)

// cached bounds what a Console remembers of tokens and of compiled grants;
// beyond it the least used is worked out again.
const cached = 4096

// Console is the Console of one world.
type Console struct {
	World    *store.World
	Engine   *kinds.Engine
	Settings Settings
	Document *openapi.Document
	Logger   *slog.Logger
	Hooks    Hooks // set before the first request

	verifier *verifier
	access   *lru.Cache[accessKey, *access]
	mapping  *lru.Cache[uint64, *rbac.Mapping]
	everyone *lru.Cache[uint64, []rbac.Grant]
	trial    bool       // see Over
	spaces   *sync.Pool // see space
}

// New returns the Console of a world. keys are those of the trusted issuer.
func New(world *store.World, engine *kinds.Engine, document *openapi.Document, settings Settings, keys Keys, logger *slog.Logger) *Console {
	settings.Limits = settings.Limits.Or()
	if settings.Version == "" {
		settings.Version = DefaultVersion
	}
	if settings.SessionLifetime == 0 {
		settings.SessionLifetime = DefaultSessionLifetime
	}
	if settings.Plan == "" {
		settings.Plan = PlanEnterprise
	}
	return &Console{
		World: world, Engine: engine, Settings: settings, Document: document, Logger: logger,
		verifier: newVerifier(settings.JWT, keys),
		access:   cache[accessKey, *access](cached),
		mapping:  cache[uint64, *rbac.Mapping](8),
		everyone: cache[uint64, []rbac.Grant](2),
		spaces:   &sync.Pool{},
	}
}

func cache[K comparable, V any](size int) *lru.Cache[K, V] {
	c, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // only for a size below one
	}
	return c
}
