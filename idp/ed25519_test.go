package idp_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"testing"
)

// fullySpecified signs under the name Ed25519, which jwx does not know.
func (k *signer) fullySpecified(header, claims map[string]any) string {
	k.t.Helper()
	header["alg"] = "Ed25519"
	var signed string
	for i, part := range []any{header, claims} {
		raw, err := json.Marshal(part)
		if err != nil {
			k.t.Fatal(err)
		}
		signed += [...]string{"", "."}[i] + encode(string(raw))
	}
	signature, err := k.key.Private.Sign(nil, []byte(signed), crypto.Hash(0))
	if err != nil {
		k.t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// RFC 9864, section 2.2: clients may call EdDSA with Ed25519 by its fully
// specified name, in proofs and in assertions.
func TestRFC9864Ed25519(t *testing.T) {
	s := newSite(t)
	key := newSigner(t, "EdDSA")
	jwks := key.jwks()
	jwks["keys"].([]any)[0].(map[string]any)["alg"] = "Ed25519"
	s.client("job", map[string]any{"jwks": jwks, "grant_types": []any{"client_credentials"}})
	claims := map[string]any{"iss": "job", "sub": "job", "aud": s.issuer, "exp": start.Unix() + 60, "jti": "a"}
	got := s.good(s.post("/token", "", "", assertionForm(key.fullySpecified(map[string]any{}, claims))))
	if s.claims(got["access_token"])["sub"] != "job" {
		t.Errorf("%v", got)
	}
	proof := key.fullySpecified(map[string]any{"typ": "dpop+jwt", "jwk": key.public()},
		map[string]any{"jti": "b", "htm": "POST", "htu": s.issuer + "/token", "iat": start.Unix()})
	bound := s.good(s.post("/token", "app", "s3cret+/%", clientCredentials, "DPoP", proof))
	if cnf, _ := s.claims(bound["access_token"])["cnf"].(map[string]any); cnf["jkt"] != key.thumbprint() {
		t.Errorf("%v", bound)
	}
	// The name goes with no other key.
	ec := newSigner(t, "ES256")
	s.refused(s.post("/token", "app", "s3cret+/%", clientCredentials, "DPoP", key.fullySpecified(
		map[string]any{"typ": "dpop+jwt", "jwk": ec.public()}, map[string]any{"jti": "d", "htm": "POST", "htu": s.issuer + "/token", "iat": start.Unix()})),
		400, "invalid_dpop_proof", "does not go with its key")
}
