package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/mockduktor/mockduktor/server/explain"
	"github.com/mockduktor/mockduktor/server/kinds"
)

func registerExplain(add adder) {
	add(http.MethodPost, "/_mock/explain", onStage(func(ctx context.Context, c *call, stage *explain.Stage) (any, error) {
		var request explain.Request
		if err := c.read(&request); err != nil {
			return nil, err
		}
		return stage.Explain(ctx, request)
	}))
	add(http.MethodPost, "/_mock/explain/who", onStage(func(ctx context.Context, c *call, stage *explain.Stage) (any, error) {
		var request explain.WhoRequest
		if err := c.read(&request); err != nil {
			return nil, err
		}
		return stage.Who(ctx, request)
	}))
	add(http.MethodGet, "/_mock/explain/matrix", onStage(func(ctx context.Context, c *call, stage *explain.Stage) (any, error) {
		request := explain.MatrixRequest{People: c.QueryParams()["person"], Operations: c.QueryParam("operations")}
		for name, into := range map[string]*int{"samples": &request.Samples, "limit": &request.Limit} {
			// The document has found that they are numbers.
			*into, _ = strconv.Atoi(c.QueryParam(name))
		}
		return stage.Matrix(ctx, request)
	}))
}

// onStage answers with what an explanation over a copy of the world gives.
func onStage(answer func(ctx context.Context, c *call, stage *explain.Stage) (any, error)) handler {
	return func(c *call) error {
		stage, err := c.Stage()
		if err != nil {
			return err
		}
		ctx, stop := context.WithTimeout(c.Request().Context(), c.HandlerTime)
		defer stop()
		said, err := answer(ctx, c, stage)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return &kinds.Error{Code: kinds.Timeout, Message: fmt.Sprintf("this takes longer than %s: ask about less, or start the server with --timeout handler=DURATION", c.HandlerTime)}
		}
		if err != nil {
			return err
		}
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.JSON(http.StatusOK, said)
	}
}
