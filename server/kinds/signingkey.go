package kinds

import (
	"cmp"
	"slices"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// SigningKeyKind is the kind of the identity provider's keys.
const SigningKeyKind = "SigningKey"

// SigningKey is the typed form of a key of the identity provider.
type SigningKey struct {
	idp.SigningKey
	place int // keys of one algorithm are used in the order in which they came
}

func signingKeyRule() *Rule {
	return &Rule{
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			spec := part(object, "spec")
			key, err := idp.ParseSigningKey(text(spec, "alg"), text(spec, "privateKey"))
			if err != nil {
				return nil, []openapi.Problem{{Path: "spec.privateKey", Expected: err.Error()}}
			}
			return &SigningKey{SigningKey: key}, nil
		},
		Settle: func(tx *store.Tx, object map[string]any, value any) []openapi.Problem {
			key, name := value.(*SigningKey), text(part(object, "metadata"), "name")
			for resource := range tx.Resources(SigningKeyKind, "v1", nil, "") {
				place := resource.Value.(*SigningKey).place
				if resource.Name == name {
					key.place = place
					return nil
				}
				key.place = max(key.place, place+1)
			}
			return nil
		},
	}
}

// SigningKeys returns the keys of a world in the order in which they came.
func SigningKeys(tx *store.Tx) []*store.Resource {
	keys := slices.Collect(tx.Resources(SigningKeyKind, "v1", nil, ""))
	slices.SortFunc(keys, func(a, b *store.Resource) int {
		return cmp.Compare(a.Value.(*SigningKey).place, b.Value.(*SigningKey).place)
	})
	return keys
}
