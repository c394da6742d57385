package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// ErrNotFound is returned when no resource or record has the key asked for.
var ErrNotFound = errors.New("not found")

// Resource is one thing of a kind, Conduktor's or our own. It is immutable
// once it is in a world.
type Resource struct {
	Kind      string   // such as Topic
	Version   string   // v2; two versions of one kind are separate collections
	Parents   []string // values of the kind's parent fields, outermost first
	Name      string   // metadata.name
	JSON      []byte   // the whole resource as a GET shows it
	Value     any      // the kind's typed form, nil where it has none
	Refs      []string // what this refers to, see Ref
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Ref names a reference from one resource to a thing, such as
// Ref("owner", "checkout-devs"); the world is indexed by it.
func Ref(relation, name string) string { return relation + "\x00" + name }

// Object decodes the resource into JSON-shaped Go values; numbers are
// json.Number. The caller owns the result.
func (r *Resource) Object() map[string]any {
	object, err := DecodeObject(r.JSON)
	if err != nil {
		// The bytes were encoded from such an object when the resource was made.
		panic(fmt.Sprintf("store: resource %s %s holds broken JSON: %v", r.Kind, r.Name, err))
	}
	return object
}

// DecodeObject reads one JSON object; numbers become json.Number so that
// 64-bit values survive. Anything after the object is an error.
func DecodeObject(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something behind the JSON object")
	}
	return object, nil
}

// EncodeObject writes an object as JSON with sorted keys and without HTML
// escapes, so that equal objects have equal bytes.
func EncodeObject(object any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return nil, err
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

// collection is the index prefix of everything of one kind below parents.
func collection(kind, version string, parents []string) []byte {
	size := len(kind) + len(version) + 2
	for _, parent := range parents {
		size += len(parent) + 1
	}
	key := make([]byte, 0, size+32)
	key = append(key, kind...)
	key = append(key, 0)
	key = append(key, version...)
	key = append(key, 0)
	for _, parent := range parents {
		key = append(key, parent...)
		key = append(key, 0)
	}
	return key
}

// ValidName says why a name or parent cannot be used as a key, or "".
// NUL separates the parts of a key, and control characters would break logs.
func ValidName(name string) string {
	if name == "" {
		return "must not be empty"
	}
	if len(name) > 1024 {
		return "must not be longer than 1024 bytes"
	}
	if i := strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return "must not hold control characters"
	}
	return ""
}
