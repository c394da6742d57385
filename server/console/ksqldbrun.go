package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/ksql"
	"github.com/mockduktor/mockduktor/server/store"
)

// badKsql refuses a statement.
func badKsql(format string, args ...any) error {
	return &kinds.Error{Code: kinds.Invalid, Field: "ksql", Message: fmt.Sprintf(format, args...)}
}

func parseKsql(body map[string]any) ([]ksql.Statement, error) {
	statements, err := ksql.Parse(text(body["ksql"]))
	if err != nil {
		return nil, badKsql("Invalid value for: body (%s at 'ksql')", err)
	}
	return statements, nil
}

// runKsqlQuery refuses every query, good or bad, with what stands in its way.
func runKsqlQuery(c *call) error {
	body, err := c.input()
	if err != nil {
		return err
	}
	k, err := c.ksqlDBIn(c.World.View())
	if err != nil {
		return err
	}
	statements, err := parseKsql(body)
	if err != nil {
		return err
	}
	if len(statements) > 1 {
		return badKsql("Expected one query, got %d statements", len(statements))
	}
	switch one := statements[0].(type) {
	case *ksql.Select:
		if err := k.known(one.Query); err != nil {
			return err
		}
		return needsKsqlEngine("Running a SELECT")
	case *ksql.Other:
		if one.Verb == "PRINT" {
			return needsKsqlEngine("Running a PRINT")
		}
	}
	return badKsql("Expected a SELECT: other statements go to …/statements")
}

// runKsqlStatements carries the statements out one after the other; if one
// cannot be, none is.
func runKsqlStatements(c *call) error {
	body, err := c.input()
	if err != nil {
		return err
	}
	return c.changeKsqlDB(func(k *ksqlDB) error {
		statements, err := parseKsql(body)
		if err != nil {
			return err
		}
		for _, statement := range statements {
			if err := k.run(statement); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *call) changeKsqlDB(change func(k *ksqlDB) error) error {
	err := c.World.Update(func(tx *store.Tx) error {
		k, err := c.ksqlDBIn(tx)
		if err != nil {
			return err
		}
		return change(k)
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

func (c *call) dropKsqlSource(sort string) error {
	return c.changeKsqlDB(func(k *ksqlDB) error {
		name, err := k.param("sourceName")
		if err != nil {
			return err
		}
		source := k.source(name)
		if source == nil {
			return noKsqlSource(name)
		}
		return k.drop(&ksql.Drop{Type: sort, Name: source.Name})
	})
}

func stopKsqlQuery(c *call) error {
	return c.changeKsqlDB(func(k *ksqlDB) error {
		id, err := k.param("queryId")
		if err != nil {
			return err
		}
		query := k.query(id)
		if query == nil {
			return noKsqlQuery(id)
		}
		return k.remove(kinds.KsqlDBQueryKind, query.ID)
	})
}

func (k *ksqlDB) run(statement ksql.Statement) error {
	switch one := statement.(type) {
	case *ksql.Create:
		return k.create(one)
	case *ksql.Insert:
		return k.insert(one)
	case *ksql.Drop:
		return k.drop(one)
	case *ksql.Alter:
		return k.alter(one)
	case *ksql.Control:
		return k.control(one)
	case *ksql.Look:
		if one.Name != "" && k.exact(one.Name) == nil {
			return badKsql("Could not find the stream or table %s", one.Name)
		}
		return nil // it changes nothing, and the answer of this operation is empty
	case *ksql.Select:
		return badKsql("A SELECT goes to …/queries")
	case *ksql.Other:
		return needsKsqlEngine("The statement " + one.Verb)
	}
	return fmt.Errorf("statement of type %T", statement)
}

// known refuses a query over what does not exist.
func (k *ksqlDB) known(query *ksql.Query) error {
	for _, from := range query.From {
		if k.exact(from.Name) == nil {
			return badKsql("%s does not exist", from.Name)
		}
	}
	return nil
}

func (k *ksqlDB) create(create *ksql.Create) error {
	existing := k.exact(create.Name)
	switch {
	case existing != nil && create.IfNotExists:
		return nil
	case existing != nil && !create.Replace:
		return badKsql("Cannot add %s %s: a %s with the same name already exists",
			strings.ToLower(create.Type), create.Name, strings.ToLower(existing.Type))
	case existing != nil && existing.Type != create.Type:
		return badKsql("Cannot replace %s: it is a %s", create.Name, strings.ToLower(existing.Type))
	}
	source := &kinds.KsqlDBSource{Name: create.Name, Type: create.Type, Statement: create.Text()}
	var err error
	if create.Query != nil {
		err = k.fromQuery(create, source)
	} else {
		err = k.fromColumns(create, source)
	}
	if err != nil {
		return err
	}
	if err := k.putSource(source); err != nil {
		return err
	}
	if create.Query == nil {
		if existing != nil {
			return k.terminate(k.made(create.Name))
		}
		return nil
	}
	return k.startQuery(create, existing != nil)
}

// exact is source for a name that a statement has already read.
func (k *ksqlDB) exact(name string) *kinds.KsqlDBSource {
	resource, err := k.tx.Resource(kinds.KsqlDBSourceKind, "v1", k.parents(), name)
	if err != nil {
		return nil
	}
	return resource.Value.(*kinds.KsqlDBSource)
}

func (k *ksqlDB) fromColumns(create *ksql.Create, source *kinds.KsqlDBSource) error {
	properties := create.Properties
	source.Topic = properties["KAFKA_TOPIC"]
	if source.Topic == "" {
		return badKsql("Missing required property KAFKA_TOPIC, which has no default value")
	}
	source.KeyFormat = strings.ToUpper(firstOf(properties["KEY_FORMAT"], properties["FORMAT"], "KAFKA"))
	source.ValueFormat = strings.ToUpper(firstOf(properties["VALUE_FORMAT"], properties["FORMAT"]))
	if source.ValueFormat == "" {
		return badKsql("Missing required property VALUE_FORMAT, which has no default value")
	}
	if len(create.Columns) == 0 {
		return badKsql("The statement defines no columns: name them, since reading them out of a schema registry takes a ksqlDB server")
	}
	window := strings.ToUpper(properties["WINDOW_TYPE"])
	if window != "" && !slices.Contains([]string{"TUMBLING", "HOPPING", "SESSION"}, window) {
		return badKsql("Expected TUMBLING, HOPPING or SESSION as WINDOW_TYPE, got %s", window)
	}
	source.WindowType = window
	primary := false
	for _, column := range create.Columns {
		switch {
		case column.Key == "PRIMARY KEY" && create.Type == ksql.Stream:
			return badKsql("Column %s is a PRIMARY KEY column: use KEY for streams", column.Name)
		case column.Key == "KEY" && create.Type == ksql.Table:
			return badKsql("Column %s is a KEY column: use PRIMARY KEY for tables", column.Name)
		}
		primary = primary || column.Key == "PRIMARY KEY"
	}
	if create.Type == ksql.Table && !primary {
		return badKsql("Tables require a PRIMARY KEY: define one")
	}
	source.Fields = fieldsOf(create.Columns)
	return k.topic(source.Topic, properties["PARTITIONS"], firstOf(properties["REPLICAS"], "1"))
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func fieldsOf(columns []ksql.Column) []kinds.KsqlDBField {
	var fields []kinds.KsqlDBField
	for _, column := range columns {
		fields = append(fields, kinds.KsqlDBField{Name: column.Name, Type: column.Type.Name, Fields: fieldsOf(column.Type.Fields)})
	}
	return fields
}

func (k *ksqlDB) fromQuery(create *ksql.Create, source *kinds.KsqlDBSource) error {
	if err := k.known(create.Query); err != nil {
		return err
	}
	first, properties := k.exact(create.Query.From[0].Name), create.Properties
	makes := first.Type
	if create.Query.Aggregates {
		makes = ksql.Table
	}
	if makes != create.Type {
		return badKsql("The SELECT produces a %s: use CREATE %s AS SELECT", makes, makes)
	}
	source.Topic = firstOf(properties["KAFKA_TOPIC"], create.Name)
	source.KeyFormat = strings.ToUpper(firstOf(properties["KEY_FORMAT"], properties["FORMAT"], first.KeyFormat))
	source.ValueFormat = strings.ToUpper(firstOf(properties["VALUE_FORMAT"], properties["FORMAT"], first.ValueFormat))
	source.WindowType = create.Query.Window
	if source.WindowType == "" && !create.Query.Aggregates {
		source.WindowType = first.WindowType
	}
	fields, err := k.selected(create.Query)
	if err != nil {
		return err
	}
	source.Fields = fields
	partitions, replicas := "1", "1"
	if topic, err := k.tx.Resource("Topic", "v2", []string{k.cluster}, first.Topic); err == nil {
		like := topic.Value.(*kinds.Topic)
		partitions, replicas = fmt.Sprint(like.Partitions), fmt.Sprint(like.ReplicationFactor)
	}
	return k.topic(source.Topic, firstOf(properties["PARTITIONS"], partitions), firstOf(properties["REPLICAS"], replicas))
}

// selected are the columns that a query makes; nil if one of them is an
// expression, whose type only a ksqlDB server works out, or if the columns of
// what it reads are unknown.
func (k *ksqlDB) selected(query *ksql.Query) ([]kinds.KsqlDBField, error) {
	var fields []kinds.KsqlDBField
	unknown := false
	for _, item := range query.Items {
		var from []*kinds.KsqlDBSource
		for _, source := range query.From {
			if item.From == "" || item.From == source.Alias || item.From == source.Name {
				from = append(from, k.exact(source.Name))
			}
		}
		switch {
		case item.From != "" && len(from) == 0:
			return nil, badKsql("%s is neither a source of the query nor its alias", item.From)
		case item.Star:
			for _, source := range from {
				unknown = unknown || len(source.Fields) == 0
				for _, field := range source.Fields {
					if len(query.From) > 1 && item.From == "" {
						field.Name = query.From[slices.Index(from, source)].Alias + "_" + field.Name // ksqlDB's naming in joins
					}
					fields = append(fields, field)
				}
			}
		case item.Count:
			fields = append(fields, kinds.KsqlDBField{Name: item.As, Type: "BIGINT"})
			unknown = unknown || item.As == ""
		case item.Column != "":
			field, known := columnIn(from, item.Column)
			if known && field.Name == "" {
				return nil, badKsql("Column %s cannot be resolved", item.Column)
			}
			unknown = unknown || !known
			field.Name = firstOf(item.As, item.Column)
			fields = append(fields, field)
		default:
			unknown = true
		}
	}
	if unknown {
		return nil, nil
	}
	return fields, nil
}

// pseudo are the columns that every source has beside its own.
var pseudo = map[string]string{"ROWTIME": "BIGINT", "ROWPARTITION": "INTEGER", "ROWOFFSET": "BIGINT",
	"WINDOWSTART": "BIGINT", "WINDOWEND": "BIGINT"}

// columnIn finds a column; known is false where the columns of a source are not.
func columnIn(from []*kinds.KsqlDBSource, name string) (field kinds.KsqlDBField, known bool) {
	if of, ok := pseudo[name]; ok {
		return kinds.KsqlDBField{Name: name, Type: of}, true
	}
	known = true
	for _, source := range from {
		known = known && len(source.Fields) > 0
		for _, field := range source.Fields {
			if field.Name == name {
				return field, true
			}
		}
	}
	return kinds.KsqlDBField{}, known
}

// topic makes sure that a topic is there, as ksqlDB does with its own rights.
func (k *ksqlDB) topic(name, partitions, replicas string) error {
	if _, err := k.tx.Resource("Topic", "v2", []string{k.cluster}, name); err == nil {
		return nil
	}
	if partitions == "" {
		return badKsql("Kafka topic %s does not exist on cluster %s: name one that does, or give PARTITIONS to have it created", name, k.cluster)
	}
	kind, err := k.Engine.Kind("v2", "Topic")
	if err != nil {
		return err
	}
	counts := map[string]any{}
	for field, value := range map[string]string{"partitions": partitions, "replicationFactor": replicas} {
		count := number(value)
		if count == nil || *count < 1 || *count > 1<<15 {
			return badKsql("Expected a number of %s of at least 1 for topic %s, got %s", field, name, value)
		}
		counts[field] = *count
	}
	created := map[string]any{"apiVersion": "v2", "kind": "Topic",
		"metadata": map[string]any{"name": name, "cluster": k.cluster}, "spec": counts}
	if err := k.Engine.Validate(kind, created); err != nil {
		return err
	}
	_, _, err = k.Engine.Apply(k.tx, kinds.Request{Kind: kind, Object: created, By: k.by()})
	return err
}

func (k *ksqlDB) kind(name string) (*openapi.Kind, error) {
	return k.Engine.Kind("mockduktor/v1", name)
}

func (k *ksqlDB) put(kindName, name string, spec map[string]any) error {
	kind, err := k.kind(kindName)
	if err != nil {
		return err
	}
	if problem := store.ValidName(name); problem != "" {
		return badKsql("The name %q %s", name, problem)
	}
	return k.keep(k.tx, kind, map[string]any{"cluster": k.cluster, "ksqlDB": k.server.Name, "name": name}, spec)
}

func (k *ksqlDB) putSource(source *kinds.KsqlDBSource) error {
	spec := map[string]any{"type": source.Type, "topic": source.Topic, "keyFormat": source.KeyFormat,
		"valueFormat": source.ValueFormat, "statement": source.Statement}
	if source.WindowType != "" {
		spec["windowType"] = source.WindowType
	}
	if len(source.Statistics) > 0 {
		statistics := map[string]any{}
		for name, value := range source.Statistics {
			statistics[name] = value
		}
		spec["statistics"] = statistics
	}
	if len(source.Fields) > 0 {
		spec["fields"] = fieldObjects(source.Fields)
	}
	return k.put(kinds.KsqlDBSourceKind, source.Name, spec)
}

func fieldObjects(fields []kinds.KsqlDBField) []any {
	list := make([]any, len(fields))
	for i, field := range fields {
		one := map[string]any{"name": field.Name, "type": field.Type}
		if len(field.Fields) > 0 {
			one["fields"] = fieldObjects(field.Fields)
		}
		list[i] = one
	}
	return list
}

func (k *ksqlDB) putQuery(query *kinds.KsqlDBQuery) error {
	spec := map[string]any{"statement": query.Statement, "sources": anys(query.Sources), "sinks": anys(query.Sinks),
		"queryType": query.QueryType, "state": query.State}
	if query.Topology != "" {
		spec["topology"] = query.Topology
	}
	if query.ExecutionPlan != "" {
		spec["executionPlan"] = query.ExecutionPlan
	}
	return k.put(kinds.KsqlDBQueryKind, query.ID, spec)
}

func anys(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

// prefixes of the ids of queries that were made with their sink.
var prefixes = map[string]string{ksql.Stream: "CSAS_", ksql.Table: "CTAS_"}

// made are the queries that CREATE … AS SELECT made together with a source.
func (k *ksqlDB) made(source string) []*kinds.KsqlDBQuery {
	return slices.DeleteFunc(k.writers(source), func(q *kinds.KsqlDBQuery) bool {
		return !strings.HasPrefix(q.ID, prefixes[ksql.Stream]+source+"_") && !strings.HasPrefix(q.ID, prefixes[ksql.Table]+source+"_")
	})
}

func (k *ksqlDB) startQuery(create *ksql.Create, replace bool) error {
	id := ""
	if replace {
		before := k.made(create.Name)
		if len(before) > 0 {
			id = before[0].ID // a replaced query keeps its id
		}
		if err := k.terminate(before); err != nil {
			return err
		}
	}
	if id == "" {
		number, err := k.tx.NextID()
		if err != nil {
			return err
		}
		id = fmt.Sprintf("%s%s_%d", prefixes[create.Type], create.Name, number)
	}
	return k.putQuery(&kinds.KsqlDBQuery{ID: id, Statement: create.Text(), Sources: k.read(create.Query),
		Sinks: []string{create.Name}, QueryType: "PERSISTENT", State: kinds.QueryRunning})
}

// read are the names of what a query reads, each once.
func (k *ksqlDB) read(query *ksql.Query) []string {
	var names []string
	for _, from := range query.From {
		if name := from.Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (k *ksqlDB) insert(insert *ksql.Insert) error {
	into := k.exact(insert.Into)
	switch {
	case into == nil:
		return badKsql("%s does not exist", insert.Into)
	case into.Type == ksql.Table:
		return badKsql("INSERT INTO can only be used to insert into a stream: %s is a table", into.Name)
	}
	if err := k.known(insert.Query); err != nil {
		return err
	}
	if insert.Query.Aggregates || k.exact(insert.Query.From[0].Name).Type == ksql.Table {
		return badKsql("The SELECT produces a TABLE: only a stream can be inserted into %s", into.Name)
	}
	number, err := k.tx.NextID()
	if err != nil {
		return err
	}
	return k.putQuery(&kinds.KsqlDBQuery{ID: fmt.Sprintf("INSERTQUERY_%d", number), Statement: insert.Text(),
		Sources: k.read(insert.Query), Sinks: []string{into.Name}, QueryType: "PERSISTENT", State: kinds.QueryRunning})
}

// drop ends the query that made the source; any other that uses it stands in
// the way.
func (k *ksqlDB) drop(drop *ksql.Drop) error {
	source := k.exact(drop.Name)
	switch {
	case source == nil && drop.IfExists:
		return nil
	case source == nil:
		return badKsql("%s %s does not exist", drop.Type, drop.Name)
	case source.Type != drop.Type:
		return badKsql("%s is a %s, not a %s", source.Name, strings.ToLower(source.Type), strings.ToLower(drop.Type))
	}
	made := k.made(source.Name)
	uses := func(queries []*kinds.KsqlDBQuery) string {
		var ids []string
		for _, query := range queries {
			if !slices.Contains(made, query) {
				ids = append(ids, query.ID)
			}
		}
		return strings.Join(ids, ", ")
	}
	readers, writers := uses(k.readers(source.Name)), uses(k.writers(source.Name))
	if readers != "" || writers != "" {
		return badKsql("Cannot drop %s: queries that read from it: [%s], queries that write into it: [%s]; terminate them first", source.Name, readers, writers)
	}
	if err := k.terminate(made); err != nil {
		return err
	}
	if err := k.remove(kinds.KsqlDBSourceKind, source.Name); err != nil {
		return err
	}
	if !drop.DeleteTopic {
		return nil
	}
	if _, err := k.tx.Resource("Topic", "v2", []string{k.cluster}, source.Topic); err != nil {
		return nil // it has gone already
	}
	kind, err := k.Engine.Kind("v2", "Topic")
	if err != nil {
		return err
	}
	return k.Engine.Delete(k.tx, kind, kinds.Key{Parents: []string{k.cluster}, Name: source.Topic}, nil)
}

func (k *ksqlDB) remove(kindName, name string) error {
	kind, err := k.kind(kindName)
	if err != nil {
		return err
	}
	return k.Engine.Delete(k.tx, kind, kinds.Key{Parents: k.parents(), Name: name}, nil)
}

func (k *ksqlDB) terminate(queries []*kinds.KsqlDBQuery) error {
	for _, query := range queries {
		if err := k.remove(kinds.KsqlDBQueryKind, query.ID); err != nil {
			return err
		}
	}
	return nil
}

func (k *ksqlDB) alter(alter *ksql.Alter) error {
	source := k.exact(alter.Name)
	switch {
	case source == nil:
		return badKsql("%s %s does not exist", alter.Type, alter.Name)
	case source.Type != alter.Type:
		return badKsql("%s is a %s, not a %s", source.Name, strings.ToLower(source.Type), strings.ToLower(alter.Type))
	case len(k.made(source.Name)) > 0:
		return badKsql("%s was made by a query: use CREATE OR REPLACE to change its columns", source.Name)
	}
	changed := *source
	changed.Fields = slices.Clone(source.Fields)
	for _, field := range fieldsOf(alter.Add) {
		if slices.ContainsFunc(changed.Fields, func(other kinds.KsqlDBField) bool { return other.Name == field.Name }) {
			return badKsql("Cannot add column %s to %s: it has one of that name", field.Name, source.Name)
		}
		changed.Fields = append(changed.Fields, field)
	}
	return k.putSource(&changed)
}

func (k *ksqlDB) control(control *ksql.Control) error {
	queries := k.queries()
	if control.Query != "" {
		one := k.query(control.Query)
		if one == nil {
			return badKsql("Unknown query %s", control.Query)
		}
		queries = []*kinds.KsqlDBQuery{one}
	}
	if control.Verb == "TERMINATE" {
		return k.terminate(queries)
	}
	state := kinds.QueryRunning
	if control.Verb == "PAUSE" {
		state = kinds.QueryPaused
	}
	for _, query := range queries {
		changed := *query
		changed.State = state
		if err := k.putQuery(&changed); err != nil {
			return err
		}
	}
	return nil
}
