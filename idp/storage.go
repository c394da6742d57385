package idp

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// ErrNotFound is what a [Storage] answers, possibly wrapped, for a person, a
// client or a record that is not there.
var ErrNotFound = errors.New("not found")

// FullError is what a [Storage] answers for a record more than it keeps.
type FullError struct {
	// Limit is the name of the bound, Reason what there is too much of and how
	// there may be more.
	Limit, Reason string
}

func (e *FullError) Error() string { return e.Reason }

// refusal is the answer to who wanted the record (RFC 6749, section 4.1.2.1, has
// the code; the token endpoint has none of its own for this).
func (e *FullError) refusal() *Error {
	return &Error{Status: http.StatusServiceUnavailable, Code: errTemporarilyUnavailable, Description: e.Reason}
}

// toClient tells the client by redirect, where that is who has to know.
func toClient(err error, to target) error {
	var full *FullError
	if errors.As(err, &full) {
		return &redirectError{full.refusal(), to}
	}
	return err
}

// Clock tells the provider the time; nothing in this package asks the system
// for it, so that tests can set, freeze and advance it.
type Clock interface {
	Now() time.Time
}

// Storage is all that the provider asks of whoever keeps its data. It must be
// safe for concurrent use. What it returns is read only for both sides.
type Storage interface {
	// People returns everyone, sorted by login.
	People(ctx context.Context) ([]*Person, error)
	// Person returns the person of that login, or ErrNotFound.
	Person(ctx context.Context, login string) (*Person, error)
	// Client returns the client of that client_id, or ErrNotFound.
	Client(ctx context.Context, id string) (*Client, error)
	// Clients returns all clients, sorted by client_id.
	Clients(ctx context.Context) ([]*Client, error)
	// Record returns one record, or ErrNotFound. It may return one that has
	// expired; the provider looks at Expires itself.
	Record(ctx context.Context, kind, id string) (*Record, error)
	// Update runs fn in one transaction, after or before every other Update
	// and never beside one. If fn returns an error, nothing is changed and
	// the error is returned.
	Update(ctx context.Context, fn func(tx Tx) error) error
}

// Tx is the inside of one [Storage.Update].
type Tx interface {
	// Record returns one record as this transaction sees it, or ErrNotFound.
	Record(kind, id string) (*Record, error)
	// Put adds the record or replaces the one of the same kind and id. A
	// *FullError says that there are as many as there may be.
	Put(Record) error
	// Delete removes a record; one that is not there is no error.
	Delete(kind, id string) error
	// DeleteFamily removes every record whose Family is the one given.
	DeleteFamily(family string) error
}

// Record is something the provider wants to find again: a session, a grant, a
// sign-in under way, a revocation. It is immutable once put, Value included.
type Record struct {
	// Kind and ID together are the key. Where what the record stands for is a
	// secret, ID is its digest.
	Kind, ID string
	// Family joins records that end together, such as a session and the
	// grants made in it. Empty: no family.
	Family string
	// Expires is when the record stops to count; the storage may drop it from
	// then on. Zero: never.
	Expires time.Time
	// Size is about what Value takes, in bytes, where that is much.
	Size int
	// Value is opaque to the storage.
	Value any
}

func (r *Record) expired(now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

// valueOf gives the record's value if it is there, has not expired and is a T.
// Everything else but a failing storage is ErrNotFound.
func valueOf[T any](r *Record, err error, now time.Time) (T, error) {
	var none T
	if err != nil {
		return none, err
	}
	if r.expired(now) {
		return none, ErrNotFound
	}
	v, ok := r.Value.(T)
	if !ok {
		return none, ErrNotFound
	}
	return v, nil
}
