package control

import (
	"net/http"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/state"
)

func registerKept(add adder) {
	add(http.MethodGet, "/_mock/state", showState)
	add(http.MethodPost, "/_mock/state", saveState)
}

func (c *call) keeper() (*state.Keeper, error) {
	switch {
	case c.State != nil:
		return c.State, nil
	case c.Prefix != "":
		return nil, &kinds.Error{Code: kinds.Conflict, Message: "A sandbox is not kept in a file: ask the server's own /_mock"}
	}
	return nil, &kinds.Error{Code: kinds.Conflict, Message: "The server keeps its world in no file: start it with --state FILE"}
}

func showState(c *call) error {
	keeper, err := c.keeper()
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, keeper.Status())
}

// saveState answers once all that was answered before is on disk.
func saveState(c *call) error {
	keeper, err := c.keeper()
	if err != nil {
		return err
	}
	if err := keeper.Save(c.Request().Context()); err != nil {
		return &kinds.Error{Code: kinds.Conflict, Message: "The state could not be written: " + err.Error()}
	}
	return showState(c)
}
