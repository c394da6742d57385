package console

import (
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// Values of records that belong to the world as it is are kept as what ties them
// to it: versions and resources of one process are no other's.
type (
	keptToken struct {
		Mapped bool `json:"mapped"` // by the rules of now
	}
	keptAmazon struct {
		Security map[string]any `json:"security"`
	}
)

// MarshalRecord writes the value of a Console's record as JSON; nil for what
// counts no more.
func MarshalRecord(tx *store.Tx, record *store.Record) ([]byte, error) {
	switch record.Kind {
	case recordGroups, recordUse, recordLogger, recordLogMode:
		return json.Marshal(record.Value)
	case recordToken:
		return json.Marshal(keptToken{record.Value == tx.MappingVersion()})
	case recordAmazon:
		cluster, err := tx.Resource("KafkaCluster", "v2", nil, record.ID)
		kept, ok := record.Value.(amazonRecord)
		if err != nil || !ok || kept.cluster != cluster {
			return nil, nil
		}
		return json.Marshal(keptAmazon{kept.security})
	}
	return kinds.MarshalRecord(tx, record)
}

// UnmarshalRecord gives the value that MarshalRecord wrote, in a world that has its
// resources already.
func UnmarshalRecord(tx *store.Tx, kind, id string, data []byte) (any, error) {
	switch kind {
	case recordGroups:
		return kinds.Unmarshalled[[]string](data)
	case recordUse:
		return kinds.Unmarshalled[time.Time](data)
	case recordLogger:
		return kinds.Unmarshalled[string](data)
	case recordLogMode:
		return kinds.Unmarshalled[bool](data)
	case recordToken:
		kept, err := kinds.Unmarshalled[keptToken](data)
		if kept.Mapped {
			return tx.MappingVersion(), err
		}
		return uint64(math.MaxUint64), err // of no world
	case recordAmazon:
		kept, err := store.DecodeObject(data)
		if err != nil {
			return nil, err
		}
		security, _ := kept["security"].(map[string]any)
		cluster, err := tx.Resource("KafkaCluster", "v2", nil, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		return amazonRecord{security, cluster}, nil
	}
	return kinds.UnmarshalRecord(tx, kind, id, data)
}
