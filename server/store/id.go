package store

import (
	"crypto/sha256"
	"encoding/hex"
)

// DerivedUUID returns a UUID (RFC 9562 version 8) that depends on its parts
// alone, so that two runs with the same seed show the same ids.
func DerivedUUID(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write([]byte(part))
		hash.Write([]byte{0})
	}
	id := hash.Sum(nil)[:16]
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	text := hex.EncodeToString(id)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
