package kinds

import (
	"errors"
	"slices"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// The kinds of what a ksqlDB cluster holds.
const (
	KsqlDBSourceKind = "KsqlDBSource"
	KsqlDBQueryKind  = "KsqlDBQuery"
)

// States of a ksqlDB query.
const (
	QueryRunning = "RUNNING"
	QueryPaused  = "PAUSED"
)

// KsqlDBSource is the typed form of a stream or table.
type KsqlDBSource struct {
	Name        string
	Type        string // STREAM or TABLE
	Topic       string
	KeyFormat   string
	ValueFormat string
	WindowType  string // "" if not windowed
	Statement   string
	Statistics  map[string]float64
	Fields      []KsqlDBField // nil if unknown
}

// KsqlDBField is a column of a source, or a part of a structure.
type KsqlDBField struct {
	Name   string        `json:"name"`
	Type   string        `json:"type"`
	Fields []KsqlDBField `json:"fields,omitempty"`
}

// KsqlDBQuery is the typed form of a query that runs.
type KsqlDBQuery struct {
	ID            string
	Statement     string
	Sources       []string
	Sinks         []string
	QueryType     string
	State         string
	Topology      string
	ExecutionPlan string
}

// KsqlDBCluster returns a ksqlDB cluster of a Kafka cluster, or its 404; field
// is the path that named it.
func KsqlDBCluster(tx *store.Tx, field, cluster, name string) (*store.Resource, error) {
	resource, err := tx.Resource("KsqlDBCluster", "v2", []string{cluster}, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, absent(field, "No ksqldb-cluster with this technical id exists",
			"ksqlDB cluster %s not found on cluster %s", name, cluster)
	}
	return resource, err
}

func checkKsqlDB(c *Change) error {
	_, err := KsqlDBCluster(c.Tx, "metadata.ksqlDB", c.Key.Parents[0], c.Key.Parents[1])
	return err
}

func ksqlDBSourceRule() *Rule {
	return &Rule{
		Check: checkKsqlDB,
		Delete: func(_ *Engine, tx *store.Tx, r *store.Resource) error {
			for resource := range tx.Resources(KsqlDBQueryKind, "v1", r.Parents, "") {
				query := resource.Value.(*KsqlDBQuery)
				if slices.Contains(query.Sources, r.Name) || slices.Contains(query.Sinks, r.Name) {
					return conflict("metadata.name", "Cannot delete %s because the query %s uses it", r.Name, query.ID)
				}
			}
			return nil
		},
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			value, problems := typed[struct {
				Metadata struct{ Name string }
				Spec     KsqlDBSource
			}](object)
			if len(problems) > 0 {
				return nil, problems
			}
			source := value.Spec
			source.Name = value.Metadata.Name
			if source.KeyFormat == "" {
				source.KeyFormat = "KAFKA" // ksqlDB's default
			}
			if source.ValueFormat == "" {
				source.ValueFormat = "JSON"
			}
			return &source, nil
		},
	}
}

func ksqlDBQueryRule() *Rule {
	return &Rule{
		Check: func(c *Change) error {
			if err := checkKsqlDB(c); err != nil {
				return err
			}
			spec := part(c.Object, "spec")
			for _, field := range []string{"sources", "sinks"} {
				for i, name := range texts(spec, field) {
					_, err := c.Tx.Resource(KsqlDBSourceKind, "v1", c.Key.Parents, name)
					if errors.Is(err, store.ErrNotFound) {
						return absent(index("spec."+field, i), "", "%s %s not found in ksqlDB cluster %s", KsqlDBSourceKind, name, c.Key.Parents[1])
					}
					if err != nil {
						return err
					}
				}
			}
			return nil
		},
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			value, problems := typed[struct {
				Metadata struct{ Name string }
				Spec     KsqlDBQuery
			}](object)
			if len(problems) > 0 {
				return nil, problems
			}
			query := value.Spec
			query.ID = value.Metadata.Name
			if query.QueryType == "" {
				query.QueryType = "PERSISTENT"
			}
			if query.State == "" {
				query.State = QueryRunning
			}
			return &query, nil
		},
	}
}

// clearKsqlDB removes what a ksqlDB cluster held, when the cluster goes.
func clearKsqlDB(e *Engine, tx *store.Tx, r *store.Resource) error {
	below := []string{r.Parents[0], r.Name}
	for _, kind := range []string{KsqlDBQueryKind, KsqlDBSourceKind} {
		if err := e.removeAll(tx, slices.Collect(tx.Resources(kind, "v1", below, ""))); err != nil {
			return err
		}
	}
	return nil
}
