package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/pgsql"
	"github.com/mockduktor/mockduktor/server/store"
)

func (r *router) sql() {
	r.secured(http.MethodPost, "/public/sql/v1/execute", executeSQL)
	r.secured(http.MethodGet, "/public/sql/v1/topicTable", listSQLTables)
}

// sqlTimeout ends a statement that takes too long.
const sqlTimeout = 5 * time.Second

type sqlResult struct {
	Header []string        `json:"header"`
	Row    [][]pgsql.Value `json:"row"`
}

// executeSQL answers a SELECT over the records of indexed topics.
func executeSQL(c *call) error {
	if c.who.Key != nil {
		return &kinds.Error{Code: kinds.Forbidden, Message: "API keys are not supported here: use the token of a user",
			Reason: c.who.String() + " is an API key; SQL asks which topics a user may see (log in, or send a user's JWT)"}
	}
	if err := c.checkQuery(c.method, c.path); err != nil {
		return err
	}
	most, err := c.positive("maxLine", 0)
	if err != nil {
		return err
	}
	if most == 0 {
		return &kinds.Error{Code: kinds.Invalid, Field: "maxLine",
			Message: "Invalid value for: query parameter (expected how many rows to answer at most, got nothing at 'maxLine')"}
	}
	statement, err := c.bytes()
	if err != nil {
		return err
	}
	tx := c.World.View()
	catalog := sqlCatalogOf(tx, c.World.Clock.Now())
	ctx, cancel := context.WithTimeout(c.context(), sqlTimeout)
	defer cancel()
	result, err := pgsql.Run(ctx, string(statement), most, func(name string) (*pgsql.Table, error) {
		return c.sqlTable(tx, catalog, name)
	})
	var refused *pgsql.Error
	if errors.As(err, &refused) {
		return &kinds.Error{Code: kinds.Invalid, Message: "Invalid SQL: " + refused.Error()}
	}
	if err != nil {
		return err
	}
	answer := sqlResult{Header: result.Columns, Row: result.Rows}
	if answer.Row == nil {
		answer.Row = [][]pgsql.Value{}
	}
	return c.JSON(http.StatusOK, answer)
}

// sqlTable is a table by its name, for those who may see its topic; nil is none.
func (c *call) sqlTable(tx *store.Tx, catalog *sqlCatalog, name string) (*pgsql.Table, error) {
	table := catalog.byName[name]
	if table == nil {
		if empty := catalog.empty[name]; empty != nil && c.may(topicNeed(empty.cluster, empty.topic)) {
			return nil, &kinds.Error{Code: kinds.Invalid, Message: "Invalid SQL: relation \"" + name + "\" does not exist: the topic " + empty.topic +
				" is indexed, but no record of it is younger than its retentionTimeInSecond of " + strconv.FormatInt(empty.retention, 10)}
		}
		return nil, nil
	}
	if err := c.permit(tx, topicNeed(table.cluster, table.topic)); err != nil {
		return nil, err
	}
	return table.rows(), nil
}

type sqlTableShown struct {
	Name    string                 `json:"tableName"`
	Cluster string                 `json:"clusterSlug"`
	Topic   string                 `json:"topicName"`
	Fields  map[string][]sqlColumn `json:"fields"`
}

func listSQLTables(c *call) error {
	tx := c.World.View()
	list := []sqlTableShown{}
	for _, table := range sqlCatalogOf(tx, c.World.Clock.Now()).tables {
		if c.sees("IndexedTopic", topicNeed(table.cluster, table.topic)) {
			list = append(list, sqlTableShown{Name: table.name, Cluster: table.cluster, Topic: table.topic, Fields: table.fields()})
		}
	}
	return c.JSON(http.StatusOK, list)
}
