package store

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/mockduktor/mockduktor/idp"
)

// Directory is what the identity provider sees of a world. It implements
// idp.Storage.
type Directory struct{ World *World }

// People implements idp.Storage.
func (d Directory) People(context.Context) ([]*idp.Person, error) {
	return values[*idp.Person](d.World.View(), "Person"), nil
}

// Clients implements idp.Storage.
func (d Directory) Clients(context.Context) ([]*idp.Client, error) {
	return values[*idp.Client](d.World.View(), "Client"), nil
}

func values[T any](tx *Tx, kind string) []T {
	var list []T
	for resource := range tx.Resources(kind, "v1", nil, "") {
		if value, ok := resource.Value.(T); ok {
			list = append(list, value)
		}
	}
	return list
}

// Person implements idp.Storage.
func (d Directory) Person(_ context.Context, login string) (*idp.Person, error) {
	return value[*idp.Person](d.World.View(), "Person", login)
}

// Client implements idp.Storage.
func (d Directory) Client(_ context.Context, id string) (*idp.Client, error) {
	return value[*idp.Client](d.World.View(), "Client", id)
}

func value[T any](tx *Tx, kind, name string) (T, error) {
	var none T
	resource, err := tx.Resource(kind, "v1", nil, name)
	if err != nil {
		return none, notFound(err)
	}
	typed, ok := resource.Value.(T)
	if !ok {
		return none, idp.ErrNotFound
	}
	return typed, nil
}

// notFound translates between the two packages' errors.
func notFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return idp.ErrNotFound
	}
	return err
}

// Record implements idp.Storage.
func (d Directory) Record(_ context.Context, kind, id string) (*idp.Record, error) {
	return idpTx{d.World.View()}.Record(kind, id)
}

// Update implements idp.Storage.
func (d Directory) Update(_ context.Context, fn func(tx idp.Tx) error) error {
	return d.World.Update(func(tx *Tx) error { return fn(idpTx{tx}) })
}

// idpTx shows a transaction as the identity provider knows it. Its records
// live beside the Console's under kinds of their own.
type idpTx struct{ tx *Tx }

const idpRecords = "idp."

// OfProvider is the identity provider's name for a kind of its records; false for
// a kind of others.
func OfProvider(kind string) (string, bool) { return strings.CutPrefix(kind, idpRecords) }

// SignIns walks what the identity provider has noted: sessions, codes, grants.
func (t *Tx) SignIns() iter.Seq[*Record] { return t.RecordsBelow(idpRecords) }

func (t idpTx) Record(kind, id string) (*idp.Record, error) {
	record, err := t.tx.Record(idpRecords+kind, id)
	if err != nil {
		return nil, notFound(err)
	}
	return &idp.Record{Kind: kind, ID: record.ID, Family: record.Family, Expires: record.Expires, Size: record.Size, Value: record.Value}, nil
}

func (t idpTx) Put(record idp.Record) error {
	err := t.tx.PutRecord(Record{Kind: idpRecords + record.Kind, ID: record.ID, Family: record.Family,
		Expires: record.Expires, Size: record.Size, Value: record.Value})
	var full *FullError
	if errors.As(err, &full) {
		return &idp.FullError{Limit: full.Limit, Reason: full.Error()}
	}
	return err
}

func (t idpTx) Delete(kind, id string) error { return t.tx.DeleteRecord(idpRecords+kind, id) }

func (t idpTx) DeleteFamily(family string) error { return t.tx.DeleteFamily(family) }

var _ idp.Storage = Directory{}
