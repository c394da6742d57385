package console

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/mockduktor/mockduktor/server/kinds"
)

const (
	catalogPath = "/public/self-serve/v1/catalog"
	// catalogPage is how many topics a page holds that nobody gave a size.
	catalogPage = 50
)

func (r *router) catalog() {
	r.secured(http.MethodGet, catalogPath, listCatalog)
}

type catalogList struct {
	Kind string `json:"kind"` // in the published example, though not in its schema
	page[json.RawMessage]
}

// listCatalog answers a page of what everybody may find, whoever asks.
func listCatalog(c *call) error {
	if err := c.checkQuery(c.method, c.path); err != nil {
		return err
	}
	number, err := c.positive("page", 1)
	if err != nil {
		return err
	}
	size, err := c.positive("itemsPerPage", catalogPage)
	if err != nil {
		return err
	}
	if err := c.checkPage("query parameter", size); err != nil {
		return err
	}
	topics := kinds.PublicTopics(c.World.View())
	if c.QueryParam("sort") == "desc" {
		slices.Reverse(topics)
	}
	cut := pageOf(topics, number, size)
	answer := catalogList{Kind: "DataCatalogList", page: page[json.RawMessage]{Page: cut.Page, PerPage: cut.PerPage,
		TotalPages: cut.TotalPages, TotalElements: cut.TotalElements, Data: make([]json.RawMessage, len(cut.Data))}}
	for i, topic := range cut.Data {
		answer.Data[i] = topic.JSON
	}
	return c.JSON(http.StatusOK, answer)
}

// positive reads a number of the query that counts from 1.
func (c *call) positive(name string, fallback int) (int, error) {
	given := c.QueryParam(name)
	if given == "" {
		return fallback, nil
	}
	number, err := strconv.Atoi(given)
	if err != nil || number < 1 {
		return 0, &kinds.Error{Code: kinds.Invalid, Field: name,
			Message: "Invalid value for: query parameter (expected at least 1, got " + given + " at '" + name + "')"}
	}
	return number, nil
}
