package idp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// Kinds of record.
const (
	kindAssertion = "assertion"
	kindClient    = "client"
	kindCounter   = "counter"
	kindDevice    = "device"
	kindGrant     = "grant"
	kindNameless  = "nameless"
	kindPending   = "pending"
	kindProof     = "proof"
	kindPushed    = "pushed"
	kindRevoked   = "revoked"
	kindSession   = "session"
	kindUserCode  = "usercode"
)

const idBytes = 16

// idLength is how many characters an id has.
const idLength = (idBytes*8 + 5) / 6

// newID draws an id of 22 URL-safe characters. With a Secret it is derived
// from a counter that is kept like everything else, from the time and from what
// it is for, so that the same requests get the same ids after a restart or a
// reset, and what is left of the time before (a cookie, a refresh token) never
// fits something else.
func (p *Provider) newID(tx Tx, of ...string) (string, error) {
	if p.config.Secret == nil {
		var b [idBytes]byte
		rand.Read(b[:])
		return base64.RawURLEncoding.EncodeToString(b[:]), nil
	}
	record, err := tx.Record(kindCounter, kindCounter)
	n, err := valueOf[uint64](record, err, p.now())
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", err
	}
	n++
	if err := tx.Put(Record{Kind: kindCounter, ID: kindCounter, Value: n}); err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte("id"))
	mac.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, n), uint64(p.now().Unix())))
	for _, one := range of {
		mac.Write([]byte(one + "\x00"))
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:idBytes]), nil
}

// sessionOfGrant is the sid of a grant that no session led to.
func (p *Provider) sessionOfGrant(id string) string {
	return base64.RawURLEncoding.EncodeToString(p.mac("sid", []byte(id))[:idBytes])
}

// Purposes of handles; one must never pass for another.
const (
	purposeCode         = "code"
	purposeDevice       = "device"
	purposePushed       = "pushed"
	purposeRefresh      = "refresh"
	purposeRegistration = "registration"
	purposeSecret       = "secret"
	purposeSession      = "session"
)

// handle makes the secret string that stands for a record: its id, a number,
// and a MAC over both. The storage then holds no secret, old numbers can be
// told from invented ones without being kept, and the id may show elsewhere.
func (p *Provider) handle(purpose, id string, n uint32) string {
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) != idBytes {
		// Ids come from newID alone.
		panic("idp: not an id")
	}
	b = binary.BigEndian.AppendUint32(b, n)
	b = append(b, p.mac(purpose, b)[:idBytes]...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// open is the inverse of handle; false if this provider never made it.
func (p *Provider) open(purpose, handle string) (id string, n uint32, ok bool) {
	const size = idBytes + 4 + idBytes
	if len(handle) != base64.RawURLEncoding.EncodedLen(size) {
		return "", 0, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(handle)
	if err != nil {
		return "", 0, false
	}
	signed, mac := b[:idBytes+4], b[idBytes+4:]
	if !hmac.Equal(mac, p.mac(purpose, signed)[:idBytes]) {
		return "", 0, false
	}
	return base64.RawURLEncoding.EncodeToString(b[:idBytes]), binary.BigEndian.Uint32(b[idBytes:]), true
}

func (p *Provider) mac(purpose string, data []byte) []byte {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write(data)
	return mac.Sum(nil)
}

// formToken ties a form to the browser that it was given to.
func (p *Provider) formToken(form, browser string) string {
	return base64.RawURLEncoding.EncodeToString(p.mac("form", []byte(form+"\x00"+browser))[:idBytes])
}

func sameToken(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// digest is what a record keeps of a secret that it has to recognise.
func digest(secret string) string {
	d := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(d[:])
}
