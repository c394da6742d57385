package store

import (
	"fmt"

	"github.com/mockduktor/mockduktor/server/limits"
)

// group are records that are counted together against one limit.
type group int

const (
	uncounted group = iota
	sessions
	grants
	pending
	devices
	pushed
	tokens
	users
	groups // how many there are
)

var limitOf = [groups]string{sessions: "sessions", grants: "grants", pending: "pending", devices: "devices", pushed: "pushed", tokens: "tokens", users: "users"}

// RecordMadeUser is the kind of record that notes a user made by the first
// sign-in.
const RecordMadeUser = "console.made-user"

// groupOf are the kinds of records that clients can add without end; what others
// there are is bounded by what they belong to.
var groupOf = map[string]group{
	"console.session": sessions, "idp.session": sessions,
	"idp.grant": grants, "idp.pending": pending, "idp.device": devices, "idp.pushed": pushed,
	"console.token": tokens, "console.groups": tokens, "idp.proof": tokens, "idp.assertion": tokens,
	"idp.nameless": tokens, "idp.revoked": tokens,
	RecordMadeUser: users,
}

// tally is what there is of each group, and what all of them take. It is part of
// the world, so that a reset, a snapshot and a fork have their own.
type tally struct {
	count [groups]int
	bytes int
}

// recordBytes is about what a record takes beside its Size.
const recordBytes = 512

// FullError is returned for a record more than a world may have.
type FullError struct {
	Limit string // its name
	Most  int
}

// Error says what there is too much of and which setting allows more.
func (e *FullError) Error() string {
	return limits.Explain(e.Limit, e.Most) + "; or reset the world: POST /_mock/reset"
}

func (t *tally) total() int {
	n := 0
	for _, count := range t.count {
		n += count
	}
	return n
}

func (t *Tx) most(of group) int {
	l := t.limits
	return [groups]int{sessions: l.Sessions, grants: l.Grants, pending: l.Pending, devices: l.Devices, pushed: l.Pushed, tokens: l.Tokens, users: l.Users}[of]
}

// counts are those of the world as this transaction sees it.
func (t *Tx) counts() (*tally, error) {
	if t.tally != nil {
		return t.tally, nil
	}
	raw, err := t.txn.First(tableMeta, indexID, metaTally)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	t.tally = &tally{}
	if raw != nil {
		*t.tally = *raw.(*meta).tally
	}
	return t.tally, nil
}

// add counts a record in that takes the place of old, nil for none. It refuses
// what would be one too many, once all that are over have been cleared away.
func (t *Tx) add(record, old *Record) error {
	of := groupOf[record.Kind]
	if of == uncounted || t.limits == nil {
		return nil
	}
	now, err := t.counts()
	if err != nil {
		return err
	}
	over := func() string {
		switch {
		case old == nil && now.count[of] >= t.most(of):
			return limitOf[of]
		case now.bytes+weight(record)-weight(old) > t.limits.State && (old == nil || record.Size > old.Size):
			return "state"
		}
		return ""
	}
	if over() != "" {
		if err := t.sweep(now.total()); err != nil {
			return err
		}
	}
	switch name := over(); name {
	case "":
	case "state":
		return &FullError{name, t.limits.State}
	default:
		return &FullError{name, t.most(of)}
	}
	return t.count(record, old)
}

// count counts a record in, without refusing any.
func (t *Tx) count(record, old *Record) error {
	of := groupOf[record.Kind]
	if of == uncounted || t.limits == nil {
		return nil
	}
	now, err := t.counts()
	if err != nil {
		return err
	}
	if old == nil {
		now.count[of]++
	}
	now.bytes += weight(record) - weight(old)
	t.counted = true
	return nil
}

// drop counts a record out that is about to be deleted.
func (t *Tx) drop(record *Record) error {
	of := groupOf[record.Kind]
	if of == uncounted || t.limits == nil {
		return nil
	}
	now, err := t.counts()
	if err != nil {
		return err
	}
	now.count[of]--
	now.bytes -= weight(record)
	t.counted = true
	return nil
}

func weight(record *Record) int {
	if record == nil {
		return 0
	}
	return recordBytes + len(record.ID) + record.Size
}
