package kinds

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

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
			key.KeyID = text(spec, "kid")
			return &SigningKey{SigningKey: key}, nil
		},
		Settle: settlePlace(SigningKeyKind, placeOfKey),
	}
}

// SigningKeys returns the keys of a world in the order in which they came.
func SigningKeys(tx *store.Tx) []*store.Resource {
	return inPlace(tx, SigningKeyKind, placeOfKey)
}

func placeOfKey(value any) *int { return &value.(*SigningKey).place }

// NewSigningKey draws a key for an algorithm, as a resource. An RSA key takes 4
// to 150 ms.
func NewSigningKey(name, alg string) (map[string]any, error) {
	key, err := idp.GenerateSigningKey(alg)
	if err != nil {
		return nil, err
	}
	return SigningKeyResource(name, key)
}

// SigningKeyResource is a key as its document has it.
func SigningKeyResource(name string, key idp.SigningKey) (map[string]any, error) {
	encoded, err := x509.MarshalPKCS8PrivateKey(key.Private)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	spec := map[string]any{"alg": key.Alg, "privateKey": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))}
	if key.KeyID != "" {
		spec["kid"] = key.KeyID
	}
	return map[string]any{"apiVersion": "mockduktor/v1", "kind": SigningKeyKind, "metadata": map[string]any{"name": name}, "spec": spec}, nil
}

// RotateKeys draws a new key for an algorithm, "" for each that there are keys
// for. The new keys sign from now on. With keep the old ones stay published
// behind them, so that tokens they signed are still accepted; else they go.
func (e *Engine) RotateKeys(world *store.World, alg string, keep bool, update func(func(tx *store.Tx) error) error) error {
	var algs []string
	for _, resource := range SigningKeys(world.View()) {
		if one := resource.Value.(*SigningKey).Alg; (alg == "" || one == alg) && !slices.Contains(algs, one) {
			algs = append(algs, one)
		}
	}
	if alg != "" && len(algs) == 0 {
		algs = []string{alg}
	}
	// Drawn before the transaction, which others wait for.
	var fresh []map[string]any
	for _, one := range algs {
		object, err := NewSigningKey(strings.ToLower(one+"-"+rand.Text()[:8]), one)
		if err != nil {
			return err
		}
		fresh = append(fresh, object)
	}
	return update(func(tx *store.Tx) error {
		old := SigningKeys(tx)
		for _, resource := range old {
			if err := tx.Delete(resource); err != nil {
				return err
			}
		}
		objects := fresh
		for _, resource := range old {
			if keep || !slices.Contains(algs, resource.Value.(*SigningKey).Alg) {
				objects = append(objects, resource.Object())
			}
		}
		kind, err := e.mock.Kind("mockduktor/v1", SigningKeyKind)
		if err != nil {
			return err
		}
		for _, object := range objects {
			if _, _, err := e.Apply(tx, Request{Kind: kind, Object: object}); err != nil {
				return err
			}
		}
		return nil
	})
}
