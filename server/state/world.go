package state

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/limits"
	"github.com/mockduktor/mockduktor/server/store"
)

// About is what is kept beside the world.
type About struct {
	// SavedAt is by the machine's clock.
	SavedAt time.Time `json:"saved_at"`
	// Seed is the digest of the seed that the server was started with or that was
	// loaded anew from the same sources since.
	Seed string `json:"seed"`
	// Secret is what codes, refresh tokens and sign-ins are derived from.
	Secret []byte `json:"secret"`
	// Clock is how the world's clock goes.
	Clock store.Reading `json:"clock"`
}

// line is one line of the file: one of its parts is there. The seed comes first
// and is kept whole; the worlds behind it as what they have otherwise.
type line struct {
	About  *About        `json:"about,omitempty"`
	World  *worldLine    `json:"world,omitempty"`
	Drop   *resourceLine `json:"drop,omitempty"`
	Put    *resourceLine `json:"put,omitempty"`
	Forget *recordLine   `json:"forget,omitempty"`
	Record *recordLine   `json:"record,omitempty"`
}

// Names of the worlds of a file.
const (
	worldSeed     = "seed"
	worldPresent  = "present"
	worldSnapshot = "snapshot"
)

// worldLine begins a world: what follows is about it.
type worldLine struct {
	Name     string    `json:"name"`
	Snapshot string    `json:"snapshot,omitempty"`
	Epoch    time.Time `json:"epoch"`
	Sequence uint64    `json:"sequence"`
	// Grants and Mapping tell that they are not those of the seed.
	Grants  bool `json:"grants,omitempty"`
	Mapping bool `json:"mapping,omitempty"`
}

type resourceLine struct {
	Kind      string          `json:"kind"`
	Version   string          `json:"version"`
	Parents   []string        `json:"parents,omitempty"`
	Name      string          `json:"name"`
	CreatedAt time.Time       `json:"created_at,omitzero"`
	UpdatedAt time.Time       `json:"updated_at,omitzero"`
	Place     *int            `json:"place,omitempty"` // see kinds.Place
	Resource  json.RawMessage `json:"resource,omitempty"`
}

type recordLine struct {
	Kind    string          `json:"kind"`
	ID      string          `json:"id"`
	Family  string          `json:"family,omitempty"`
	Expires time.Time       `json:"expires,omitzero"`
	Size    int             `json:"size,omitempty"`
	Value   json.RawMessage `json:"value,omitempty"`
}

// encodeWorld writes a world as lines.
func encodeWorld(w io.Writer, engine *kinds.Engine, about About, picture store.Picture) error {
	e := worldEncoder{json.NewEncoder(w), engine}
	e.out.SetEscapeHTML(false)
	about.Clock = picture.Clock
	if err := e.out.Encode(line{About: &about}); err != nil {
		return err
	}
	if err := e.world(worldLine{Name: worldSeed}, nil, picture.Seed); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(picture.Snapshots)) {
		if err := e.world(worldLine{Name: worldSnapshot, Snapshot: name}, picture.Seed, picture.Snapshots[name]); err != nil {
			return err
		}
	}
	return e.world(worldLine{Name: worldPresent}, picture.Seed, picture.Present)
}

type worldEncoder struct {
	out    *json.Encoder
	engine *kinds.Engine
}

// world writes what tx has otherwise than base; all of it with base nil.
func (e *worldEncoder) world(about worldLine, base, tx *store.Tx) error {
	about.Epoch, about.Sequence = tx.Epoch(), tx.Sequence()
	if base != nil {
		about.Grants = tx.GrantsVersion() != base.GrantsVersion()
		about.Mapping = tx.MappingVersion() != base.MappingVersion()
	}
	if err := e.out.Encode(line{World: &about}); err != nil {
		return err
	}
	for _, kind := range e.engine.Kinds() {
		var before []*store.Resource
		if base != nil {
			before = slices.Collect(base.Resources(kind.Name, kind.Version, nil, ""))
		}
		put, gone := difference(before, slices.Collect(tx.Resources(kind.Name, kind.Version, nil, "")), byKey)
		for _, one := range gone {
			if err := e.out.Encode(line{Drop: keyOf(one)}); err != nil {
				return err
			}
		}
		for _, one := range put {
			kept := keyOf(one)
			kept.CreatedAt, kept.UpdatedAt, kept.Resource = one.CreatedAt, one.UpdatedAt, one.JSON
			if place, counts := kinds.Place(one); counts {
				kept.Place = &place
			}
			if err := e.out.Encode(line{Put: kept}); err != nil {
				return err
			}
		}
	}
	return e.records(base, tx)
}

func (e *worldEncoder) records(base, tx *store.Tx) error {
	var before []*store.Record
	if base != nil {
		before = slices.Collect(base.RecordsBelow(""))
	}
	put, gone := difference(before, slices.Collect(tx.RecordsBelow("")), func(a, b *store.Record) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
	})
	for _, one := range gone {
		if err := e.out.Encode(line{Forget: &recordLine{Kind: one.Kind, ID: one.ID}}); err != nil {
			return err
		}
	}
	for _, one := range put {
		value, err := marshalRecord(tx, one)
		if err != nil {
			return fmt.Errorf("record %s: %w", one.Kind, err)
		}
		if value == nil {
			continue
		}
		kept := &recordLine{Kind: one.Kind, ID: one.ID, Family: one.Family, Expires: shown(one.Expires), Size: one.Size, Value: value}
		if err := e.out.Encode(line{Record: kept}); err != nil {
			return err
		}
	}
	return nil
}

// lastMoment is the last that JSON can tell (RFC 3339). Tokens of strangers may
// name a later end, which the world's clock never gets to either.
var lastMoment = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

func shown(at time.Time) time.Time {
	if at.After(lastMoment) {
		return lastMoment
	}
	return at
}

func marshalRecord(tx *store.Tx, record *store.Record) ([]byte, error) {
	if kind, ok := store.OfProvider(record.Kind); ok {
		return idp.MarshalRecord(kind, record.Value)
	}
	return console.MarshalRecord(tx, record)
}

func unmarshalRecord(tx *store.Tx, kept *recordLine) (any, error) {
	if kind, ok := store.OfProvider(kept.Kind); ok {
		return idp.UnmarshalRecord(kind, kept.ID, kept.Value)
	}
	return console.UnmarshalRecord(tx, kept.Kind, kept.ID, kept.Value)
}

func keyOf(r *store.Resource) *resourceLine {
	return &resourceLine{Kind: r.Kind, Version: r.Version, Parents: r.Parents, Name: r.Name}
}

// byKey orders resources of a kind as the world does: names have no NUL.
func byKey(a, b *store.Resource) int {
	return cmp.Or(slices.Compare(a.Parents, b.Parents), strings.Compare(a.Name, b.Name))
}

// difference gives what is in after and not, or as another value, in before, and
// what is in before alone. Both are in order.
func difference[T any](before, after []*T, compare func(a, b *T) int) (put, gone []*T) {
	for len(before) > 0 && len(after) > 0 {
		switch order := compare(before[0], after[0]); {
		case order < 0:
			gone, before = append(gone, before[0]), before[1:]
		case order > 0:
			put, after = append(put, after[0]), after[1:]
		default:
			if before[0] != after[0] {
				put = append(put, after[0])
			}
			before, after = before[1:], after[1:]
		}
	}
	return append(put, after...), append(gone, before...)
}

// decodeWorld makes the world of lines again; errors are ErrDamaged.
func decodeWorld(body []byte, engine *kinds.Engine, bounds limits.Limits) (*store.World, About, error) {
	d := worldDecoder{decoder: json.NewDecoder(bytes.NewReader(body)), engine: engine, world: store.New()}
	// What was kept under other limits is no damage.
	unbounded := bounds
	unbounded.Snapshots = math.MaxInt
	d.world.Limit(unbounded)
	if err := d.decode(); err != nil {
		return nil, About{}, damaged("%w", err)
	}
	d.world.Limit(bounds)
	return d.world, d.about, nil
}

type worldDecoder struct {
	decoder *json.Decoder
	engine  *kinds.Engine
	world   *store.World
	about   About
	next    line // that was read and is not done with
}

func (d *worldDecoder) read() error {
	d.next = line{}
	err := d.decoder.Decode(&d.next)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (d *worldDecoder) decode() error {
	if err := d.read(); err != nil {
		return err
	}
	if d.next.About == nil {
		return fmt.Errorf("its second line does not tell what it is about")
	}
	d.about = *d.next.About
	d.world.Clock.SetReading(d.about.Clock)
	if err := d.read(); err != nil {
		return err
	}
	for first := true; ; first = false {
		about := d.next.World
		if about == nil || first != (about.Name == worldSeed) {
			return fmt.Errorf("a world is missing")
		}
		if !first {
			d.world.Reset()
		}
		present := about.Name == worldPresent
		err := d.world.Update(func(tx *store.Tx) error { return d.fill(tx, about, first, present) })
		if err != nil {
			return err
		}
		switch {
		case first:
			d.world.KeepAsSeed()
		case present:
			return nil
		default:
			if err := d.world.Snapshot(about.Snapshot); err != nil {
				return err
			}
		}
	}
}

// fill puts the lines of a world into it, up to the next world; last: to the end
// of the file.
func (d *worldDecoder) fill(tx *store.Tx, about *worldLine, whole, last bool) error {
	if err := tx.SetEpoch(about.Epoch); err != nil {
		return err
	}
	if err := tx.SetSequence(about.Sequence); err != nil {
		return err
	}
	if whole || about.Grants {
		tx.TouchGrants()
	}
	if whole || about.Mapping {
		if err := tx.TouchMapping(); err != nil {
			return err
		}
	}
	for {
		d.next = line{}
		if err := d.decoder.Decode(&d.next); err != nil {
			if last && err == io.EOF {
				return nil
			}
			return err
		}
		if d.next.World != nil {
			return nil
		}
		if err := d.take(tx); err != nil {
			return err
		}
	}
}

func (d *worldDecoder) take(tx *store.Tx) error {
	switch l := d.next; {
	case l.Put != nil:
		kept := l.Put
		return d.engine.Revive(tx, &store.Resource{Kind: kept.Kind, Version: kept.Version, Parents: append([]string{}, kept.Parents...), Name: kept.Name,
			CreatedAt: kept.CreatedAt, UpdatedAt: kept.UpdatedAt, JSON: kept.Resource}, kept.Place)
	case l.Drop != nil:
		gone, err := tx.Resource(l.Drop.Kind, l.Drop.Version, l.Drop.Parents, l.Drop.Name)
		if err != nil {
			return fmt.Errorf("%s %s: %w", l.Drop.Kind, l.Drop.Name, err)
		}
		return tx.Delete(gone)
	case l.Record != nil:
		kept := l.Record
		value, err := unmarshalRecord(tx, kept)
		if err != nil {
			return fmt.Errorf("record %s: %w", kept.Kind, err)
		}
		return tx.ReviveRecord(store.Record{Kind: kept.Kind, ID: kept.ID, Family: kept.Family, Expires: kept.Expires, Size: kept.Size, Value: value})
	case l.Forget != nil:
		return tx.DeleteRecord(l.Forget.Kind, l.Forget.ID)
	}
	return fmt.Errorf("a line tells nothing")
}
