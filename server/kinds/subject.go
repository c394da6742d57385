package kinds

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// Subject is the typed form of a schema under a name, of a registry with
// Confluent's API.
type Subject struct {
	Cluster     string
	ID          int // the registry's number for the schema
	Version     int // grows with every new schema
	fingerprint string
	references  []schemaReference
}

type schemaReference struct {
	Name    string
	Subject string
	Version int
}

// Relations of subjects: the schema that one has, its id, and the subjects that
// it refers to.
const (
	refSchema    = "schema"
	refSchemaID  = "schema-id"
	refReference = "schema-reference"
)

func subjectRule() *Rule {
	ownerLabels := showOwnerLabels(rbac.ResourceSubject)
	return &Rule{
		Access: schemaAccess(),
		Check: func(c *Change) error {
			if err := checkFormerLabels(c); err != nil {
				return err
			}
			if err := checkRegistry(c, registryConfluent); err != nil {
				return err
			}
			return checkSubject(c)
		},
		Guard: guardByPolicies(rbac.ResourceSubject),
		Show: func(c *Change) error {
			if err := numberSubject(c); err != nil {
				return err
			}
			return ownerLabels(c)
		},
		Managed:   dropOwnerLabels,
		Normalize: normalizeSchema,
		Parse:     parseSubject,
		Refs: func(value any) []string {
			subject := value.(*Subject)
			refs := []string{store.Ref(refSchema, subject.Cluster+"/"+subject.fingerprint), schemaIDRef(subject.Cluster, subject.ID)}
			for _, reference := range subject.references {
				refs = append(refs, store.Ref(refReference, subject.Cluster+"/"+reference.Subject))
			}
			return refs
		},
		Delete: func(_ *Engine, tx *store.Tx, r *store.Resource) error {
			for referrer := range tx.Referrers(store.Ref(refReference, r.Parents[0]+"/"+r.Name)) {
				if referrer.Name != r.Name {
					return conflict("metadata.name", "Cannot delete %s because the schema of the subject %s refers to it", r.Name, referrer.Name)
				}
			}
			return nil
		},
	}
}

// schemaAccess is who may do what with subjects, and with the schemas of Glue,
// which have no permissions of their own.
func schemaAccess() Access {
	return Access{
		Read:        onNamed(rbac.ResourceSubject, rbac.SubjectView),
		Create:      onNamed(rbac.ResourceSubject, rbac.SubjectCreateUpdate),
		Update:      updateSchema,
		Delete:      onNamed(rbac.ResourceSubject, rbac.SubjectDelete),
		Spans:       spansOf(rbac.ResourceSubject, rbac.SubjectView),
		InstanceKey: true,
	}
}

// updateSchema: changing the compatibility takes a permission of its own.
func updateSchema(ask Ask) Need {
	write := onNamed(rbac.ResourceSubject, rbac.SubjectCreateUpdate)(ask)
	old, object := ask.engine.Written(ask.Kind, ask.Old), ask.Kind.StripReadOnly(ask.Object)
	before, after := part(old, "spec"), part(object, "spec")
	if text(before, "compatibility") == text(after, "compatibility") {
		return write
	}
	compatibility := onNamed(rbac.ResourceSubject, rbac.SubjectEditCompatibility)(ask)
	delete(before, "compatibility")
	delete(after, "compatibility")
	normalizeSchema(old)
	normalizeSchema(object)
	if string(ask.Kind.Canonical(old)) == string(ask.Kind.Canonical(object)) {
		return compatibility
	}
	return both(write, compatibility)
}

func checkSubject(c *Change) error {
	spec := part(c.Object, "spec")
	known := map[string]bool{}
	list, _ := spec["references"].([]any)
	for i, item := range list {
		reference, _ := item.(map[string]any)
		path, name := index("spec.references", i), text(reference, "subject")
		known[text(reference, "name")] = true
		r, err := c.Tx.Resource("Subject", "v2", c.Key.Parents, name)
		// A seed is one world: its subjects come in any order and have no versions yet.
		seed := c.By == By{}
		if errors.Is(err, store.ErrNotFound) {
			if seed {
				known[anyType] = true
				continue
			}
			return absent(path+".subject", "", "Subject %s not found on cluster %s", name, c.Key.Parents[0])
		}
		if err != nil {
			return err
		}
		version, err := integerOf(reference["version"])
		if newest := r.Value.(*Subject).Version; !seed && (err != nil || version < 1 || version > int64(newest)) {
			return absent(path+".version", "", "Subject %s has no version %v; the newest is %d", name, reference["version"], newest)
		}
		schema := part(r.Object(), "spec")
		if value, wrong := schemaJSON(text(schema, "schema")); wrong == "" && text(schema, "format") == formatAvro {
			for _, name := range avroNames(value) {
				known[name] = true
			}
		}
	}
	return checkSchemaField(c, known)
}

func checkSchemaField(c *Change, known map[string]bool) error {
	spec := part(c.Object, "spec")
	if wrong := checkSchema(text(spec, "format"), text(spec, "schema"), known); wrong != "" {
		return invalid("spec.schema", "expected a schema of the format %s, but %s", text(spec, "format"), wrong)
	}
	return nil
}

// numberSubject sets id and version as a registry does: the same schema has the
// same id wherever it is, and a new one makes a new version.
func numberSubject(c *Change) error {
	spec := part(c.Object, "spec")
	fingerprint, err := schemaFingerprint(spec)
	if err != nil {
		return err
	}
	id, version := 0, 1
	if c.Old != nil {
		old := c.Old.Value.(*Subject)
		version = old.Version
		if old.fingerprint == fingerprint {
			id = old.ID
		} else {
			version++
		}
	}
	if id == 0 {
		id = schemaID(c.Tx, c.Key.Parents[0], fingerprint)
	}
	spec["id"], spec["version"] = wholeJSON(id), wholeJSON(version)
	return nil
}

// schemaIDs is how many ids there are.
const schemaIDs = 100_000_000

// schemaID derives the id from the schema, so that the same seed gives the same
// ids whatever its order; where two schemas meet, the later takes the next free one.
func schemaID(tx *store.Tx, cluster, fingerprint string) int {
	for other := range tx.Referrers(store.Ref(refSchema, cluster+"/"+fingerprint)) {
		return other.Value.(*Subject).ID
	}
	hash := fnv.New64a()
	hash.Write([]byte(fingerprint))
	id := int(hash.Sum64()%(schemaIDs-1)) + 1
	for taken(tx, cluster, id) {
		id = id%(schemaIDs-1) + 1
	}
	return id
}

func taken(tx *store.Tx, cluster string, id int) bool {
	for range tx.Referrers(schemaIDRef(cluster, id)) {
		return true
	}
	return false
}

func schemaIDRef(cluster string, id int) string {
	return store.Ref(refSchemaID, fmt.Sprintf("%s/%d", cluster, id))
}

func parseSubject(object map[string]any) (any, []openapi.Problem) {
	value, problems := typed[struct {
		Metadata struct{ Cluster string }
		Spec     struct {
			ID, Version int
			References  []schemaReference
		}
	}](object)
	if len(problems) > 0 {
		return nil, problems
	}
	fingerprint, err := schemaFingerprint(part(object, "spec"))
	if err != nil {
		return nil, []openapi.Problem{{Path: "spec", Expected: err.Error()}}
	}
	return &Subject{Cluster: value.Metadata.Cluster, ID: value.Spec.ID, Version: value.Spec.Version,
		fingerprint: fingerprint, references: value.Spec.References}, nil
}

// registryType is the type of a cluster's schema registry.
type registryType string

// The types of schema registries.
const (
	registryConfluent registryType = "ConfluentLike"
	registryGlue      registryType = "Glue"
)

// checkRegistry refuses the kind of the other registry. Subjects are also taken
// on a cluster that names no registry: many people leave it out of their seeds.
func checkRegistry(c *Change, want registryType) error {
	cluster, err := Cluster(c.Tx, "metadata.cluster", c.Key.Parents[0])
	if err != nil {
		return err
	}
	have := cluster.Value.(*KafkaCluster).Registry
	switch {
	case have == want, have == "" && want == registryConfluent:
		return nil
	case have == registryGlue:
		return conflict("metadata.cluster", "the schema registry of cluster %s is of type Glue: use the kind GlueSchema", cluster.Name)
	case have == registryConfluent:
		return conflict("metadata.cluster", "the schema registry of cluster %s is of type ConfluentLike: use the kind Subject", cluster.Name)
	}
	return conflict("metadata.cluster", "cluster %s has no schema registry of type Glue (spec.schemaRegistry)", cluster.Name)
}

func wholeJSON(number int) json.Number { return json.Number(fmt.Sprint(number)) }

func integerOf(value any) (int64, error) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, fmt.Errorf("%v is no number", value)
	}
	return number.Int64()
}
