package console

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/pgsql"
	"github.com/mockduktor/mockduktor/server/store"
)

// Tables are as the product stores indexed topics (Console documentation,
// configure SQL, database storage format): named after cluster and topic, with
// columns of the record itself and one for each field of its flattened value.

// topicNeed lets somebody see the table of a topic (Console 1.30).
func topicNeed(cluster, topic string) kinds.Need {
	return kinds.Need{Grant: rbac.Need{Resource: rbac.ResourceTopic, Cluster: cluster, Name: topic,
		AnyOf: []rbac.Permission{rbac.TopicViewConfig, rbac.TopicConsume, rbac.TopicProduce}}}
}

// sqlCatalog is every table there is, and what would be one if it had records.
type sqlCatalog struct {
	tables []*sqlTable
	byName map[string]*sqlTable
	empty  map[string]*sqlTable
}

type sqlTable struct {
	name, cluster, topic string
	retention            int64 // seconds
	records              []kinds.TopicRecord
	columns              []sqlColumn
}

// sqlColumn is a column made of a field of the value.
type sqlColumn struct {
	Name  string `json:"columnName"`
	Type  string `json:"columnType"`
	field string
	class valueClass
}

// sqlCatalogOf makes the tables of the topics that are indexed and have records
// within their retention. Names that two topics share get a number.
func sqlCatalogOf(tx *store.Tx, now time.Time) *sqlCatalog {
	catalog := &sqlCatalog{byName: map[string]*sqlTable{}, empty: map[string]*sqlTable{}}
	for resource := range tx.Resources(kinds.TopicRecordsKind, "v1", nil, "") {
		table := &sqlTable{cluster: resource.Parents[0], topic: resource.Name}
		var indexed bool
		if table.retention, indexed = indexedFor(tx, table.cluster, table.topic); !indexed {
			continue
		}
		table.name = table.cluster + "_" + table.topic
		for _, record := range resource.Value.(*kinds.TopicRecords).Records {
			if now.Sub(record.Timestamp).Seconds() <= float64(table.retention) && flattens(record.Value) {
				table.records = append(table.records, record)
			}
		}
		if len(table.records) == 0 {
			catalog.empty[table.name] = table
			continue
		}
		table.name = freeName(table.name, func(name string) bool { return catalog.byName[name] != nil })
		table.findColumns()
		catalog.byName[table.name] = table
		catalog.tables = append(catalog.tables, table)
	}
	return catalog
}

// indexedFor says whether a topic is indexed and for how many seconds: by a
// resource of its own, or by its sqlStorage (Console 1.30).
func indexedFor(tx *store.Tx, cluster, topic string) (int64, bool) {
	type storage struct {
		RetentionTimeInSecond int64
		Enabled               *bool
	}
	found := func(s *storage) (int64, bool) {
		if s == nil || s.Enabled != nil && !*s.Enabled {
			return 0, false
		}
		return s.RetentionTimeInSecond, true
	}
	if resource, err := tx.Resource("IndexedTopic", "v1", []string{cluster}, topic); err == nil {
		var object struct{ Spec storage }
		if err := json.Unmarshal(resource.JSON, &object); err == nil {
			return found(&object.Spec)
		}
	}
	resource, err := tx.Resource("Topic", "v2", []string{cluster}, topic)
	if err != nil {
		return 0, false
	}
	var object struct{ Metadata struct{ SQLStorage *storage } }
	if err := json.Unmarshal(resource.JSON, &object); err != nil {
		return 0, false
	}
	return found(object.Metadata.SQLStorage)
}

// flattens says whether a record becomes a row: objects do, and tombstones;
// others cannot be parsed and are passed over.
func flattens(value any) bool {
	_, object := value.(map[string]any)
	return object || value == nil
}

// freeName adds _2, _3, … to a name until it is free.
func freeName(name string, taken func(name string) bool) string {
	free := name
	for n := 2; taken(free); n++ {
		free = name + "_" + strconv.Itoa(n)
	}
	return free
}

// ownColumns are those of the record itself.
var ownColumns = []string{"__timestamp", "__partition", "__offset", "__checksum", "__headers", "__schema_id", "__key"}

// valueClass is what values of one column have in common.
type valueClass int

const (
	classNone valueClass = iota
	classBoolean
	classNumber
	classText
	classJSON
)

func classOf(value any) valueClass {
	switch value.(type) {
	case bool:
		return classBoolean
	case json.Number:
		return classNumber
	case string:
		return classText
	case []any:
		return classJSON
	}
	return classNone
}

// flatten gives the fields of a value by their paths, a.b.c; arrays stay whole.
func flatten(value any, path string, fields map[string]any) {
	object, ok := value.(map[string]any)
	if !ok {
		fields[path] = value
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		below := name
		if path != "" {
			below = path + "." + name
		}
		flatten(object[name], below, fields)
	}
}

func (t *sqlTable) flat(record kinds.TopicRecord) map[string]any {
	fields := map[string]any{}
	if record.Value != nil {
		flatten(record.Value, "", fields)
	}
	return fields
}

// findColumns gives each field a column, and a field whose values are of several
// classes several. Columns come in the order in which records bring them.
func (t *sqlTable) findColumns() {
	type key struct {
		field string
		class valueClass
	}
	at, taken := map[key]int{}, map[string]bool{}
	for _, name := range ownColumns {
		taken[name] = true
	}
	for _, record := range t.records {
		fields := t.flat(record)
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			one := key{field, classOf(fields[field])}
			if one.class == classNone {
				continue
			}
			i, known := at[one]
			if !known {
				i = len(t.columns)
				at[one] = i
				name := freeName(shrunk(field), func(name string) bool { return taken[name] })
				taken[name] = true
				t.columns = append(t.columns, sqlColumn{Name: name, field: field, class: one.class})
			}
			t.columns[i].Type = widest(t.columns[i].Type, fields[field])
		}
	}
}

// maxColumnName is PostgreSQL's limit, in bytes.
const maxColumnName = 63

// shrunk shortens the name of a field that is too long: the first parts of its
// path become one letter each, then the beginning goes.
func shrunk(field string) string {
	parts := strings.Split(field, ".")
	for i := 0; len(field) > maxColumnName && i < len(parts)-1; i++ {
		if runes := []rune(parts[i]); len(runes) > 1 {
			parts[i] = string(runes[:1])
			field = strings.Join(parts, ".")
		}
	}
	for runes := []rune(field); len(field) > maxColumnName; runes = runes[1:] {
		field = string(runes[1:])
	}
	return field
}

// widest is the type of a column that holds another value beside those of a type.
func widest(of string, value any) string {
	switch value := value.(type) {
	case bool:
		return "BOOLEAN"
	case string:
		return "STRING"
	case json.Number:
		whole, err := value.Int64()
		switch {
		case err != nil || of == "DOUBLE":
			return "DOUBLE"
		case of == "LONG" || whole < math.MinInt32 || whole > math.MaxInt32:
			return "LONG"
		}
		return "INT"
	}
	return "JSON"
}

func (t *sqlTable) fields() map[string][]sqlColumn {
	fields := map[string][]sqlColumn{}
	for _, column := range t.columns {
		fields[column.field] = append(fields[column.field], column)
	}
	return fields
}

func (t *sqlTable) rows() *pgsql.Table {
	table := &pgsql.Table{Columns: slices.Clone(ownColumns)}
	for _, column := range t.columns {
		table.Columns = append(table.Columns, column.Name)
	}
	for _, record := range t.records {
		row := []pgsql.Value{record.Timestamp.UnixMilli(), int64(record.Partition), record.Offset, checksum(record),
			headers(record), nil, keyText(record.Key)}
		fields := t.flat(record)
		for _, column := range t.columns {
			row = append(row, column.value(fields[column.field]))
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

func (c sqlColumn) value(value any) pgsql.Value {
	if classOf(value) != c.class {
		return nil
	}
	switch value := value.(type) {
	case json.Number:
		if c.Type != "DOUBLE" {
			if whole, err := value.Int64(); err == nil {
				return whole
			}
		}
		number, err := value.Float64()
		if err != nil {
			return nil
		}
		return number
	case []any:
		return pgsql.JSON{Value: value}
	}
	return value
}

// checksum is of key and value; which one the product computes is not said.
func checksum(record kinds.TopicRecord) string {
	sum := sha256.Sum256([]byte(pgsql.JSON{Value: []any{record.Key, record.Value}}.String()))
	return hex.EncodeToString(sum[:16])
}

func headers(record kinds.TopicRecord) pgsql.Value {
	if len(record.Headers) == 0 {
		return nil
	}
	object := map[string]any{}
	for name, value := range record.Headers {
		object[name] = value
	}
	return pgsql.JSON{Value: object}
}

func keyText(key any) pgsql.Value {
	switch key := key.(type) {
	case nil:
		return nil
	case string:
		return key
	}
	return fmt.Sprint(pgsql.JSON{Value: key})
}
