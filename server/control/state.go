package control

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

func registerState(add adder) {
	add(http.MethodPost, "/_mock/reset", reset)
	add(http.MethodGet, "/_mock/seed", export)
	add(http.MethodPost, "/_mock/seed", apply)
	add(http.MethodGet, "/_mock/snapshots", listSnapshots)
	add(http.MethodPut, "/_mock/snapshots/{snapshot}", keepSnapshot)
	add(http.MethodPost, "/_mock/snapshots/{snapshot}/restore", restoreSnapshot)
	add(http.MethodDelete, "/_mock/snapshots/{snapshot}", dropSnapshot)
}

// reset returns the world to its seed and the clock to the machine's, so that
// the next test finds what the first one did.
func reset(c *call) error {
	c.World.Reset()
	if c.QueryParam("keepClock") != "true" {
		c.World.Clock.Reset()
	}
	if err := c.Sync(); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// export writes the present world as one seed.
func export(c *call) error {
	objects := c.Export()
	if c.QueryParam("format") == "json" {
		return c.JSON(http.StatusOK, append([]map[string]any{}, objects...))
	}
	var out bytes.Buffer
	if err := seed.Encode(&out, objects); err != nil {
		return err
	}
	return c.Blob(http.StatusOK, yamlType, out.Bytes())
}

// apply puts the documents of a seed into the world, all or none.
func apply(c *call) error {
	text, err := c.bytes(seed.MaxBytes, yamlType, "application/x-yaml", echo.MIMEApplicationJSON)
	if err != nil {
		return err
	}
	documents, err := seed.Parse(text)
	if err != nil {
		return err
	}
	if err := c.Apply(documents); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]int{"applied": len(documents)})
}

func listSnapshots(c *call) error { return c.JSON(http.StatusOK, c.World.Snapshots()) }

// snapshot is the name in the path.
func (c *call) snapshot() (string, error) {
	name, err := c.param("snapshot")
	if err != nil {
		return "", err
	}
	if problem := store.ValidName(name); problem != "" {
		return "", invalid("snapshot", "the name %s", problem)
	}
	return name, nil
}

func keepSnapshot(c *call) error {
	name, err := c.snapshot()
	if err != nil {
		return err
	}
	if err := c.World.Snapshot(name); errors.Is(err, store.ErrFull) {
		return &kinds.Error{Code: kinds.Conflict, Field: "snapshot",
			Message: "there are as many snapshots as are kept: drop one first, or use a name again"}
	}
	return c.NoContent(http.StatusNoContent)
}

func restoreSnapshot(c *call) error {
	name, err := c.snapshot()
	if err != nil {
		return err
	}
	if err := c.World.Restore(name); err != nil {
		return err
	}
	if err := c.Sync(); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func dropSnapshot(c *call) error {
	name, err := c.snapshot()
	if err != nil {
		return err
	}
	if err := c.World.DropSnapshot(name); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
