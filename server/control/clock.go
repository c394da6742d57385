package control

import (
	"net/http"
	"time"
)

func registerClock(add adder) {
	add(http.MethodGet, "/_mock/clock", showClock)
	add(http.MethodPut, "/_mock/clock", setClock)
	add(http.MethodPost, "/_mock/clock/advance", advanceClock)
	add(http.MethodDelete, "/_mock/clock", releaseClock)
}

// clockState is what a world's clock shows.
type clockState struct {
	Now    time.Time `json:"now"`
	Frozen bool      `json:"frozen"`
	// Offset is how far it is ahead of the machine's, as a Go duration.
	Offset string `json:"offset"`
}

func showClock(c *call) error {
	now := c.World.Clock.Now()
	return c.JSON(http.StatusOK, clockState{now, c.World.Clock.Frozen(), time.Until(now).Round(time.Second).String()})
}

// setClock sets the time, freezes the clock or lets it run; what is not named
// stays as it is.
func setClock(c *call) error {
	var request struct {
		Now    *time.Time `json:"now"`
		Frozen *bool      `json:"frozen"`
	}
	if err := c.read(&request); err != nil {
		return err
	}
	if request.Now != nil {
		if err := inRange(*request.Now); err != nil {
			return err
		}
	}
	c.World.Clock.Change(request.Now, request.Frozen)
	return showClock(c)
}

// Tokens carry seconds since 1970, and dates of JSON end with the year 9999
// (RFC 3339); a century of room on both sides keeps every sum within.
func inRange(at time.Time) error {
	if at.Year() < 1971 || at.Year() > 9899 {
		return invalid("now", "expected a time between the years 1971 and 9899, got %s", at.UTC().Format(time.RFC3339))
	}
	return nil
}

func advanceClock(c *call) error {
	var request struct {
		By string `json:"by"`
	}
	if err := c.read(&request); err != nil {
		return err
	}
	by, err := time.ParseDuration(request.By)
	if err != nil {
		return invalid("by", "expected a duration such as 90s or 2h, got %q", request.By)
	}
	if err := inRange(c.World.Clock.Now().Add(by)); err != nil {
		return err
	}
	c.World.Clock.Advance(by)
	return showClock(c)
}

// releaseClock lets the clock show the machine's time again.
func releaseClock(c *call) error {
	c.World.Clock.Reset()
	return showClock(c)
}
