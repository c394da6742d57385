package store_test

import (
	"testing"

	"github.com/mockduktor/mockduktor/server/store"
)

func TestDecodeObjectTakesOneObject(t *testing.T) {
	for text, good := range map[string]bool{
		`{"a":1}`: true, " {} \n": true,
		`{}}`: false, `{}{}`: false, `{} x`: false, `[]`: false, `{"a":`: false, ``: false,
	} {
		if _, err := store.DecodeObject([]byte(text)); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
