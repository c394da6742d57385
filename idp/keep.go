package idp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

// MarshalRecord writes the value of a record as JSON, for a storage that outlives
// the process; UnmarshalRecord reads it back.
func MarshalRecord(kind string, value any) ([]byte, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("idp: record %s: %w", kind, err)
	}
	return data, nil
}

// UnmarshalRecord gives the value that MarshalRecord wrote for a record of that
// kind and id.
func UnmarshalRecord(kind, id string, data []byte) (any, error) {
	value, err := unmarshalRecord(kind, id, data)
	if err != nil {
		return nil, fmt.Errorf("idp: record %s: %w", kind, err)
	}
	return value, nil
}

func unmarshalRecord(kind, id string, data []byte) (any, error) {
	switch kind {
	case kindAssertion, kindProof, kindRevoked:
		return unmarshal[bool](data)
	case kindNameless, kindUserCode:
		return unmarshal[string](data)
	case kindCounter:
		if id == counterRegistered {
			return unmarshal[int](data)
		}
		return unmarshal[uint64](data)
	case kindClient:
		return unmarshal[*registered](data)
	case kindDevice:
		return unmarshal[*deviceRequest](data)
	case kindGrant:
		return unmarshal[*grant](data)
	case kindPending:
		return unmarshal[*pending](data)
	case kindPushed:
		return unmarshal[params](data)
	case kindSession:
		return unmarshal[*session](data)
	}
	return nil, fmt.Errorf("the kind is unknown")
}

// unmarshal keeps numbers as they were written: claims have them.
func unmarshal[T any](data []byte) (T, error) {
	var value T
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return value, decoder.Decode(&value)
}

// UnmarshalJSON reads numbers of wished values as the claims parameter has them.
func (r *claimsRequest) UnmarshalJSON(data []byte) error {
	type plain claimsRequest
	return json.Unmarshal(data, (*plain)(r))
}

type keptParams struct {
	Values   url.Values `json:"values"`
	JKT      string     `json:"jkt,omitempty"`
	Pushed   bool       `json:"pushed,omitempty"`
	Repeated string     `json:"repeated,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (p params) MarshalJSON() ([]byte, error) {
	return json.Marshal(keptParams{p.values, p.jkt, p.pushed, p.repeated})
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *params) UnmarshalJSON(data []byte) error {
	kept, err := unmarshal[keptParams](data)
	*p = params{kept.Values, kept.JKT, kept.Pushed, kept.Repeated}
	return err
}

type keptPending struct {
	Query   params `json:"query"`
	Browser string `json:"browser"`
}

// MarshalJSON implements json.Marshaler.
func (w *pending) MarshalJSON() ([]byte, error) {
	return json.Marshal(keptPending{w.query, w.browser})
}

// UnmarshalJSON implements json.Unmarshaler.
func (w *pending) UnmarshalJSON(data []byte) error {
	kept, err := unmarshal[keptPending](data)
	*w = pending{query: kept.Query, browser: kept.Browser}
	return err
}

type keptRegistered struct {
	ID       string         `json:"id"`
	Secret   string         `json:"secret,omitempty"`
	Metadata map[string]any `json:"metadata"`
	At       time.Time      `json:"at"`
}

// MarshalJSON implements json.Marshaler.
func (r *registered) MarshalJSON() ([]byte, error) {
	return json.Marshal(keptRegistered{r.client.ID, r.client.Secret, r.metadata, r.at})
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *registered) UnmarshalJSON(data []byte) error {
	var kept keptRegistered
	if err := json.Unmarshal(data, &kept); err != nil {
		return err
	}
	client, problems := clientOfMetadata(kept.ID, kept.Secret, kept.Metadata)
	if len(problems) > 0 {
		return fmt.Errorf("client %s: %s %s", kept.ID, problems[0].Path, problems[0].Reason)
	}
	*r = registered{client: client, metadata: kept.Metadata, at: kept.At}
	return nil
}
