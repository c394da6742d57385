package store

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/hashicorp/go-memdb"

	"github.com/mockduktor/mockduktor/server/limits"
)

// Tx is one look at a world (View) or one change of it (Update). Not for
// concurrent use.
type Tx struct {
	txn    *memdb.Txn
	now    time.Time
	grants bool // a resource that RBAC reads has changed
	memo   map[any]any

	limits  *limits.Limits // nil: nothing is counted
	tally   *tally         // nil: not asked for yet
	counted bool           // tally has changed
}

// Names of the world's numbers.
const (
	metaGrants   = "grants"
	metaMapping  = "mapping"
	metaSequence = "sequence"
	metaEpoch    = "epoch"
	metaTally    = "tally"
)

// maxSweep bounds how many expired records one Put clears away, so that the
// cost of forgetting is spread over the writes that make it needed.
const maxSweep = 4

// Now is the world's time when the change began, in whole milliseconds: what the
// API shows as a date.
func (t *Tx) Now() time.Time { return t.now }

// Resource returns one resource; ErrNotFound if there is none.
func (t *Tx) Resource(kind, version string, parents []string, name string) (*Resource, error) {
	key := append(append(collection(kind, version, parents), name...), 0)
	raw, err := t.txn.First(tableResource, indexID, key)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if raw == nil {
		return nil, ErrNotFound
	}
	return raw.(*Resource), nil
}

// Resources walks a collection in name order, from the names that begin with
// prefix ("" = all). With fewer parents than the kind has, it walks all
// collections below them; prefix must then be empty.
func (t *Tx) Resources(kind, version string, parents []string, prefix string) iter.Seq[*Resource] {
	return t.walk(append(collection(kind, version, parents), prefix...), indexID+"_prefix")
}

// Referrers walks the resources that carry a reference, in no promised order.
func (t *Tx) Referrers(ref string) iter.Seq[*Resource] {
	return t.walk(ref, indexRefs)
}

func (t *Tx) walk(argument any, index string) iter.Seq[*Resource] {
	return func(yield func(*Resource) bool) {
		rows, err := t.txn.Get(tableResource, index, argument)
		if err != nil {
			panic(fmt.Sprintf("store: %v", err)) // only a wrong index name or argument type
		}
		for raw := rows.Next(); raw != nil; raw = rows.Next() {
			if !yield(raw.(*Resource)) {
				return
			}
		}
	}
}

// Put stores a resource, replacing the one with its key.
func (t *Tx) Put(resource *Resource) error {
	if err := t.txn.Insert(tableResource, resource); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Delete removes a resource that Resource or Resources returned.
func (t *Tx) Delete(resource *Resource) error {
	if err := t.txn.Delete(tableResource, resource); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Record returns a record; ErrNotFound if there is none. One whose time is
// over may still be there: compare Expires with the world's time.
func (t *Tx) Record(kind, id string) (*Record, error) {
	raw, err := t.txn.First(tableRecord, indexID, recordKey(kind, id))
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if raw == nil {
		return nil, ErrNotFound
	}
	return raw.(*Record), nil
}

// PutRecord stores a record, replacing the one with its kind and id, and
// forgets a few whose time is over. A *FullError says that there are as many as
// there may be.
func (t *Tx) PutRecord(record Record) error {
	if err := t.sweep(maxSweep); err != nil {
		return err
	}
	old, err := t.Record(record.Kind, record.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err := t.add(&record, old); err != nil {
		return err
	}
	return t.insert(&record)
}

// ReviveRecord is PutRecord without forgetting or refusing any: for what was kept
// as it was.
func (t *Tx) ReviveRecord(record Record) error {
	old, err := t.Record(record.Kind, record.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err := t.count(&record, old); err != nil {
		return err
	}
	return t.insert(&record)
}

func (t *Tx) insert(record *Record) error {
	if err := t.txn.Insert(tableRecord, record); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// sweep forgets up to most records whose time is over.
func (t *Tx) sweep(most int) error {
	rows, err := t.txn.LowerBound(tableRecord, indexExpires, time.Time{})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	var over []*Record
	for raw := rows.Next(); raw != nil && len(over) < most; raw = rows.Next() {
		record := raw.(*Record)
		if record.Expires.After(t.now) {
			break
		}
		over = append(over, record)
	}
	return t.remove(over)
}

func (t *Tx) remove(records []*Record) error {
	for _, record := range records {
		if err := t.drop(record); err != nil {
			return err
		}
		if err := t.txn.Delete(tableRecord, record); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	return nil
}

// DeleteRecord removes a record; a missing one is no error.
func (t *Tx) DeleteRecord(kind, id string) error {
	record, err := t.Record(kind, id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.remove([]*Record{record})
}

// DeleteFamily removes all records of a family.
func (t *Tx) DeleteFamily(family string) error {
	rows, err := t.txn.Get(tableRecord, indexFamily, family)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	var members []*Record
	for raw := rows.Next(); raw != nil; raw = rows.Next() {
		members = append(members, raw.(*Record))
	}
	return t.remove(members)
}

// Records walks the records of a kind in id order.
func (t *Tx) Records(kind string) iter.Seq[*Record] { return t.RecordsBelow(kind + "\x00") }

// RecordsBelow walks the records of all kinds whose names begin with a prefix.
func (t *Tx) RecordsBelow(prefix string) iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		rows, err := t.txn.Get(tableRecord, indexID+"_prefix", []byte(prefix))
		if err != nil {
			panic(fmt.Sprintf("store: %v", err)) // only a wrong index name or argument type
		}
		for raw := rows.Next(); raw != nil; raw = rows.Next() {
			if !yield(raw.(*Record)) {
				return
			}
		}
	}
}

// Memo returns what was computed under key in this transaction, computing it on
// first use: bulk loads ask the same of the world for every row.
func (t *Tx) Memo(key any, compute func() any) any {
	if value, ok := t.memo[key]; ok {
		return value
	}
	value := compute()
	if t.memo == nil {
		t.memo = map[any]any{}
	}
	t.memo[key] = value
	return value
}

// Forget drops what Memo keeps under key, after a change that outdates it.
func (t *Tx) Forget(key any) { delete(t.memo, key) }

// GrantsVersion changes whenever anything does that RBAC reads; equal versions
// mean equal grants, in any world of the process.
func (t *Tx) GrantsVersion() uint64 { return t.number(metaGrants) }

// MappingVersion changes whenever the rules do that map external groups.
func (t *Tx) MappingVersion() uint64 { return t.number(metaMapping) }

// TouchGrants marks that this change alters what RBAC reads.
func (t *Tx) TouchGrants() { t.grants = true }

// TouchMapping marks that this change alters the rules for external groups.
func (t *Tx) TouchMapping() error { return t.setNumber(metaMapping, versions.Add(1)) }

// Epoch is when the seed was loaded: relative times in seeds count from it.
func (t *Tx) Epoch() time.Time { return time.UnixMilli(int64(t.number(metaEpoch))).UTC() }

// SetEpoch marks when the seed was loaded, to the millisecond.
func (t *Tx) SetEpoch(at time.Time) error {
	return t.setNumber(metaEpoch, uint64(at.UnixMilli()))
}

// NextID returns the next number of the world's one sequence: ids derived
// from it are the same over two runs of the same calls.
func (t *Tx) NextID() (uint64, error) {
	next := t.number(metaSequence) + 1
	return next, t.setNumber(metaSequence, next)
}

// Sequence is the number that NextID gave last; 0: none yet.
func (t *Tx) Sequence() uint64 { return t.number(metaSequence) }

// SetSequence makes NextID go on after a number.
func (t *Tx) SetSequence(last uint64) error { return t.setNumber(metaSequence, last) }

func (t *Tx) number(name string) uint64 {
	raw, err := t.txn.First(tableMeta, indexID, name)
	if err != nil {
		panic(fmt.Sprintf("store: %v", err)) // only a wrong index name or argument type
	}
	if raw == nil {
		return 0
	}
	return raw.(*meta).Value
}

func (t *Tx) setNumber(name string, value uint64) error {
	if err := t.txn.Insert(tableMeta, &meta{Name: name, Value: value}); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

func (t *Tx) finish() error {
	if t.counted {
		if err := t.txn.Insert(tableMeta, &meta{Name: metaTally, tally: t.tally}); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	if t.grants {
		return t.setNumber(metaGrants, versions.Add(1))
	}
	return nil
}

var _ memdb.PrefixIndexer = resourceIndex{}
