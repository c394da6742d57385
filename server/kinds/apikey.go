package kinds

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// APIKeyKind is the kind of Console API keys.
const APIKeyKind = "APIKey"

// The two sorts of API key.
const (
	AdminKey    = "admin"
	InstanceKey = "applicationInstance"
)

// APIKey is the typed form of a bearer token that Console itself made.
type APIKey struct {
	ID       string // UUID by which the API knows it
	Label    string // name as people gave it
	Type     string // AdminKey or InstanceKey
	Instance string // the application instance of an InstanceKey
	Creator  string // e-mail of who made it; "" for a key from a seed
	digest   string
}

// refCreator is how a key refers to the user who made it.
const refCreator = "creator"

func apiKeyRule() *Rule {
	return &Rule{
		Check: func(c *Change) error {
			spec := part(c.Object, "spec")
			instance := text(spec, "applicationInstance")
			if (text(spec, "type") == InstanceKey) != (instance != "") {
				return invalid("spec.applicationInstance", "expected the name of an application instance with type %s, and none with type %s", InstanceKey, AdminKey)
			}
			if other, ok := FindAPIKey(c.Tx, text(spec, "token")); ok && other.Name != c.Key.Name {
				return conflict("spec.token", "the API key %s has the same token", other.Name)
			}
			if instance == "" {
				return nil
			}
			if ok, err := exists(c.Tx, "ApplicationInstance", "v1", instance); err != nil || !ok {
				return orAbsent(err, "spec.applicationInstance", "ApplicationInstance %s not found", instance)
			}
			return nil
		},
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			spec, name := part(object, "spec"), text(part(object, "metadata"), "name")
			key := &APIKey{ID: store.DerivedUUID("apikey", name), Label: text(spec, "displayName"), Type: text(spec, "type"),
				Instance: text(spec, "applicationInstance"), Creator: text(spec, "createdBy"), digest: Digest(text(spec, "token"))}
			if key.Label == "" {
				key.Label = name
			}
			return key, nil
		},
		Refs: func(value any) []string {
			key := value.(*APIKey)
			refs := []string{store.Ref("token", key.digest), store.Ref("keyid", key.ID)}
			if key.Instance != "" {
				refs = append(refs, store.Ref("instance", key.Instance))
			}
			if key.Creator != "" {
				refs = append(refs, store.Ref(refCreator, strings.ToLower(key.Creator)))
			}
			return refs
		},
	}
}

// Digest is how secrets are looked up: the world is never searched by the
// secret itself, so lookups tell nothing by their time.
func Digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// FindAPIKey finds the key that a bearer token is.
func FindAPIKey(tx *store.Tx, token string) (*store.Resource, bool) {
	return onlyReferrer(tx, store.Ref("token", Digest(token)))
}

// APIKeyByID finds a key by the id that lists show.
func APIKeyByID(tx *store.Tx, id string) (*store.Resource, bool) {
	return onlyReferrer(tx, store.Ref("keyid", id))
}

func onlyReferrer(tx *store.Tx, ref string) (*store.Resource, bool) {
	for resource := range tx.Referrers(ref) {
		return resource, true
	}
	return nil, false
}
