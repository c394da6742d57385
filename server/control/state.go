package control

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/limits"
	"github.com/mockduktor/mockduktor/server/store"
)

func registerState(add adder) {
	add(http.MethodPost, "/_mock/reset", reset)
	add(http.MethodGet, "/_mock/seed", export)
	add(http.MethodPost, "/_mock/seed", func(c *call) error { return c.load(c.Apply) })
	add(http.MethodPut, "/_mock/seed", func(c *call) error { return c.load(c.Replace) })
	add(http.MethodGet, "/_mock/seed/sources", showSources)
	add(http.MethodPost, "/_mock/seed/reload", reload)
	add(http.MethodGet, "/_mock/snapshots", listSnapshots)
	add(http.MethodPut, "/_mock/snapshots/{snapshot}", keepSnapshot)
	add(http.MethodPost, "/_mock/snapshots/{snapshot}/restore", restoreSnapshot)
	add(http.MethodDelete, "/_mock/snapshots/{snapshot}", dropSnapshot)
}

// reset returns the world to its seed and the clock to the machine's, so that
// the next test finds what the first one did.
func reset(c *call) error {
	if c.QueryParam("keepClock") == "true" {
		c.World.Reset()
	} else {
		c.World.ResetAll()
	}
	if err := c.Sync(); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// export writes the present world as one seed.
func export(c *call) error {
	encode, media := seed.Encode, yamlType
	if c.QueryParam("format") == "json" {
		encode, media = seed.EncodeJSON, echo.MIMEApplicationJSON
	}
	var out bytes.Buffer
	if err := encode(&out, c.Export()); err != nil {
		return err
	}
	return c.Blob(http.StatusOK, media, out.Bytes())
}

// load takes the documents of a seed in, all or none.
func (c *call) load(into func(documents []*seed.Document) error) error {
	text, err := c.bytes("seed", c.Limits.Seed, yamlType, "application/x-yaml", echo.MIMEApplicationJSON)
	if err != nil {
		return err
	}
	documents, err := seed.Parse(text)
	if err != nil {
		return err
	}
	if err := into(documents); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, loaded{len(documents)})
}

// loaded says how many documents of a seed were taken in.
type loaded struct {
	Applied int `json:"applied"`
}

// Sources are the files that the server's world comes from.
type Sources struct {
	State  func() SeedState
	Reload func() (documents int, err error)
}

// SeedState is how the sources of a world are.
type SeedState struct {
	Sources  []string  `json:"sources"`
	Watched  bool      `json:"watched"`
	LoadedAt time.Time `json:"loaded_at"`         // by the machine's clock
	Failure  string    `json:"failure,omitempty"` // why the last load left the world as it was
	Faults   []Fault   `json:"faults,omitempty"`
}

func (c *call) sources() (*Sources, error) {
	if c.Sources == nil {
		return nil, &kinds.Error{Code: kinds.Conflict, Message: "A sandbox comes from no files: ask the server's own /_mock"}
	}
	return c.Sources, nil
}

func showSources(c *call) error {
	sources, err := c.sources()
	if err != nil {
		return err
	}
	state := sources.State()
	state.Sources = append([]string{}, state.Sources...)
	return c.JSON(http.StatusOK, state)
}

// reload reads the files of the seed again.
func reload(c *call) error {
	sources, err := c.sources()
	if err != nil {
		return err
	}
	documents, err := sources.Reload()
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, loaded{documents})
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
	var full *store.FullError
	if err := c.World.Snapshot(name); errors.As(err, &full) {
		return &kinds.Error{Code: kinds.Conflict, Field: "snapshot",
			Message: limits.Explain(full.Limit, full.Most) + "; or drop one first, or use a name again"}
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
