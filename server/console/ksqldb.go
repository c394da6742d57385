package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/ksql"
	"github.com/mockduktor/mockduktor/server/store"
)

const ksqlDBsPath = "/public/v1/clusters/{clusterName}/ksqldbs"

func (r *router) ksqlDB() {
	const one = ksqlDBsPath + "/{ksqlDBSlug}"
	r.secured(http.MethodGet, ksqlDBsPath, listKsqlDBs)
	r.secured(http.MethodGet, one, onKsqlDB(getKsqlDB))
	r.secured(http.MethodGet, one+"/queries", onKsqlDB(listKsqlQueries))
	r.secured(http.MethodPost, one+"/queries", runKsqlQuery)
	r.secured(http.MethodDelete, one+"/queries/{queryId}", stopKsqlQuery)
	r.secured(http.MethodGet, one+"/tables", onKsqlDB(listKsqlTables))
	r.secured(http.MethodDelete, one+"/tables/{sourceName}", func(c *call) error { return c.dropKsqlSource(ksql.Table) })
	r.secured(http.MethodDelete, one+"/streams/{sourceName}", func(c *call) error { return c.dropKsqlSource(ksql.Stream) })
	r.secured(http.MethodGet, one+"/describe/{sourceName}", onKsqlDB(describeKsqlSource))
	r.secured(http.MethodGet, one+"/explain/{query}", onKsqlDB(explainKsqlQuery))
	r.secured(http.MethodPost, one+"/statements", runKsqlStatements)
}

// ksqlDB is one ksqlDB cluster with what is in it, seen in one transaction.
type ksqlDB struct {
	*call
	tx      *store.Tx
	cluster string
	server  *store.Resource // the KsqlDBCluster
}

func ksqlDBNeed(cluster, name string) kinds.Need {
	return kinds.Need{Grant: rbac.Need{Resource: rbac.ResourceKsqlDB, Cluster: cluster, Connect: name, AnyOf: []rbac.Permission{rbac.KsqldbAccess}}}
}

// ksqlDBIn is the ksqlDB cluster in the path, for those who may use it.
func (c *call) ksqlDBIn(tx *store.Tx) (*ksqlDB, error) {
	cluster, err := c.clusterParam(tx)
	if err != nil {
		return nil, err
	}
	name, err := c.param("ksqlDBSlug")
	if err != nil {
		return nil, err
	}
	if err := c.permit(tx, ksqlDBNeed(cluster, name)); err != nil {
		return nil, err
	}
	server, err := kinds.KsqlDBCluster(tx, "ksqlDBSlug", cluster, name)
	if err != nil {
		return nil, err
	}
	return &ksqlDB{call: c, tx: tx, cluster: cluster, server: server}, nil
}

// onKsqlDB makes a handler of a reading.
func onKsqlDB(read func(k *ksqlDB) error) handler {
	return func(c *call) error {
		k, err := c.ksqlDBIn(c.World.View())
		if err != nil {
			return err
		}
		return read(k)
	}
}

func (k *ksqlDB) parents() []string { return []string{k.cluster, k.server.Name} }

func (k *ksqlDB) sources() []*kinds.KsqlDBSource {
	var list []*kinds.KsqlDBSource
	for resource := range k.tx.Resources(kinds.KsqlDBSourceKind, "v1", k.parents(), "") {
		list = append(list, resource.Value.(*kinds.KsqlDBSource))
	}
	return list
}

func (k *ksqlDB) queries() []*kinds.KsqlDBQuery {
	var list []*kinds.KsqlDBQuery
	for resource := range k.tx.Resources(kinds.KsqlDBQueryKind, "v1", k.parents(), "") {
		list = append(list, resource.Value.(*kinds.KsqlDBQuery))
	}
	return list
}

// source finds a stream or table; names without quotes are in capitals. nil is
// none.
func (k *ksqlDB) source(name string) *kinds.KsqlDBSource {
	for _, spelt := range []string{name, strings.ToUpper(name)} {
		if resource, err := k.tx.Resource(kinds.KsqlDBSourceKind, "v1", k.parents(), spelt); err == nil {
			return resource.Value.(*kinds.KsqlDBSource)
		}
	}
	return nil
}

// query finds a query as source finds a source.
func (k *ksqlDB) query(id string) *kinds.KsqlDBQuery {
	for _, spelt := range []string{id, strings.ToUpper(id)} {
		if resource, err := k.tx.Resource(kinds.KsqlDBQueryKind, "v1", k.parents(), spelt); err == nil {
			return resource.Value.(*kinds.KsqlDBQuery)
		}
	}
	return nil
}

func (k *ksqlDB) readers(source string) []*kinds.KsqlDBQuery {
	return slices.DeleteFunc(k.queries(), func(q *kinds.KsqlDBQuery) bool { return !slices.Contains(q.Sources, source) })
}

func (k *ksqlDB) writers(source string) []*kinds.KsqlDBQuery {
	return slices.DeleteFunc(k.queries(), func(q *kinds.KsqlDBQuery) bool { return !slices.Contains(q.Sinks, source) })
}

type ksqlServer struct {
	Name    string `json:"name"`
	Slug    string `json:"slug"`
	Tables  int    `json:"tableCount"`
	Streams int    `json:"streamCount"`
	Queries int    `json:"queryCount"`
}

func (k *ksqlDB) shown() ksqlServer {
	shown := ksqlServer{Name: text(object(k.server.Object()["spec"])["displayName"]), Slug: k.server.Name, Queries: len(k.queries())}
	for _, source := range k.sources() {
		if source.Type == ksql.Table {
			shown.Tables++
		} else {
			shown.Streams++
		}
	}
	return shown
}

func listKsqlDBs(c *call) error {
	tx := c.World.View()
	cluster, err := c.clusterParam(tx)
	if err != nil {
		return err
	}
	list := []ksqlServer{}
	for server := range tx.Resources("KsqlDBCluster", "v2", []string{cluster}, "") {
		if c.sees("KsqlDBCluster", ksqlDBNeed(cluster, server.Name)) {
			list = append(list, (&ksqlDB{call: c, tx: tx, cluster: cluster, server: server}).shown())
		}
	}
	return c.JSON(http.StatusOK, list)
}

func getKsqlDB(k *ksqlDB) error { return k.JSON(http.StatusOK, k.shown()) }

type ksqlQuery struct {
	ID          string         `json:"id"`
	QueryString string         `json:"queryString"`
	QueryType   string         `json:"queryType"`
	State       string         `json:"state"`
	Sinks       []string       `json:"sinks"`
	SinkTopics  []string       `json:"sinkKafkaTopics"`
	StatusCount map[string]int `json:"statusCount"`
}

func listKsqlQueries(k *ksqlDB) error {
	list := []ksqlQuery{}
	for _, query := range k.queries() {
		// One server runs each query.
		shown := ksqlQuery{ID: query.ID, QueryString: query.Statement, QueryType: query.QueryType, State: query.State,
			Sinks: []string{}, SinkTopics: []string{}, StatusCount: map[string]int{query.State: 1}}
		for _, sink := range query.Sinks {
			shown.Sinks = append(shown.Sinks, sink)
			if source := k.source(sink); source != nil {
				shown.SinkTopics = append(shown.SinkTopics, source.Topic)
			}
		}
		list = append(list, shown)
	}
	return k.JSON(http.StatusOK, list)
}

type ksqlTable struct {
	Name        string `json:"name"`
	Topic       string `json:"topic"`
	KeyFormat   string `json:"keyFormat"`
	ValueFormat string `json:"valueFormat"`
	Reads       int    `json:"reads"`
	Writes      int    `json:"writes"`
	Windowed    bool   `json:"isWindowed"`
}

func listKsqlTables(k *ksqlDB) error {
	list := []ksqlTable{}
	for _, source := range k.sources() {
		if source.Type == ksql.Table {
			list = append(list, ksqlTable{Name: source.Name, Topic: source.Topic, KeyFormat: source.KeyFormat,
				ValueFormat: source.ValueFormat, Reads: len(k.readers(source.Name)), Writes: len(k.writers(source.Name)),
				Windowed: source.WindowType != ""})
		}
	}
	return k.JSON(http.StatusOK, list)
}

type ksqlSource struct {
	Name        string              `json:"name"`
	WindowType  string              `json:"windowType,omitempty"`
	Topic       string              `json:"topic"`
	Type        string              `json:"type"`
	KeyFormat   string              `json:"keyFormat"`
	ValueFormat string              `json:"valueFormat"`
	Constraints []string            `json:"sourceConstraints"`
	Statement   string              `json:"statement"`
	Statistics  map[string]float64  `json:"statistics"`
	Reads       int                 `json:"readQueriesCount"`
	Writes      int                 `json:"writeQueriesCount"`
	Fields      []kinds.KsqlDBField `json:"fields,omitempty"`
}

func describeKsqlSource(k *ksqlDB) error {
	name, err := k.param("sourceName")
	if err != nil {
		return err
	}
	source := k.source(name)
	if source == nil {
		return noKsqlSource(name)
	}
	readers := k.readers(source.Name)
	shown := ksqlSource{Name: source.Name, WindowType: source.WindowType, Topic: source.Topic, Type: source.Type,
		KeyFormat: source.KeyFormat, ValueFormat: source.ValueFormat, Constraints: []string{}, Statement: source.Statement,
		Statistics: source.Statistics, Reads: len(readers), Writes: len(k.writers(source.Name)), Fields: source.Fields}
	if shown.Statistics == nil {
		shown.Statistics = map[string]float64{}
	}
	// What is made from it stands in the way of dropping it.
	for _, reader := range readers {
		shown.Constraints = append(shown.Constraints, reader.Sinks...)
	}
	slices.Sort(shown.Constraints)
	shown.Constraints = slices.Compact(shown.Constraints)
	return k.JSON(http.StatusOK, shown)
}

func noKsqlSource(name string) error {
	return &kinds.Error{Code: kinds.NotFound, Title: "No stream or table with this name exists", Message: name + " does not exist"}
}

func noKsqlQuery(id string) error {
	return &kinds.Error{Code: kinds.NotFound, Title: "No query with this id exists", Message: "Query " + id + " not found"}
}

type ksqlExplanation struct {
	Statement  string              `json:"statementText"`
	Sources    []string            `json:"sources"`
	Sinks      []string            `json:"sinks"`
	Topology   string              `json:"topology"`
	Plan       string              `json:"executionPlan"`
	State      string              `json:"state"`
	WindowType string              `json:"windowType,omitempty"`
	Fields     []kinds.KsqlDBField `json:"fields,omitempty"`
}

// explainKsqlQuery answers what is known of a query that runs. Topology and plan
// are made by a ksqlDB server: without one they are what the seed gives, or empty.
func explainKsqlQuery(k *ksqlDB) error {
	id, err := k.param("query")
	if err != nil {
		return err
	}
	query := k.query(id)
	if query == nil {
		if strings.ContainsAny(id, " \t\n;") {
			return needsKsqlEngine("Explaining a statement that does not run yet")
		}
		return noKsqlQuery(id)
	}
	shown := ksqlExplanation{Statement: query.Statement, Sources: query.Sources, Sinks: query.Sinks,
		Topology: query.Topology, Plan: query.ExecutionPlan, State: query.State}
	if shown.Sources == nil {
		shown.Sources = []string{}
	}
	if shown.Sinks == nil {
		shown.Sinks = []string{}
	}
	if len(query.Sinks) == 1 {
		if sink := k.source(query.Sinks[0]); sink != nil {
			shown.WindowType, shown.Fields = sink.WindowType, sink.Fields
		}
	}
	return k.JSON(http.StatusOK, shown)
}

// needsKsqlEngine refuses what cannot be answered without data and a ksqlDB
// server over them; made-up rows would be worse than none.
func needsKsqlEngine(what string) error {
	return &kinds.Error{Code: kinds.Invalid, Message: what + " takes a ksqlDB server, and none stands behind this Console: " +
		"streams, tables and queries are kept here, no data flow through them. Use a real Console and ksqlDB for this call"}
}
