package kinds

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mockduktor/mockduktor/server/faults"
	"github.com/mockduktor/mockduktor/server/store"
)

// Place tells where a resource stands among those of its kind, for the kinds
// whose resources count in the order in which they came; false for others.
func Place(r *store.Resource) (int, bool) {
	place := placeOf(r.Value)
	if place == nil {
		return 0, false
	}
	return *place, true
}

func placeOf(value any) *int {
	switch value.(type) {
	case *SigningKey:
		return placeOfKey(value)
	case *placedFault:
		return placeOfFault(value)
	}
	return nil
}

// Revive puts a resource back into a world as it was, of which its key, its JSON
// and its times were kept and what Place tells; nil: its kind has no places. What
// hangs on a change is left undone: that is kept too. The world must have its
// epoch already, and what the kind is put behind.
func (e *Engine) Revive(tx *store.Tx, r *store.Resource, place *int) error {
	kind, err := e.kindOf(r)
	if err != nil {
		return err
	}
	object, err := store.DecodeObject(r.JSON)
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.Kind, r.Name, err)
	}
	rule := e.rules[kind]
	if rule.Parse != nil {
		value, problems := rule.Parse(object)
		if len(problems) == 0 && rule.Settle != nil {
			problems = rule.Settle(tx, object, value)
		}
		if err := FromProblems(problems); err != nil {
			return fmt.Errorf("%s %s: %w", r.Kind, r.Name, err)
		}
		r.Value = value
		if rule.Refs != nil {
			r.Refs = rule.Refs(value)
		}
	}
	if at := placeOf(r.Value); at != nil && place != nil {
		*at = *place
	}
	return tx.Put(r)
}

// MarshalRecord writes the value of a record of this package as JSON; nil for what
// counts no more, ErrUnknownRecord for a record of others.
func MarshalRecord(tx *store.Tx, record *store.Record) ([]byte, error) {
	switch record.Kind {
	case recordSession, recordSimulation, store.RecordMadeUser:
		return json.Marshal(record.Value)
	case recordFault:
		counted, ok := record.Value.(faultCounts)
		if !ok || counted.rule != faultNamed(tx, record.ID) {
			return nil, nil
		}
		return json.Marshal(counted.Counts)
	}
	return nil, ErrUnknownRecord
}

// UnmarshalRecord gives the value that MarshalRecord wrote, in a world that has its
// resources already.
func UnmarshalRecord(tx *store.Tx, kind, id string, data []byte) (any, error) {
	switch kind {
	case store.RecordMadeUser:
		return nil, nil // it has no value
	case recordSession:
		return Unmarshalled[string](data)
	case recordSimulation:
		return Unmarshalled[bool](data)
	case recordFault:
		counts, err := Unmarshalled[faults.Counts](data)
		return faultCounts{faultNamed(tx, id), counts}, err
	}
	return nil, ErrUnknownRecord
}

// ErrUnknownRecord is returned for records of another package.
var ErrUnknownRecord = errors.New("the kind of record is unknown")

// Unmarshalled is a value that was written as JSON.
func Unmarshalled[T any](data []byte) (T, error) {
	var value T
	return value, json.Unmarshal(data, &value)
}

func faultNamed(tx *store.Tx, id string) *faults.Rule {
	resource, err := tx.Resource(FaultKind, "v1", nil, id)
	if err != nil {
		return nil
	}
	fault, ok := resource.Value.(*placedFault)
	if !ok {
		return nil
	}
	return fault.rule
}
