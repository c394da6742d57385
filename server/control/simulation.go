package control

import (
	"net/http"

	"github.com/mockduktor/mockduktor/server/store"
)

func registerSimulation(add adder) {
	add(http.MethodGet, "/_mock/simulation", showSimulation)
	add(http.MethodPut, "/_mock/simulation", setSimulation)
}

// simulation says whether figures move with the clock.
type simulation struct {
	Enabled bool `json:"enabled"`
}

func showSimulation(c *call) error {
	return c.JSON(http.StatusOK, simulation{c.Engine.Simulated(c.World.View())})
}

func setSimulation(c *call) error {
	var request simulation
	if err := c.read(&request); err != nil {
		return err
	}
	if err := c.Update(func(tx *store.Tx) error { return c.Engine.Simulate(tx, request.Enabled) }); err != nil {
		return err
	}
	return showSimulation(c)
}
