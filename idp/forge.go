package idp

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
)

// Fault is one way in which a token can be wrong on purpose.
type Fault string

// The faults of [ForgeRequest].
const (
	FaultExpired        Fault = "expired"          // exp an hour ago
	FaultNotYetValid    Fault = "not_yet_valid"    // nbf in an hour
	FaultWrongIssuer    Fault = "wrong_issuer"     // iss of nobody
	FaultWrongAudience  Fault = "wrong_audience"   // aud of nobody
	FaultWrongKey       Fault = "wrong_key"        // signed by another key than kid names
	FaultUnknownKid     Fault = "unknown_kid"      // kid of no key
	FaultWrongAlgorithm Fault = "wrong_algorithm"  // HS256 with the public key as the secret (RFC 8725, section 2.1)
	FaultNone           Fault = "none"             // alg none, no signature
	FaultMissingEmail   Fault = "missing_email"    // neither e-mail nor user name claim
	FaultGroupsAsString Fault = "groups_as_string" // one text with commas in place of a list
	FaultManyGroups     Fault = "many_groups"      // Count groups more
	FaultGroupsOverage  Fault = "groups_overage"   // _claim_names in place of the groups, as Entra writes it
)

// ForgeRequest asks for a token that the token endpoint would not give.
type ForgeRequest struct {
	// Token to begin with; empty: one of the claims iss, iat and exp alone,
	// which holds for an hour.
	Token string
	// Claims in place of the token's; nil takes a claim out.
	Claims map[string]any
	// Fault to build in; empty: none.
	Fault Fault
	// UsernameClaim and GroupsClaim are what the reader of the token looks at.
	UsernameClaim, GroupsClaim string
	// Count of the groups of FaultManyGroups.
	Count int
}

// forgery is a token while it is made.
type forgery struct {
	header map[string]any
	claims map[string]any
	key    *preparedKey
	// sign makes the signature of header and payload.
	sign func(input []byte) ([]byte, error)
}

// Forge makes a signed token of claims chosen at will, or one that is wrong on
// purpose, for tests of what a reader of tokens does about it. Like Mint it is
// for those who run the provider. What cannot be met is an *Error.
func (p *Provider) Forge(_ context.Context, request ForgeRequest) (string, error) {
	f, err := p.forgery(request.Token)
	if err != nil {
		return "", err
	}
	for name, value := range request.Claims {
		if value == nil {
			delete(f.claims, name)
		} else {
			f.claims[name] = value
		}
	}
	if err := p.misform(f, request); err != nil {
		return "", err
	}
	return f.token()
}

// forgery reads the token to begin with.
func (p *Provider) forgery(token string) (*forgery, error) {
	if token == "" {
		key, err := p.keys().signs("")
		if err != nil {
			return nil, err
		}
		now := p.now().Unix()
		return newForgery(key, map[string]any{"alg": key.alg, "kid": key.kid, "typ": typeJWT},
			map[string]any{"iss": p.config.Issuer, "iat": now, "exp": now + 3600}), nil
	}
	t, err := takeApart(token)
	if err != nil {
		return nil, refuse(errInvalidRequest, "the provider's tokens are not signed JWTs that could be changed ("+err.Error()+"); take another client or provider")
	}
	key := p.keys().byID(t.header.Kid)
	if key == nil {
		return nil, refuse(errInvalidRequest, "the token is not of this provider's keys")
	}
	var header, claims map[string]any
	for part, into := range map[string]*map[string]any{token[:strings.IndexByte(token, '.')]: &header, t.payload: &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return nil, fmt.Errorf("forging: %w", err)
		}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		if err := decoder.Decode(into); err != nil {
			return nil, fmt.Errorf("forging: %w", err)
		}
	}
	return newForgery(key, header, claims), nil
}

func newForgery(key *preparedKey, header, claims map[string]any) *forgery {
	return &forgery{header: header, claims: claims, key: key,
		sign: func(input []byte) ([]byte, error) { return key.signer.Sign(input, key.private) }}
}

func (f *forgery) token() (string, error) {
	var parts []string
	for _, part := range []map[string]any{f.header, f.claims} {
		raw, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("forging: %w", err)
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(raw))
	}
	input := strings.Join(parts, ".")
	signature, err := f.sign([]byte(input))
	if err != nil {
		return "", fmt.Errorf("forging: %w", err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// misform builds the fault in.
func (p *Provider) misform(f *forgery, request ForgeRequest) error {
	now := p.now()
	at := func(shift time.Duration) int64 { return now.Add(shift).Unix() }
	groups := f.claims[request.GroupsClaim]
	switch request.Fault {
	case "":
	case FaultExpired:
		f.claims["iat"], f.claims["exp"] = at(-2*time.Hour), at(-time.Hour)
		for _, name := range []string{"nbf", "auth_time"} {
			if f.claims[name] != nil {
				f.claims[name] = at(-2 * time.Hour)
			}
		}
	case FaultNotYetValid:
		f.claims["nbf"], f.claims["exp"] = at(time.Hour), at(2*time.Hour)
	case FaultWrongIssuer:
		f.claims["iss"] = "https://wrong-issuer.example"
	case FaultWrongAudience:
		f.claims["aud"] = "https://wrong-audience.example"
	case FaultWrongKey:
		other, err := GenerateSigningKey(f.key.alg)
		if err != nil {
			return err
		}
		f.sign = func(input []byte) ([]byte, error) { return f.key.signer.Sign(input, other.Private) }
	case FaultUnknownKid:
		f.header["kid"] = "unknown-kid"
	case FaultWrongAlgorithm:
		return f.confuse()
	case FaultNone:
		delete(f.header, "kid")
		f.header["alg"] = "none"
		f.sign = func([]byte) ([]byte, error) { return nil, nil }
	case FaultMissingEmail:
		for _, name := range []string{request.UsernameClaim, "email", "email_verified"} {
			delete(f.claims, name)
		}
	case FaultGroupsAsString:
		f.claims[request.GroupsClaim] = strings.Join(textsOf(groups), ",")
	case FaultManyGroups:
		list := textsOf(groups)
		for i := range request.Count {
			list = append(list, fmt.Sprintf("group-%05d", i+1))
		}
		f.claims[request.GroupsClaim] = list
	case FaultGroupsOverage:
		delete(f.claims, request.GroupsClaim)
		f.claims["_claim_names"] = map[string]any{request.GroupsClaim: "src1"}
		f.claims["_claim_sources"] = map[string]any{"src1": map[string]any{"endpoint": fmt.Sprintf("%s/users/%v/getMemberObjects", p.base, f.claims["sub"])}}
	default:
		return refuse(errInvalidRequest, "there is no fault '"+shorten(string(request.Fault), 60)+"'")
	}
	return nil
}

// confuse signs with the public key as if it were a shared secret, which a
// reader falls for that lets the token choose the algorithm.
func (f *forgery) confuse() error {
	public, err := x509.MarshalPKIXPublicKey(f.key.public)
	if err != nil {
		return fmt.Errorf("forging: %w", err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	f.header["alg"] = string(jwa.HS256)
	f.sign = func(input []byte) ([]byte, error) {
		mac := hmac.New(sha256.New, secret)
		mac.Write(input)
		return mac.Sum(nil), nil
	}
	return nil
}

// textsOf reads the texts of a claim, a list or one text.
func textsOf(claim any) []string {
	switch claim := claim.(type) {
	case string:
		return []string{claim}
	case []string:
		return slices.Clone(claim)
	case []any:
		var list []string
		for _, one := range claim {
			if text, ok := one.(string); ok {
				list = append(list, text)
			}
		}
		return list
	}
	return nil
}

// ExpiryOf reads the exp of a JWT, in seconds since 1970, without checking it.
func ExpiryOf(token string) (int64, bool) {
	var claims readClaims
	t, err := takeApart(token)
	if err != nil || t.claims(&claims) != nil {
		return 0, false
	}
	return claims.Expires, claims.Expires != 0
}
