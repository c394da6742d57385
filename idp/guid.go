package idp

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// uuidText writes 16 bytes as a UUID (RFC 9562, section 4).
func uuidText(u []byte) string {
	s := hex.EncodeToString(u)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:32]
}

// guidOf is a UUIDv5 for one thing of a sort: the same on every machine.
func guidOf(sort, name string) string {
	h := sha1.New()
	h.Write(subjectNamespace[:])
	h.Write([]byte(sort + "\x00" + name))
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return uuidText(u)
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
		default:
			return false
		}
	}
	return true
}

// derivedText is n letters and digits for one thing of a sort, n up to 40: ids
// that vendors draw at random and nobody reads.
func derivedText(sort, name string, n int) string {
	d := sha256.Sum256([]byte("mockduktor\x00" + sort + "\x00" + name))
	const letters = "0123456789abcdefghijklmnopqrstuvwxyz"
	text := make([]byte, n)
	for i := range text {
		text[i] = letters[int(d[i%len(d)]+byte(i/len(d)))%len(letters)]
	}
	return string(text)
}

// derivedHex is 24 hexadecimal digits for one thing of a sort.
func derivedHex(sort, name string) string {
	d := sha256.Sum256([]byte("mockduktor\x00" + sort + "\x00" + name))
	return hex.EncodeToString(d[:12])
}

// derivedToken is 43 base64url characters for one thing of a sort.
func derivedToken(sort, name string) string {
	d := sha256.Sum256([]byte("mockduktor\x00" + sort + "\x00" + name))
	return base64.RawURLEncoding.EncodeToString(d[:])
}

// idToUUID writes one of our ids (newID), which are 16 bytes, as a UUID.
func idToUUID(id string) string {
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) != idBytes {
		return guidOf("id", id)
	}
	return uuidText(b)
}

// uuidToID is the inverse of idToUUID; empty for what is no UUID.
func uuidToID(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != idBytes {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
