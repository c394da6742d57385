package console

import (
	"encoding/json"
	"net/http"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/limits"
	"github.com/mockduktor/mockduktor/server/store"
)

// page is the envelope of the v1 lists (console-api, section 7.1).
type page[T any] struct {
	Page          int   `json:"page"`
	PerPage       int   `json:"perPage"`
	TotalPages    int   `json:"totalPages"`
	TotalElements int64 `json:"totalElements"`
	Data          []T   `json:"data"`
}

// pageOf cuts one page out of all rows; page counts from 1, and one beyond the
// end is empty.
func pageOf[T any](rows []T, number, size int) page[T] {
	total := len(rows)
	p := page[T]{Page: number, PerPage: size, TotalElements: int64(total), TotalPages: (total + size - 1) / size, Data: []T{}}
	if from := int64(number-1) * int64(size); from < int64(total) {
		p.Data = rows[from:min(from+int64(size), int64(total))]
	}
	return p
}

// shownPage is pageOf with each row of the page as it is shown.
func shownPage[T any](rows []T, request listRequest, show func(T) any) page[any] {
	cut := pageOf(rows, request.Page, request.ItemsPerPage)
	shown := page[any]{Page: cut.Page, PerPage: cut.PerPage, TotalPages: cut.TotalPages,
		TotalElements: cut.TotalElements, Data: make([]any, len(cut.Data))}
	for i, row := range cut.Data {
		shown.Data[i] = show(row)
	}
	return shown
}

// listRequest is what the v1 lists are asked.
type listRequest struct {
	Page         int          `json:"page"`
	ItemsPerPage int          `json:"itemsPerPage"`
	Sort         string       `json:"sort"`
	DescSort     bool         `json:"descSort"`
	Filter       []listFilter `json:"filter"`
}

// listFilter is any of the filters, told apart by type.
type listFilter struct {
	Type     string   `json:"type"`
	Contains string   `json:"contains"`
	OneOf    []string `json:"oneOf"`
	Key      string   `json:"key"`
	Values   []string `json:"values"`
	AtLeast  []string `json:"atLeast"`
}

// listBody reads and checks the body of a v1 list.
func (c *call) listBody(path string) (listRequest, error) {
	var request listRequest
	object, err := c.body()
	if err != nil {
		return request, err
	}
	if err := kinds.FromProblems(c.Document.ValidateBody(http.MethodPost, path, object)); err != nil {
		return request, err
	}
	encoded, err := store.EncodeObject(object)
	if err != nil {
		return request, err
	}
	if err := json.Unmarshal(encoded, &request); err != nil {
		return request, &kinds.Error{Code: kinds.Invalid, Message: "Invalid value for: body (" + err.Error() + ")"}
	}
	for field, value := range map[string]int{"page": request.Page, "itemsPerPage": request.ItemsPerPage} {
		if value < 1 {
			return request, &kinds.Error{Code: kinds.Invalid, Field: field,
				Message: "Invalid value for: body (expected at least 1 at '" + field + "')"}
		}
	}
	return request, c.checkPage("body", request.ItemsPerPage)
}

// checkPage refuses pages of more rows than one may have; in is where the
// request says how many.
func (c *call) checkPage(in string, size int) error {
	if most := c.Settings.Limits.Page; size > most {
		return &kinds.Error{Code: kinds.Invalid, Field: "itemsPerPage",
			Message: "Invalid value for: " + in + " (" + limits.Explain("page", most) + " at 'itemsPerPage')"}
	}
	return nil
}

// clusterParam reads the cluster in a v1 path, and refuses an unknown one.
func (c *call) clusterParam(tx *store.Tx) (string, error) {
	name, err := c.param("clusterName")
	if err != nil {
		return "", err
	}
	_, err = kinds.Cluster(tx, "clusterName", name)
	return name, err
}
