package idp

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Settings are a provider as its document describes it; Configure makes a
// configuration of them.
type Settings struct {
	// Name is the document's.
	Name string
	// Path is where the issuer is on the host, Issuer the whole of it. Both
	// empty: Vendor.DefaultPath.
	Path, Issuer string

	Vendor   Vendor
	Shape    Shape
	Mappings []Mapping

	AnyClient, RequirePassword, AllowPlainPKCE, LoginHintSignsIn, EditableClaims bool
	DynamicRegistration, DPoPNonce                                               bool
	// ACRValues; nil: those of the server.
	ACRValues []string

	// Lifetimes; zero: the vendor's.
	AccessTokenLifetime, IDTokenLifetime, RefreshTokenLifetime, CodeLifetime, SessionLifetime time.Duration
}

// ParseProvider reads a Provider document (apiVersion mockduktor/v1). The
// settings are usable only if there is no problem.
func ParseProvider(resource map[string]any) (*Settings, []Problem) {
	var problems []Problem
	name, spec := specOf(resource, &problems)
	s := &Settings{
		Name:   name,
		Path:   spec.text("path"),
		Issuer: spec.text("issuer"),
		Vendor: Vendor{
			Profile: spec.text("profile"), Realm: spec.text("realm"), Server: spec.text("server"), Tenant: spec.text("tenant"),
			Namespace: spec.text("namespace"), Version: spec.integer("version"), AccessTokenVersion: spec.integer("access_token_version"),
			GroupNames: spec.boolean("group_names", false),
		},
		AnyClient:            spec.boolean("any_client", false),
		RequirePassword:      spec.boolean("require_password", false),
		AllowPlainPKCE:       spec.boolean("allow_plain_pkce", false),
		LoginHintSignsIn:     spec.boolean("login_hint_signs_in", false),
		EditableClaims:       spec.boolean("editable_claims", true),
		DynamicRegistration:  spec.boolean("dynamic_registration", false),
		DPoPNonce:            spec.boolean("dpop_nonce", false),
		ACRValues:            spec.list("acr_values"),
		AccessTokenLifetime:  spec.lifetime("access_token_lifetime"),
		IDTokenLifetime:      spec.lifetime("id_token_lifetime"),
		RefreshTokenLifetime: spec.lifetime("refresh_token_lifetime"),
		CodeLifetime:         spec.lifetime("code_lifetime"),
		SessionLifetime:      spec.lifetime("session_lifetime"),
	}
	s.Vendor.check(spec.report)
	if shape := spec.member("shape"); shape != nil {
		texts := s.Shape.texts()
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			*texts[name] = shape.text(name)
		}
		s.Shape.GroupsLimit = shape.integer("groups_limit")
		s.Shape.check(shape.report)
		shape.unknown()
	}
	for _, item := range spec.members("claim_mappings") {
		s.Mappings = append(s.Mappings, item.mapping())
	}
	spec.unknown()
	for i, value := range s.ACRValues {
		if err := CheckACR(value); err != nil {
			spec.report(fmt.Sprintf("acr_values[%d]", i), "is %q; %v", value, err)
		}
	}
	s.checkAddress(spec)
	if len(problems) == 0 {
		s.checkProfile(spec)
	}
	return s, problems
}

// checkProfile refuses what the profile would pass over.
func (s *Settings) checkProfile(spec *fields) {
	vendor, err := profileOf(s.Vendor)
	if err != nil {
		spec.report("profile", "%v", err)
		return
	}
	if s.DynamicRegistration && vendor.paths.Register == "" {
		spec.report("dynamic_registration", "is true, and the profile %s has no registration endpoint", vendor.name)
	}
	for i, m := range s.Mappings {
		if vendor.isFixed(m.Claim) {
			spec.report(fmt.Sprintf("claim_mappings[%d].claim", i), "is %q, which the profile %s sets itself", m.Claim, vendor.name)
		}
	}
}

func (s *Settings) checkAddress(spec *fields) {
	if s.Path != "" && s.Issuer != "" {
		spec.report("issuer", "stands beside path; keep one of them")
		return
	}
	if s.Path != "" {
		u, err := url.Parse(s.Path)
		if err != nil || !strings.HasPrefix(s.Path, "/") || strings.Contains(s.Path, "//") || u.Path != s.Path || strings.Contains(s.Path+"/", "/../") || strings.Contains(s.Path+"/", "/./") {
			spec.report("path", "is %q; it begins with a slash, such as /realms/acme, and has neither query nor escapes", s.Path)
		}
	}
	if s.Issuer != "" {
		u, err := url.Parse(s.Issuer)
		if err != nil || !isWeb(u) || u.Host == "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s.Issuer, "#") {
			spec.report("issuer", "is %q; it is an http or https address without query and fragment", s.Issuer)
		}
	}
	if s.Vendor.Profile == ProfileEntra && s.Vendor.Version != 1 {
		for _, one := range []struct{ field, value string }{{"path", s.Path}, {"issuer", s.Issuer}} {
			if one.value != "" && !strings.HasSuffix(strings.TrimSuffix(one.value, "/"), "/v2.0") {
				spec.report(one.field, "is %q; an issuer of Entra ends in /v2.0, or is version: 1", one.value)
			}
		}
	}
}

// Address is the issuer on a host whose base has no slash at its end.
func (s *Settings) Address(base string) string {
	switch {
	case s.Issuer != "":
		return s.Shape.withSlash(s.Issuer)
	case s.Path != "":
		return s.Shape.withSlash(base + s.Path)
	}
	return s.Shape.withSlash(base + s.Vendor.DefaultPath(s.Name))
}

// LocalPath is the path of the issuer on the host, without a slash at its end.
func (s *Settings) LocalPath() string {
	u, err := url.Parse(s.Address("http://localhost"))
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.EscapedPath(), "/")
}

// Configure puts the settings into a configuration that has storage, clock, keys
// and logger; base is that of the host, without a slash at its end.
func (s *Settings) Configure(config Config, base string) Config {
	config.Issuer = s.Address(base)
	config.Vendor, config.Shape, config.Mappings = s.Vendor, s.Shape, s.Mappings
	config.AnyClient = config.AnyClient || s.AnyClient
	config.RequirePassword = config.RequirePassword || s.RequirePassword
	config.AllowPlainPKCE = config.AllowPlainPKCE || s.AllowPlainPKCE
	config.LoginHintSignsIn = config.LoginHintSignsIn || s.LoginHintSignsIn
	config.DynamicRegistration = config.DynamicRegistration || s.DynamicRegistration
	config.DPoPNonce = config.DPoPNonce || s.DPoPNonce
	if s.ACRValues != nil {
		config.ACRValues = s.ACRValues
	}
	if !s.EditableClaims {
		config.EditableClaims = new(bool)
	}
	config.AccessTokenLifetime, config.IDTokenLifetime, config.RefreshTokenLifetime = s.AccessTokenLifetime, s.IDTokenLifetime, s.RefreshTokenLifetime
	config.CodeLifetime, config.SessionLifetime = s.CodeLifetime, s.SessionLifetime
	config.Paths = Paths{}
	return config
}

// member opens an object within; nil if there is none.
func (f *fields) member(name string) *fields {
	switch v := f.value(name).(type) {
	case nil:
		return nil
	case map[string]any:
		return &fields{path: f.path + "." + name, object: v, problems: f.problems}
	default:
		f.report(name, "must be an object, is %s", typeName(v))
		return nil
	}
}

// members opens a list of objects.
func (f *fields) members(name string) []*fields {
	v := f.value(name)
	if v == nil {
		return nil
	}
	items, ok := v.([]any)
	if !ok {
		f.report(name, "must be a list of objects, is %s", typeName(v))
		return nil
	}
	var list []*fields
	for i, item := range items {
		at := fmt.Sprintf("%s[%d]", name, i)
		object, ok := item.(map[string]any)
		if !ok {
			f.report(at, "must be an object, is %s", typeName(item))
			continue
		}
		list = append(list, &fields{path: f.path + "." + at, object: object, problems: f.problems})
	}
	return list
}

func (f *fields) integer(name string) int {
	v := f.value(name)
	if v == nil {
		return 0
	}
	raw, err := json.Marshal(v)
	var n int
	if _, isText := v.(string); isText || err != nil || json.Unmarshal(raw, &n) != nil {
		f.report(name, "must be a whole number")
	}
	return n
}
