// Package kinds is the one engine behind every kind, Conduktor's and our own:
// it lists, reads, upserts and deletes resources of a world by what the
// OpenAPI document says of the kind. What is special about a kind is its Rule,
// one small file each; a kind without one behaves plainly.
package kinds

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// Rule is what is special about a kind. Every part is optional.
type Rule struct {
	Access Access
	// Filters select list items, by query parameter name.
	Filters map[string]func(tx *store.Tx, r *store.Resource, value string) bool
	// Order sorts lists; nil leaves them in the order of names. A kind that has
	// it may have the query parameter descSort, which turns it round.
	Order func(a, b *store.Resource) int
	// Fixed are resources that every world has and nobody can change.
	Fixed []*store.Resource
	// Identity: a change of this kind changes what RBAC reads.
	Identity bool
	// Drop takes out of a body what the Console drops without a word.
	Drop func(object map[string]any)
	// Prepare brings an accepted body to the form that is kept.
	Prepare func(object map[string]any)
	// Check refuses what the schema cannot know: other resources, immutability.
	Check func(c *Change) error
	// Guard refuses what policies forbid. It is not asked when nothing changes,
	// so that a policy put later does not stand in the way of what is there.
	Guard func(c *Change) error
	// Show adds the fields that the server sets.
	Show func(c *Change) error
	// Present adds the fields that depend on the time, on other resources or on
	// the caller when the resource is read; it returns the whole resource.
	Present func(v View, r *store.Resource) ([]byte, error)
	// Parse makes the typed form that Resource.Value holds, from what is shown.
	Parse func(object map[string]any) (any, []openapi.Problem)
	// Settle completes the typed form with what only the world knows.
	Settle func(tx *store.Tx, object map[string]any, value any) []openapi.Problem
	// Refs lists what the resource refers to, from its typed form.
	Refs func(value any) []string
	// After carries a change on to other resources, in the same transaction.
	After func(c *Change) error
	// Delete refuses, or clears away what hangs on the resource.
	Delete func(e *Engine, tx *store.Tx, r *store.Resource) error
	// Deleted carries a deletion on to other resources once it has happened.
	Deleted func(e *Engine, tx *store.Tx, r *store.Resource) error
	// DeletesAbsent: deleting what is not there succeeds instead of 404.
	DeletesAbsent bool
	// Managed removes the fields that Show added, so that an unchanged
	// resource compares as unchanged.
	Managed func(object map[string]any)
	// Normalize brings what is compared into a form in which equal meaning is
	// equal text, where the schema cannot know that. What is kept stays as sent.
	Normalize func(object map[string]any)
}

// By says who makes a change.
type By struct {
	Name     string // e-mail address, or the name of an API key; "" for a seed
	Instance string // of an application-instance key
}

// View is what a reading depends on beside the resource.
type View struct {
	Tx  *store.Tx
	Now time.Time // the world's
	// Query gives a query parameter of a list, "" where there is none.
	Query func(name string) string
	// May says whether the reader holds what something needs.
	May    func(need Need) bool
	engine *Engine
}

// Change is one upsert on its way into a world.
type Change struct {
	Tx     *store.Tx
	Kind   *openapi.Kind
	Key    Key
	Old    *store.Resource // nil when new
	Sent   map[string]any  // the body as it came
	Object map[string]any  // what will be kept and shown
	Value  any             // typed form of Object, after Parse
	By     By
	// Outcome is known from Guard on.
	Outcome Outcome
	engine  *Engine

	owner      *ApplicationInstance // see ownedBy
	ownerKnown bool
}

// Created says whether the change makes a new resource.
func (c *Change) Created() bool { return c.Old == nil }

// by is the name that the resource shows for who changed it: what a seed
// brings was brought by the root admin.
func (c *Change) by() string {
	if c.By.Name == "" {
		return c.engine.settings.AdminEmail
	}
	return c.By.Name
}

// Outcome is what an upsert did, in the Console's words.
type Outcome string

// The outcomes of an upsert.
const (
	Created    Outcome = "Created"
	Updated    Outcome = "Updated"
	NotChanged Outcome = "NotChanged"
)

// Engine serves the kinds of both documents. It holds no state of a world.
type Engine struct {
	kinds    []*openapi.Kind // in apply order, our own identity kinds first
	rules    map[*openapi.Kind]*Rule
	console  *openapi.Document
	mock     *openapi.Document
	own      map[string]bool // names of our own kinds
	settings Settings
}

// Settings are the choices that rules depend on.
type Settings struct {
	AdminEmail string // the root admin; always a member of the group admin
	RegexFull  bool   // externalGroupRegex must match a whole group name
	Simulate   bool   // figures move with the world's clock
}

// New returns the engine for the two documents.
func New(console, mock *openapi.Document, settings Settings) *Engine {
	e := &Engine{console: console, mock: mock, rules: map[*openapi.Kind]*Rule{}, own: map[string]bool{}, settings: settings}
	rules := rules(settings)
	e.kinds = append(slices.Clone(mock.Kinds()), console.Kinds()...)
	for _, kind := range mock.Kinds() {
		e.own[kind.Name] = true
	}
	for _, kind := range e.kinds {
		rule, ok := rules[kind.Name+"/"+kind.Version]
		if !ok {
			rule, ok = rules[kind.Name]
		}
		if !ok {
			rule = &Rule{}
		}
		e.rules[kind] = rule
	}
	return e
}

// Kinds returns all kinds, our own first, each document's in apply order.
func (e *Engine) Kinds() []*openapi.Kind { return e.kinds }

// Kind finds a kind by the two fields that every document carries.
func (e *Engine) Kind(apiVersion, kind string) (*openapi.Kind, error) {
	if isMock(apiVersion) {
		return e.mock.Kind(apiVersion, kind)
	}
	return e.console.Kind(apiVersion, kind)
}

// Named finds a kind by its name or by that name in kebab case, whatever the
// case; version "" is the newest. The error is an *Error.
func (e *Engine) Named(name, version string) (*openapi.Kind, error) {
	var found *openapi.Kind
	var versions []string
	for _, kind := range e.kinds {
		if !strings.EqualFold(kind.Name, name) && !strings.EqualFold(kind.Kebab, name) {
			continue
		}
		versions = append(versions, kind.Version)
		if version == kind.Version {
			return kind, nil
		}
		if version == "" && (found == nil || kind.Version > found.Version) {
			found = kind
		}
	}
	if found != nil {
		return found, nil
	}
	if versions != nil {
		return nil, &Error{Code: NotFound, Field: "version", Message: fmt.Sprintf("there is no version %q of the kind %s; there is %s", version, name, strings.Join(versions, ", "))}
	}
	names := make([]string, len(e.kinds))
	for i, kind := range e.kinds {
		names[i] = kind.Name
	}
	return nil, &Error{Code: NotFound, Field: "kind", Message: fmt.Sprintf("there is no kind %q; there are %s", name, strings.Join(slices.Compact(names), ", "))}
}

// Rule returns what is special about a kind; never nil.
func (e *Engine) Rule(kind *openapi.Kind) *Rule { return e.rules[kind] }

// Find returns one resource, or the Console's 404 for it.
func (e *Engine) Find(tx *store.Tx, kind *openapi.Kind, key Key) (*store.Resource, error) {
	resource, err := tx.Resource(kind.Name, kind.Version, key.Parents, key.Name)
	if errors.Is(err, store.ErrNotFound) {
		if fixed := e.rules[kind].fixed(key); fixed != nil {
			return fixed, nil
		}
		return nil, absent("metadata.name", "No "+kind.Kebab+" with this technical id exists",
			"%s %s not found", kind.Name, key.Name)
	}
	return resource, err
}

func (r *Rule) fixed(key Key) *store.Resource {
	for _, resource := range r.Fixed {
		if resource.Name == key.Name {
			return resource
		}
	}
	return nil
}

// Present returns the bytes that a reader gets of a resource.
func (e *Engine) Present(kind *openapi.Kind, v View, r *store.Resource) ([]byte, error) {
	if present := e.rules[kind].Present; present != nil {
		v.engine = e
		return present(v, r)
	}
	return r.JSON, nil
}

// CheckParents refuses a path whose parents do not exist.
func (e *Engine) CheckParents(tx *store.Tx, kind *openapi.Kind, parents []string) error {
	for i, field := range kind.Parents {
		var err error
		switch field {
		case "cluster":
			_, err = Cluster(tx, "metadata.cluster", parents[i])
		case "connectCluster":
			_, err = ConnectCluster(tx, "metadata.connectCluster", parents[i-1], parents[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Cluster returns a Kafka cluster, or the 404 that clients look for; field is
// the path that named it.
func Cluster(tx *store.Tx, field, name string) (*store.Resource, error) {
	resource, err := tx.Resource("KafkaCluster", "v2", nil, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, absent(field, "No cluster with this technical id exists", "Cluster %s not found", name)
	}
	return resource, err
}

// ConnectCluster returns a Kafka Connect cluster of a Kafka cluster, or its 404.
func ConnectCluster(tx *store.Tx, field, cluster, name string) (*store.Resource, error) {
	resource, err := tx.Resource("KafkaConnectCluster", "v2", []string{cluster}, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, absent(field, "No kafka-connect-cluster with this technical id exists",
			"Kafka Connect cluster %s not found on cluster %s", name, cluster)
	}
	return resource, err
}

// OwnerKey is the key part of an owner: the resources of a kind with owners
// have names of their own for each. E-mail addresses ignore case.
func OwnerKey(field, name string) string {
	if field == "user" {
		name = strings.ToLower(name)
	}
	return field + ":" + name
}

// ownerIn reads the one owner that metadata of a kind with owners names.
func ownerIn(kind *openapi.Kind, metadata map[string]any) (string, error) {
	var owners, fields []string
	for _, param := range kind.Owner {
		fields = append(fields, "metadata."+param.Name)
		if name := text(metadata, param.Name); name != "" {
			owners = append(owners, OwnerKey(param.Name, name))
		}
	}
	if len(owners) != 1 {
		return "", invalid("metadata", "expected exactly one owner: %s", strings.Join(fields, " or "))
	}
	return owners[0], nil
}

// KeyOf reads the key of a resource body: its parents' fields, or its owner,
// and its name.
func KeyOf(kind *openapi.Kind, object map[string]any) (Key, error) {
	metadata, _ := object["metadata"].(map[string]any)
	key := Key{Parents: make([]string, len(kind.Parents))}
	for i, field := range append(slices.Clone(kind.Parents), "name") {
		value, _ := metadata[field].(string)
		if problem := store.ValidName(value); problem != "" {
			return Key{}, invalid("metadata."+field, "%s", problem)
		}
		if field == "name" {
			key.Name = value
		} else {
			key.Parents[i] = value
		}
	}
	if len(kind.Owner) > 0 {
		owner, err := ownerIn(kind, metadata)
		if err != nil {
			return Key{}, err
		}
		key.Parents = append(key.Parents, owner)
	}
	return key, nil
}

// versionOf finds the version in an apiVersion such as v2 or iam/v2, as clients do.
var versionOf = regexp.MustCompile(`v[0-9]+`)

// Validate checks a body against the kind's schema and its envelope. It needs
// no world. Fields that the Console drops are taken out of the body.
func (e *Engine) Validate(kind *openapi.Kind, object map[string]any) error {
	if drop := e.rules[kind].Drop; drop != nil {
		drop(object)
	}
	if err := FromProblems(kind.Validate(object)); err != nil {
		return err
	}
	// The schema's pattern is not anchored, so it takes v22 for v2.
	if have := text(object, "apiVersion"); versionOf.FindString(have) != kind.Version {
		return invalid("apiVersion", "expected %s, got %q", kind.Version, have)
	}
	return nil
}

// Request is one upsert.
type Request struct {
	Kind       *openapi.Kind
	Object     map[string]any // valid by Validate; not changed
	CreateOnly bool           // refuse an existing resource
	// Allow is asked once the old resource is known; nil allows.
	Allow func(need Need) error
	By    By
}

// Apply upserts one resource in a transaction. The caller commits, or not.
func (e *Engine) Apply(tx *store.Tx, request Request) (*store.Resource, Outcome, error) {
	kind, rule := request.Kind, e.rules[request.Kind]
	key, err := KeyOf(kind, request.Object)
	if err != nil {
		return nil, "", err
	}
	if err := e.CheckParents(tx, kind, key.Parents); err != nil {
		return nil, "", err
	}
	c := &Change{Tx: tx, Kind: kind, Key: key, Sent: request.Object, By: request.By, engine: e}
	c.Old, err = tx.Resource(kind.Name, kind.Version, key.Parents, key.Name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, "", err
	}
	c.Object = kind.StripReadOnly(request.Object)
	plainIntegers(c.Object)
	c.Object["apiVersion"] = e.shownVersion(kind.Name, kind.Version)
	if rule.Managed != nil {
		rule.Managed(c.Object)
	}
	if rule.Prepare != nil {
		rule.Prepare(c.Object)
	}
	if request.Allow != nil {
		if err := request.Allow(rule.needed(c)); err != nil {
			return nil, "", err
		}
	}
	if rule.fixed(key) != nil {
		return nil, "", builtIn(kind, key)
	}
	if request.CreateOnly && c.Old != nil {
		return nil, "", &Error{Code: Conflict, Title: "Resource already exists", Field: "metadata.name",
			Message: fmt.Sprintf("%s %s already exists", kind.Name, key.Name)}
	}
	return e.put(c, rule)
}

func (r *Rule) needed(c *Change) Need {
	access := r.Access.Update
	if c.Created() {
		access = r.Access.Create
	}
	if access == nil {
		return Need{}
	}
	return access(Ask{Tx: c.Tx, Kind: c.Kind, Key: c.Key, Old: c.Old, Object: c.Object, engine: c.engine})
}

func builtIn(kind *openapi.Kind, key Key) error {
	return conflict("metadata.name", "%s %s is built in: it cannot be changed or deleted", kind.Name, key.Name)
}

func (e *Engine) put(c *Change, rule *Rule) (*store.Resource, Outcome, error) {
	if rule.Check != nil {
		if err := rule.Check(c); err != nil {
			return nil, "", err
		}
	}
	c.Outcome = e.compare(c, rule)
	if rule.Guard != nil && c.Outcome != NotChanged {
		if err := rule.Guard(c); err != nil {
			return nil, "", err
		}
	}
	if rule.Show != nil {
		if err := rule.Show(c); err != nil {
			return nil, "", err
		}
	}
	resource, err := e.resource(c, rule)
	if err != nil {
		return nil, "", err
	}
	if c.Outcome == NotChanged {
		resource.UpdatedAt = c.Old.UpdatedAt
	}
	if err := c.Tx.Put(resource); err != nil {
		return nil, "", err
	}
	if rule.Identity && c.Outcome != NotChanged {
		c.Tx.TouchGrants()
	}
	if rule.After != nil && c.Outcome != NotChanged {
		if err := rule.After(c); err != nil {
			return nil, "", err
		}
	}
	return resource, c.Outcome, nil
}

// compare decides by value, since clients send the same thing in many spellings.
func (e *Engine) compare(c *Change, rule *Rule) Outcome {
	if c.Old == nil {
		return Created
	}
	old, object := e.Written(c.Kind, c.Old), c.Object
	if rule.Normalize != nil {
		object = c.Kind.StripReadOnly(object)
		rule.Normalize(old)
		rule.Normalize(object)
	}
	if string(c.Kind.Canonical(old)) == string(c.Kind.Canonical(object)) {
		return NotChanged
	}
	return Updated
}

func (e *Engine) resource(c *Change, rule *Rule) (*store.Resource, error) {
	resource := &store.Resource{
		Kind: c.Kind.Name, Version: c.Kind.Version, Parents: c.Key.Parents, Name: c.Key.Name,
		CreatedAt: c.Tx.Now(), UpdatedAt: c.Tx.Now(),
	}
	if c.Old != nil {
		resource.CreatedAt = c.Old.CreatedAt
	}
	if rule.Parse != nil {
		value, problems := rule.Parse(c.Object)
		if len(problems) == 0 && rule.Settle != nil {
			problems = rule.Settle(c.Tx, c.Object, value)
		}
		if err := FromProblems(problems); err != nil {
			return nil, err
		}
		c.Value, resource.Value = value, value
		if rule.Refs != nil {
			resource.Refs = rule.Refs(value)
		}
	}
	encoded, err := store.EncodeObject(c.Object)
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", c.Kind.Name, c.Key.Name, err)
	}
	resource.JSON = encoded
	return resource, nil
}

// Reshow recomputes what the server sets on a resource after something it
// depends on has changed; what people wrote stays.
func (e *Engine) reshow(tx *store.Tx, old *store.Resource) error {
	kind, err := e.kindOf(old)
	if err != nil {
		return err
	}
	rule := e.rules[kind]
	shown := old.Object()
	object := maps.Clone(shown)
	if rule.Managed != nil {
		rule.Managed(object)
	}
	c := &Change{Tx: tx, Kind: kind, Key: Key{Parents: old.Parents, Name: old.Name}, Old: old,
		Sent: shown, Object: object, Outcome: NotChanged, engine: e}
	if rule.Show != nil {
		if err := rule.Show(c); err != nil {
			return err
		}
	}
	resource, err := e.resource(c, rule)
	if err != nil {
		return err
	}
	resource.UpdatedAt = old.UpdatedAt
	if string(resource.JSON) == string(old.JSON) {
		return nil
	}
	return tx.Put(resource)
}

// Delete removes one resource, or answers the Console's 404 or 409.
func (e *Engine) Delete(tx *store.Tx, kind *openapi.Kind, key Key, allow func(need Need) error) error {
	if err := e.CheckParents(tx, kind, key.Parents); err != nil {
		return err
	}
	rule := e.rules[kind]
	resource, err := tx.Resource(kind.Name, kind.Version, key.Parents, key.Name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if allow != nil {
		// Asked before existence, so that a refused caller learns nothing.
		need := Need{}
		if rule.Access.Delete != nil {
			need = rule.Access.Delete(Ask{Tx: tx, Kind: kind, Key: key, Old: resource, engine: e})
		}
		if err := allow(need); err != nil {
			return err
		}
	}
	if resource == nil {
		if rule.DeletesAbsent {
			return nil
		}
		if _, err := e.Find(tx, kind, key); err != nil {
			return err
		}
		return builtIn(kind, key)
	}
	return e.remove(tx, resource)
}

// remove deletes a resource as its kind demands; it may be refused.
func (e *Engine) remove(tx *store.Tx, r *store.Resource) error {
	kind, err := e.kindOf(r)
	if err != nil {
		return err
	}
	rule := e.rules[kind]
	if rule.Delete != nil {
		if err := rule.Delete(e, tx, r); err != nil {
			return err
		}
	}
	if rule.Identity {
		tx.TouchGrants()
	}
	if err := tx.Delete(r); err != nil {
		return err
	}
	if rule.Deleted != nil {
		return rule.Deleted(e, tx, r)
	}
	return nil
}

// removeAll deletes resources that hang on another one.
func (e *Engine) removeAll(tx *store.Tx, resources []*store.Resource) error {
	for _, r := range resources {
		if err := e.remove(tx, r); err != nil {
			return err
		}
	}
	return nil
}

// rewrite changes a resource because another one changed: object is its whole
// new form.
func (e *Engine) rewrite(tx *store.Tx, old *store.Resource, object map[string]any) error {
	kind, err := e.kindOf(old)
	if err != nil {
		return err
	}
	resource, err := e.resource(&Change{Tx: tx, Kind: kind, Key: Key{Parents: old.Parents, Name: old.Name},
		Old: old, Object: object, Outcome: Updated, engine: e}, e.rules[kind])
	if err != nil {
		return err
	}
	if e.rules[kind].Identity {
		tx.TouchGrants()
	}
	return tx.Put(resource)
}

func (e *Engine) kindOf(r *store.Resource) (*openapi.Kind, error) {
	return e.Kind(e.shownVersion(r.Kind, r.Version), r.Kind)
}

// Written returns a resource as people would write it: without what the server
// sets. The caller owns the result.
func (e *Engine) Written(kind *openapi.Kind, r *store.Resource) map[string]any {
	object := kind.StripReadOnly(r.Object())
	if managed := e.rules[kind].Managed; managed != nil {
		managed(object)
	}
	return object
}
