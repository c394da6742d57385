package idp

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// writeAccess makes the access token in the form that the client, the shape or
// the vendor has for it.
func (p *Provider) writeAccess(ctx context.Context, f *facts, key *preparedKey, claims map[string]any) (string, error) {
	form := p.config.Shape.AccessToken
	if p.profile.form != nil && !p.formGiven {
		form = p.profile.form(f)
	}
	if f.client.AccessTokenFormat == FormatOpaque {
		form = AccessTokenOpaque
	}
	if form == AccessTokenJWT {
		token, err := key.sign(p.accessType(f.client), claims)
		if err == nil && p.profile.namelessTokens && claims[p.profile.idClaim] == nil {
			err = p.noteToken(ctx, token, f.id, f.now.Add(f.lifetime))
		}
		return token, err
	}
	// Whoever reads it back is this provider, which knows our names alone.
	for name, value := range map[string]any{
		"iss": p.config.Issuer, "client_id": f.client.ID, "jti": f.id, "scope": f.scope.String(),
		"aud": audienceIn(AudienceAuto, f.audience), "sub": f.subjectOf(), "sid": textOrNil(f.sid),
	} {
		if value != nil {
			claims[name] = value
		}
	}
	if f.person != nil && !f.authTime.IsZero() {
		claims["auth_time"] = f.authTime.Unix()
	}
	if f.person == nil {
		claims["sub"] = f.client.ID
	}
	if form == AccessTokenEncrypted {
		return p.seal(claims)
	}
	token, err := p.sealOpaque(claims)
	return p.profile.opaquePrefix + token, err
}

// noteToken keeps the id of an access token that does not show it, by its
// digest.
func (p *Provider) noteToken(ctx context.Context, token, id string, expires time.Time) error {
	err := p.config.Storage.Update(ctx, func(tx Tx) error {
		return tx.Put(Record{Kind: kindNameless, ID: digest(token), Expires: expires, Value: id})
	})
	if err != nil {
		return fmt.Errorf("keeping an access token: %w", err)
	}
	return nil
}

// notedID is the id of such a token. One that is not kept has its digest for a
// name: it can be used, and revoked, all the same.
func (p *Provider) notedID(ctx context.Context, token string) (string, error) {
	record, err := p.config.Storage.Record(ctx, kindNameless, digest(token))
	id, err := valueOf[string](record, err, p.now())
	if errors.Is(err, ErrNotFound) {
		return digest(token), nil
	}
	return id, err
}

// sealOpaque encrypts claims into a token that shows nothing: nonce and
// ciphertext in base64url. Nothing is kept of it, so that it is good after a
// restart with the same secret, as a signed one is with the same keys.
func (p *Provider) sealOpaque(claims map[string]any) (string, error) {
	payload, aead, err := p.toSeal(claims)
	if err != nil {
		return "", err
	}
	nonce := p.mac("opaque nonce", payload)[:aead.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, payload, []byte(opaqueToken))), nil
}

// opaqueToken keeps one kind of sealed token from passing for another.
const opaqueToken = "opaque"

// unsealOpaque is the inverse of sealOpaque; false for what this provider never
// sealed.
func (p *Provider) unsealOpaque(token string) (json.RawMessage, bool) {
	if len(token) > maxToken {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, false
	}
	aead, err := p.sealer()
	if err != nil || len(raw) < aead.NonceSize() {
		return nil, false
	}
	payload, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(opaqueToken))
	return payload, err == nil
}

// unsealed are the claims of an opaque or encrypted access token; false for what
// this provider never sealed.
func (p *Provider) unsealed(token string) (json.RawMessage, bool) {
	if payload, ok := p.unseal(token); ok {
		return payload, true
	}
	return p.unsealOpaque(strings.TrimPrefix(token, p.profile.opaquePrefix))
}

// seal encrypts claims so that this provider alone can read them: a JWE by
// direct encryption (RFC 7516, section 7.1, and RFC 7518, section 4.5). The
// nonce is a MAC of the content, so that the same claims give the same token.
func (p *Provider) seal(claims map[string]any) (string, error) {
	payload, aead, err := p.toSeal(claims)
	if err != nil {
		return "", err
	}
	header, err := json.Marshal(struct {
		Alg    string `json:"alg"`
		Enc    string `json:"enc"`
		Issuer string `json:"iss"`
	}{"dir", "A256GCM", p.config.Issuer})
	if err != nil {
		return "", fmt.Errorf("encoding claims: %w", err)
	}
	b64 := base64.RawURLEncoding
	protected := b64.EncodeToString(header)
	nonce := p.mac("sealed nonce", payload)[:aead.NonceSize()]
	sealed := aead.Seal(nil, nonce, payload, []byte(protected))
	text, tag := sealed[:len(sealed)-aead.Overhead()], sealed[len(sealed)-aead.Overhead():]
	return strings.Join([]string{protected, "", b64.EncodeToString(nonce), b64.EncodeToString(text), b64.EncodeToString(tag)}, "."), nil
}

// unseal is the inverse of seal; false for what this provider never sealed.
func (p *Provider) unseal(token string) (json.RawMessage, bool) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 5 || parts[1] != "" {
		return nil, false
	}
	var raw [5][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, false
		}
	}
	aead, err := p.sealer()
	if err != nil || len(raw[2]) != aead.NonceSize() {
		return nil, false
	}
	payload, err := aead.Open(nil, raw[2], append(raw[3], raw[4]...), []byte(parts[0]))
	if err != nil {
		return nil, false
	}
	return payload, true
}

// toSeal encodes claims beside what encrypts them.
func (p *Provider) toSeal(claims map[string]any) ([]byte, cipher.AEAD, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding claims: %w", err)
	}
	aead, err := p.sealer()
	return payload, aead, err
}

func (p *Provider) sealer() (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte("sealed access tokens"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
