package idp

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

// More of typ: none at all, and none under a kid that is not published.
const (
	typeNone   = ""
	typeHidden = "hidden"
)

// keyStyle is how a vendor names and publishes its keys.
type keyStyle struct {
	// sha1 makes the kid of 27 characters, kidLength cuts it to so many; 0: it
	// is left.
	sha1      bool
	kidLength int
	// x5t repeats the kid in headers and keys.
	x5t bool
	// issuer stands in every published key.
	issuer bool
	// encryption publishes a key for encryption beside those that sign, which a
	// client must pass over.
	encryption bool
	// hideAccess signs access tokens under a kid that is not published, since
	// nobody but the provider shall check them.
	hideAccess bool
}

// nameless stands for the id of an access token that does not show it.
const nameless = "-"

// dialect is how the vendor's tokens are read back.
type dialect struct {
	*profile
	access     string // iss of access tokens
	scopeClaim string
	noTyp      bool
}

// styled are the same keys as the provider names and publishes them.
func (k *Keys) styled(p *Provider) (*Keys, error) {
	read := &dialect{profile: p.profile, access: p.access, scopeClaim: p.shape.ScopeClaim, noTyp: p.idType() == typeNone}
	if p.profile.keys == (keyStyle{}) && p.profile.name == ProfileGeneric && !read.noTyp && p.shape.ScopeClaim == "scope" && p.shape.Scope != ScopeList {
		return k, nil
	}
	styled := &Keys{set: jwk.NewSet(), dialect: read}
	var document struct {
		Keys []map[string]any `json:"keys"`
	}
	for i, key := range k.list {
		published, ok := k.set.Key(i)
		if !ok {
			return nil, fmt.Errorf("signing key %d is not published", i+1)
		}
		public, err := published.Clone()
		if err != nil {
			return nil, err
		}
		named, err := key.styled(p, public)
		if err != nil {
			return nil, err
		}
		styled.list = append(styled.list, named)
		if err := styled.add(p, public, &document.Keys); err != nil {
			return nil, err
		}
		if _, isRSA := key.public.(*rsa.PublicKey); isRSA && p.profile.keys.encryption && key.alg == signingAlgs[0] {
			// The same key, since nobody has a use for it: that it is there is
			// all that matters.
			if err := public.Set(jwk.KeyIDKey, derivedToken("encryption key", named.kid)); err != nil {
				return nil, err
			}
			if err := public.Set(jwk.AlgorithmKey, jwa.RSA_OAEP); err != nil {
				return nil, err
			}
			if err := public.Set(jwk.KeyUsageKey, jwk.ForEncryption); err != nil {
				return nil, err
			}
			if err := styled.add(p, public, &document.Keys); err != nil {
				return nil, err
			}
		}
	}
	var err error
	styled.document, err = json.Marshal(document)
	return styled, err
}

// add publishes a key.
func (k *Keys) add(p *Provider, public jwk.Key, document *[]map[string]any) error {
	own, err := public.Clone()
	if err != nil {
		return err
	}
	if err := k.set.AddKey(own); err != nil {
		return err
	}
	encoded, err := json.Marshal(own)
	if err != nil {
		return err
	}
	var members map[string]any
	if err := json.Unmarshal(encoded, &members); err != nil {
		return err
	}
	if p.profile.keys.issuer {
		members["issuer"] = p.config.Issuer
	}
	if p.profile.keys.x5t {
		members["x5t"] = own.KeyID()
	}
	*document = append(*document, members)
	return nil
}

// styled is one key under the vendor's kid, with the headers to go with it;
// public gets the same kid.
func (k *preparedKey) styled(p *Provider, public jwk.Key) (*preparedKey, error) {
	style := p.profile.keys
	named := *k
	named.headers = map[string]string{}
	if style.sha1 || style.kidLength > 0 {
		hash := crypto.SHA256
		if style.sha1 {
			hash = crypto.SHA1
		}
		thumbprint, err := public.Thumbprint(hash)
		if err != nil {
			return nil, err
		}
		named.kid = base64.RawURLEncoding.EncodeToString(thumbprint)
		if style.kidLength > 0 {
			named.kid = named.kid[:style.kidLength]
		}
		named.kid += k.suffix
		if err := public.Set(jwk.KeyIDKey, named.kid); err != nil {
			return nil, err
		}
	}
	named.hidden = derivedToken("hidden kid", named.kid)
	for _, typ := range []string{typeJWT, typeAccessToken, typeLogoutToken, typeNone, typeHidden} {
		header := struct {
			Alg string `json:"alg"`
			Kid string `json:"kid"`
			Typ string `json:"typ,omitempty"`
			X5T string `json:"x5t,omitempty"`
		}{Alg: k.alg, Kid: named.kid, Typ: typ}
		if typ == typeHidden {
			header.Kid, header.Typ = named.hidden, ""
		}
		if style.x5t {
			header.X5T = named.kid
		}
		encoded, err := json.Marshal(header)
		if err != nil {
			return nil, err
		}
		named.headers[typ] = base64.RawURLEncoding.EncodeToString(encoded) + "."
	}
	return &named, nil
}

// translate gives our names to the claims of a vendor's token. What is no access
// token has no client_id then.
func (d *dialect) translate(c *readClaims) error {
	var payload map[string]json.RawMessage
	if json.Unmarshal(c.all, &payload) != nil {
		return errTokenClaims
	}
	text := func(name string) string {
		var s string
		if name == "" || json.Unmarshal(payload[name], &s) != nil {
			return ""
		}
		return s
	}
	if c.AZP == "" {
		if audience := audienceOf(c.Audience); len(audience) == 1 {
			c.AZP = audience[0]
		}
	}
	if d.readSID != nil && c.SID != "" {
		c.SID = d.readSID(c.SID)
	}
	c.ClientID = orText(text(d.clientClaim), text(d.clientClaimToo))
	if d.kindClaim != "" && text(d.kindClaim) != d.accessKind {
		c.ClientID = ""
	}
	if c.ID = text(d.idClaim); d.readID != nil {
		c.ID = d.readID(c.ID)
	}
	if c.ClientID == "" {
		return nil
	}
	if c.ID == "" && d.namelessTokens {
		c.ID = nameless
	}
	if c.Scope == "" {
		c.Scope = scopesIn(payload[d.scopeClaim]).String()
	}
	if d.readScope != nil {
		c.Scope = d.readScope(parseScope(c.Scope)).String()
	}
	if d.clientSubject != nil && c.Subject == d.clientSubject(c.ClientID) {
		c.Subject = c.ClientID
	}
	return nil
}

// scopesIn reads scopes, a list or a text.
func scopesIn(raw json.RawMessage) scopeList {
	var text string
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	if json.Unmarshal(raw, &text) == nil {
		return parseScope(text)
	}
	return nil
}
