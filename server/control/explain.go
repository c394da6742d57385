package control

import (
	"net/http"
	"strconv"

	"github.com/mockduktor/mockduktor/server/explain"
)

func registerExplain(add adder) {
	add(http.MethodPost, "/_mock/explain", onStage(func(c *call, stage *explain.Stage) (any, error) {
		var request explain.Request
		if err := c.read(&request); err != nil {
			return nil, err
		}
		return stage.Explain(c.Request().Context(), request)
	}))
	add(http.MethodPost, "/_mock/explain/who", onStage(func(c *call, stage *explain.Stage) (any, error) {
		var request explain.WhoRequest
		if err := c.read(&request); err != nil {
			return nil, err
		}
		return stage.Who(c.Request().Context(), request)
	}))
	add(http.MethodGet, "/_mock/explain/matrix", onStage(func(c *call, stage *explain.Stage) (any, error) {
		request := explain.MatrixRequest{People: c.QueryParams()["person"], Operations: c.QueryParam("operations")}
		for name, into := range map[string]*int{"samples": &request.Samples, "limit": &request.Limit} {
			// The document has found that they are numbers.
			*into, _ = strconv.Atoi(c.QueryParam(name))
		}
		return stage.Matrix(c.Request().Context(), request)
	}))
}

// onStage answers with what an explanation over a copy of the world gives.
func onStage(answer func(c *call, stage *explain.Stage) (any, error)) handler {
	return func(c *call) error {
		stage, err := c.Stage()
		if err != nil {
			return err
		}
		said, err := answer(c, stage)
		if err != nil {
			return err
		}
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.JSON(http.StatusOK, said)
	}
}
