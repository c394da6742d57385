package console

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// Record kinds of this package.
const (
	recordToken   = "console.token"   // an external JWT already seen; value: mapping version
	recordGroups  = "console.groups"  // a user's external groups, by the newest JWT or login; ID: e-mail in lower case, value: []string
	recordSession = "console.session" // a login session; value: e-mail
	recordUse     = "console.key-use" // last use of an API key; value: time.Time
)

// Authenticate turns the Authorization header into a principal, or answers 401
// with what is wrong. A new external token has its groups mapped first.
func (s *Console) Authenticate(ctx context.Context, header http.Header) (*Principal, error) {
	trace := traceOf(ctx)
	who, err := s.authenticate(ctx, trace, header)
	trace.who(who)
	return who, err
}

func (s *Console) authenticate(ctx context.Context, trace *Trace, header http.Header) (*Principal, error) {
	token, err := bearer(header)
	trace.check(CheckPresent, err, "Authorization: Bearer")
	if err != nil {
		return nil, err
	}
	tx := s.World.View()
	now := s.World.Clock.Now()
	if resource, ok := kinds.FindAPIKey(tx, token); ok {
		trace.check(CheckKnown, nil, "an API key of this Console")
		return s.keyPrincipal(tx, resource.Value.(*kinds.APIKey), now)
	}
	digest := sha256.Sum256([]byte(token))
	id := hex.EncodeToString(digest[:])
	if record, err := tx.Record(recordSession, id); err == nil {
		trace.check(CheckKnown, nil, "a login session of this Console")
		if !now.Before(record.Expires) {
			err := refuse("the login session ended at %s, it is now %s: log in again", record.Expires.Format(time.RFC3339), now.Format(time.RFC3339))
			trace.check(CheckTimes, err, "")
			return nil, err
		}
		email := record.Value.(string)
		return &Principal{Sort: SortSession, Email: email, access: s.accessOfUser(tx, email)}, nil
	}
	if strings.Count(token, ".") < 2 {
		err := refuse("the token is no JWT, and no API key or login session of this Console: it is mistyped, was deleted, or is of another world")
		trace.check(CheckKnown, err, "")
		return nil, err
	}
	who, err := s.verifier.verify(ctx, token, digest, now)
	if err != nil {
		return nil, err
	}
	// A valid API key in its claim wins over the e-mail (delegated JWT, order of claims).
	if who.apiKey != "" {
		if resource, ok := kinds.FindAPIKey(tx, who.apiKey); ok {
			trace.check(CheckAPIKeyClaim, nil, "the claim "+s.verifier.settings.APIKeyClaim+" holds an API key of this Console, which wins over the e-mail")
			return s.keyPrincipal(tx, resource.Value.(*kinds.APIKey), now)
		}
		if who.email == "" {
			err := refuse("the API key in the claim %q is unknown, and %s", s.verifier.settings.APIKeyClaim, who.noEmail)
			trace.check(CheckAPIKeyClaim, err, "")
			return nil, err
		}
	}
	if who.email == "" {
		err := refuse("%s", who.noEmail)
		trace.check(CheckEmail, err, "")
		return nil, err
	}
	trace.check(CheckEmail, nil, who.email)
	s.traceGroups(trace, tx, id, who)
	if tx, err = s.noteToken(tx, id, who); err != nil {
		return nil, err
	}
	return &Principal{Sort: SortJWT, Email: who.email, access: s.accessOfUser(tx, who.email), noGroups: who.noGroups}, nil
}

func bearer(header http.Header) (string, error) {
	values := header.Values("Authorization")
	switch {
	case len(values) == 0 || values[0] == "":
		return "", refuse("there is no Authorization header; expected \"Authorization: Bearer <token>\" (a Backstage proxy endpoint forwards it only with allowedHeaders: [Authorization])")
	case len(values) > 1:
		return "", refuse("there are %d Authorization headers; expected one", len(values))
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	switch {
	case strings.EqualFold(scheme, "Basic"):
		return "", refuse("HTTP Basic is not a credential of the Console; the CLI sends it with CDK_AUTH_MODE=external and user and password, for a gateway in front: use CDK_API_KEY with a token, or leave CDK_AUTH_MODE out to log in")
	case strings.EqualFold(scheme, "DPoP"):
		return "", refuse("the Authorization header's scheme is not Bearer but DPoP, of which the Console knows nothing: send the token as Bearer, whatever key it is bound to")
	case !strings.EqualFold(scheme, "Bearer"):
		return "", refuse("the Authorization header's scheme is not Bearer")
	case token == "":
		return "", refuse("the Authorization header holds no token after Bearer (is the variable empty?)")
	case len(token) > maxToken:
		return "", refuse("the token is %d bytes long, at most %d are looked at", len(token), maxToken)
	}
	return token, nil
}

func (s *Console) keyPrincipal(tx *store.Tx, key *kinds.APIKey, now time.Time) (*Principal, error) {
	if err := s.noteUse(tx, key, now); err != nil {
		return nil, err
	}
	if key.Type == kinds.AdminKey {
		return &Principal{Sort: SortAdminKey, Key: key, access: adminKeyAccess}, nil
	}
	principal := &Principal{Sort: SortInstanceKey, Key: key, Instance: key.Instance, access: s.accessOfInstance(tx, key.Instance)}
	if resource, err := tx.Resource("ApplicationInstance", "v1", nil, key.Instance); err == nil {
		principal.application = resource.Value.(*kinds.ApplicationInstance).Application
	}
	return principal, nil
}

// useGap is how exact lastTimeUsed is: noting every single use would make each
// read a write.
const useGap = time.Second

func (s *Console) noteUse(tx *store.Tx, key *kinds.APIKey, now time.Time) error {
	if last, err := tx.Record(recordUse, key.ID); err == nil {
		if since := now.Sub(last.Value.(time.Time)); since >= 0 && since < useGap {
			return nil
		}
	}
	return s.World.Update(func(tx *store.Tx) error {
		return tx.PutRecord(store.Record{Kind: recordUse, ID: key.ID, Value: now})
	})
}

// noteToken maps a token's groups the first time it is seen, and again after
// the mapping rules have changed. The transaction it returns sees the result.
//
// An older token that comes again after a newer one changes nothing: the
// memberships are those of the newest token, under the rules of now. Nor does it
// bring back a user that was deleted since it was first seen.
func (s *Console) noteToken(tx *store.Tx, id string, who *identity) (*store.Tx, error) {
	if record, err := tx.Record(recordToken, id); err == nil && record.Value.(uint64) == tx.MappingVersion() {
		return tx, nil
	}
	err := s.World.Update(func(tx *store.Tx) error {
		groups, err := s.claimedGroups(tx, id, who)
		if err != nil {
			return err
		}
		if err := s.mapGroups(tx, who.email, groups); err != nil {
			return fmt.Errorf("map groups of %s: %w", who.email, err)
		}
		return tx.PutRecord(store.Record{Kind: recordToken, ID: id, Expires: who.expires, Value: tx.MappingVersion()})
	})
	if err != nil {
		return nil, err
	}
	return s.World.View(), nil
}

// claimedGroups are the groups that count for the user of a token: its own the
// first time it is seen, which signs the user in; later those of the newest.
func (s *Console) claimedGroups(tx *store.Tx, id string, who *identity) ([]string, error) {
	if _, err := tx.Record(recordToken, id); err == nil {
		if newest, err := tx.Record(recordGroups, strings.ToLower(who.email)); err == nil {
			return newest.Value.([]string), nil
		}
		return who.groups, nil
	}
	if err := s.Engine.SignedIn(tx, who.email, who.firstName, who.lastName); err != nil {
		return nil, fmt.Errorf("create user %s: %w", who.email, err)
	}
	return who.groups, noteGroups(tx, who.email, who.groups, who.expires)
}

// noteGroups keeps what is newest of a user's external groups, as long as any
// credential that was seen is good.
func noteGroups(tx *store.Tx, email string, groups []string, until time.Time) error {
	newest := store.Record{Kind: recordGroups, ID: strings.ToLower(email), Expires: until, Value: groups}
	if last, err := tx.Record(newest.Kind, newest.ID); err == nil && last.Expires.After(until) {
		newest.Expires = last.Expires
	}
	return tx.PutRecord(newest)
}

// mapGroups makes a user's memberships through external groups those that the
// claim gives now; members put by hand stay.
func (s *Console) mapGroups(tx *store.Tx, email string, external []string) error {
	wanted := map[string]bool{}
	for _, mapped := range s.mappingOf(tx).Match(external) {
		wanted[mapped.Target] = true
	}
	var resources []*store.Resource
	for resource := range tx.Referrers(store.Ref("member", strings.ToLower(email))) {
		if target := mappingTarget(resource.Kind, resource.Name); !wanted[target] {
			resources = append(resources, resource)
		}
	}
	for _, resource := range resources {
		if _, err := s.Engine.SetExternalMember(tx, resource, email, false); err != nil {
			return err
		}
	}
	for target := range wanted {
		kind, name, _ := strings.Cut(target, "/")
		version := "v2"
		if kind == "ApplicationGroup" {
			version = "v1"
		}
		resource, err := tx.Resource(kind, version, nil, name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := s.Engine.SetExternalMember(tx, resource, email, true); err != nil {
			return err
		}
	}
	return nil
}

func mappingTarget(kind, name string) string { return kind + "/" + name }

// mappingOf compiles the world's rules for external groups, once per change.
func (s *Console) mappingOf(tx *store.Tx) *rbac.Mapping {
	version := tx.MappingVersion()
	if known, ok := s.mapping.Get(version); ok {
		return known
	}
	var rules []rbac.MappingRule
	for resource := range tx.Resources("Group", "v2", nil, "") {
		rule := resource.Value.(*kinds.Group).Rule
		rule.Target = mappingTarget(resource.Kind, resource.Name)
		rules = append(rules, rule)
	}
	for resource := range tx.Resources("ApplicationGroup", "v1", nil, "") {
		rule := resource.Value.(*kinds.ApplicationGroup).Rule
		rule.Target = mappingTarget(resource.Kind, resource.Name)
		rules = append(rules, rule)
	}
	// Expressions were checked when the groups were put.
	compiled, _ := rbac.NewMapping(rules)
	s.mapping.Add(version, compiled)
	return compiled
}
