package control

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/server/kinds"
)

// Sandboxes are the sandboxes of a server.
type Sandboxes struct {
	// Open makes one; what is wrong with the request is a *kinds.Error.
	Open  func(id, snapshot string, keep time.Duration) (Sandbox, error)
	Close func(id string) bool
	Find  func(id string) (Sandbox, bool)
	List  func() []Sandbox
}

// Sandbox is a world of its own below the server's.
type Sandbox struct {
	ID        string     `json:"id"`
	URL       string     `json:"url"`    // base URL in place of the server's
	Issuer    string     `json:"issuer"` // of its identity provider
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

func registerSandboxes(add adder) {
	add(http.MethodGet, "/_mock/sandboxes", listSandboxes)
	add(http.MethodPost, "/_mock/sandboxes", openSandbox)
	add(http.MethodGet, "/_mock/sandboxes/{sandbox}", showSandbox)
	add(http.MethodDelete, "/_mock/sandboxes/{sandbox}", closeSandbox)
}

func (c *call) sandboxes() (*Sandboxes, error) {
	if c.Sandboxes == nil {
		return nil, &kinds.Error{Code: kinds.Conflict, Message: "A sandbox has no sandboxes: ask the server's own /_mock"}
	}
	return c.Sandboxes, nil
}

func openSandbox(c *call) error {
	boxes, err := c.sandboxes()
	if err != nil {
		return err
	}
	var request struct {
		ID        string `json:"id"`
		Snapshot  string `json:"snapshot"`
		ExpiresIn string `json:"expires_in"`
	}
	if err := c.read(&request); err != nil {
		return err
	}
	var keep time.Duration
	if request.ExpiresIn != "" {
		if keep, err = time.ParseDuration(request.ExpiresIn); err != nil || keep <= 0 {
			return invalid("expires_in", "expected a positive duration such as 10m, got %q", request.ExpiresIn)
		}
	}
	box, err := boxes.Open(request.ID, request.Snapshot, keep)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderLocation, "/_mock/sandboxes/"+box.ID)
	return c.JSON(http.StatusCreated, box)
}

func listSandboxes(c *call) error {
	boxes, err := c.sandboxes()
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, append([]Sandbox{}, boxes.List()...))
}

func showSandbox(c *call) error {
	boxes, err := c.sandboxes()
	if err != nil {
		return err
	}
	box, known := boxes.Find(c.Param("sandbox"))
	if !known {
		return noSandbox(c.Param("sandbox"))
	}
	return c.JSON(http.StatusOK, box)
}

func closeSandbox(c *call) error {
	boxes, err := c.sandboxes()
	if err != nil {
		return err
	}
	if !boxes.Close(c.Param("sandbox")) {
		return noSandbox(c.Param("sandbox"))
	}
	return c.NoContent(http.StatusNoContent)
}

func noSandbox(id string) error { return notFound("There is no sandbox %q", id) }
