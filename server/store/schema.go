package store

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/hashicorp/go-memdb"
)

const (
	tableResource = "resource"
	tableRecord   = "record"
	tableMeta     = "meta"

	indexID      = "id"
	indexRefs    = "refs"
	indexFamily  = "family"
	indexExpires = "expires"
)

// Record is runtime state that no seed holds: sessions, codes, refresh
// tokens, tokens already seen. Immutable once stored.
type Record struct {
	Kind    string    // who owns it and what it is: idp.code, console.session
	ID      string    // unique within the kind; of a secret, its digest
	Family  string    // records that end together; may be empty
	Expires time.Time // when the world may forget it; zero = never
	Size    int       // about what Value takes, in bytes, where that is much
	Value   any
}

// meta is a named number of the world, such as the version of its grants.
type meta struct {
	Name  string
	Value uint64
	tally *tally // of metaTally alone
}

func schema() *memdb.DBSchema {
	return &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{
		tableResource: {Name: tableResource, Indexes: map[string]*memdb.IndexSchema{
			indexID:   {Name: indexID, Unique: true, Indexer: resourceIndex{}},
			indexRefs: {Name: indexRefs, AllowMissing: true, Indexer: refsIndex{}},
		}},
		tableRecord: {Name: tableRecord, Indexes: map[string]*memdb.IndexSchema{
			indexID:      {Name: indexID, Unique: true, Indexer: recordIndex{}},
			indexFamily:  {Name: indexFamily, AllowMissing: true, Indexer: &memdb.StringFieldIndex{Field: "Family"}},
			indexExpires: {Name: indexExpires, AllowMissing: true, Indexer: expiresIndex{}},
		}},
		tableMeta: {Name: tableMeta, Indexes: map[string]*memdb.IndexSchema{
			indexID: {Name: indexID, Unique: true, Indexer: &memdb.StringFieldIndex{Field: "Name"}},
		}},
	}}
}

var errIndexArgument = errors.New("store: wrong index argument")

// resourceIndex keys resources by kind, version, parents and name, so that a
// walk over a prefix gives a collection, or the names of one prefix in it, in
// name order. Its argument is the key itself.
type resourceIndex struct{}

func (resourceIndex) FromObject(raw any) (bool, []byte, error) {
	resource, ok := raw.(*Resource)
	if !ok {
		return false, nil, errIndexArgument
	}
	key := collection(resource.Kind, resource.Version, resource.Parents)
	return true, append(append(key, resource.Name...), 0), nil
}

func (resourceIndex) FromArgs(args ...any) ([]byte, error) { return keyArgument(args) }

func (resourceIndex) PrefixFromArgs(args ...any) ([]byte, error) { return keyArgument(args) }

func keyArgument(args []any) ([]byte, error) {
	if len(args) != 1 {
		return nil, errIndexArgument
	}
	key, ok := args[0].([]byte)
	if !ok {
		return nil, errIndexArgument
	}
	return key, nil
}

type refsIndex struct{}

func (refsIndex) FromObject(raw any) (bool, [][]byte, error) {
	resource, ok := raw.(*Resource)
	if !ok {
		return false, nil, errIndexArgument
	}
	if len(resource.Refs) == 0 {
		return false, nil, nil
	}
	keys := make([][]byte, len(resource.Refs))
	for i, ref := range resource.Refs {
		keys[i] = append([]byte(ref), 0)
	}
	return true, keys, nil
}

func (refsIndex) FromArgs(args ...any) ([]byte, error) {
	if len(args) != 1 {
		return nil, errIndexArgument
	}
	ref, ok := args[0].(string)
	if !ok {
		return nil, errIndexArgument
	}
	return append([]byte(ref), 0), nil
}

type recordIndex struct{}

func recordKey(kind, id string) []byte { return []byte(kind + "\x00" + id + "\x00") }

func (recordIndex) FromObject(raw any) (bool, []byte, error) {
	record, ok := raw.(*Record)
	if !ok {
		return false, nil, errIndexArgument
	}
	return true, recordKey(record.Kind, record.ID), nil
}

func (recordIndex) FromArgs(args ...any) ([]byte, error) { return keyArgument(args) }

func (recordIndex) PrefixFromArgs(args ...any) ([]byte, error) { return keyArgument(args) }

type expiresIndex struct{}

func (expiresIndex) FromObject(raw any) (bool, []byte, error) {
	record, ok := raw.(*Record)
	if !ok {
		return false, nil, errIndexArgument
	}
	if record.Expires.IsZero() {
		return false, nil, nil
	}
	return true, timeKey(record.Expires), nil
}

func (expiresIndex) FromArgs(args ...any) ([]byte, error) {
	if len(args) != 1 {
		return nil, errIndexArgument
	}
	at, ok := args[0].(time.Time)
	if !ok {
		return nil, errIndexArgument
	}
	return timeKey(at), nil
}

// timeKey sorts as time does: seconds and the rest apart, since nanoseconds
// since 1970 end in 2262 and a token's exp may lie beyond; clocks that tests set
// before 1970 keep order through the flipped sign bit.
func timeKey(at time.Time) []byte {
	key := make([]byte, 12)
	binary.BigEndian.PutUint64(key, uint64(at.Unix())^(1<<63))
	binary.BigEndian.PutUint32(key[8:], uint32(at.Nanosecond()))
	return key
}
