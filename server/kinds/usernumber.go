package kinds

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// UserNumber is the number by which some older operations name a user: taken
// from the digest of the e-mail address in lower case, so it is the same in
// every world and after every restart. It lies between 0 and 2^31-1. Two of
// 10,000 users share one with a probability of about 2 %; whoever looks a user
// up by number must say so.
func UserNumber(email string) int32 { return derivedNumber(strings.ToLower(email)) }

// derivedNumber is a number of 31 bits that depends on a text alone.
func derivedNumber(text string) int32 {
	sum := sha256.Sum256([]byte(text))
	return int32(binary.BigEndian.Uint32(sum[:4]) & 0x7fffffff)
}
