package server

import (
	"fmt"
	"strings"
	"time"
)

// Timeouts bound how long the server waits; a field that is 0 has its default.
// Streams, waits for an entry of the journal and faults that delay have the time
// they need on top.
type Timeouts struct {
	Header   time.Duration // for a request's header fields
	Read     time.Duration // for a whole request
	Write    time.Duration // for a client to take an answer
	Idle     time.Duration // for the next request of a connection
	Handler  time.Duration // for others, such as an issuer's keys, on the way to an answer
	Shutdown time.Duration // for requests under way when the server is told to stop
}

// timeout is one bound as it is written.
type timeout struct {
	name  string
	field func(*Timeouts) *time.Duration
	usual time.Duration
}

var timeouts = []timeout{
	{"header", func(t *Timeouts) *time.Duration { return &t.Header }, 10 * time.Second},
	{"read", func(t *Timeouts) *time.Duration { return &t.Read }, time.Minute},
	{"write", func(t *Timeouts) *time.Duration { return &t.Write }, time.Minute},
	{"idle", func(t *Timeouts) *time.Duration { return &t.Idle }, 2 * time.Minute},
	{"handler", func(t *Timeouts) *time.Duration { return &t.Handler }, 30 * time.Second},
	{"shutdown", func(t *Timeouts) *time.Duration { return &t.Shutdown }, 10 * time.Second},
}

// Or puts defaults in the place of what is 0.
func (t Timeouts) Or() Timeouts {
	for _, one := range timeouts {
		if field := one.field(&t); *field == 0 {
			*field = one.usual
		}
	}
	return t
}

// Set reads a time limit as it is written: name=duration.
func (t *Timeouts) Set(text string) error {
	name, value, _ := strings.Cut(text, "=")
	var names []string
	for _, one := range timeouts {
		names = append(names, one.name)
		if one.name != strings.TrimSpace(name) {
			continue
		}
		d, err := time.ParseDuration(strings.TrimSpace(value))
		if err != nil || d <= 0 {
			return fmt.Errorf("%q: expected %s=DURATION above 0, such as %s=%s", text, one.name, one.name, one.usual)
		}
		*one.field(t) = d
		return nil
	}
	return fmt.Errorf("%q: expected one of %s, and a duration behind =", text, strings.Join(names, ", "))
}

func (t Timeouts) check() error {
	for _, one := range timeouts {
		if d := *one.field(&t); d < 0 {
			return fmt.Errorf("--timeout %s=%s: expected a duration above 0", one.name, d)
		}
	}
	return nil
}

// TimeoutHelp lists the time limits with their defaults, for the command line.
func TimeoutHelp() string {
	list := make([]string, len(timeouts))
	for i, one := range timeouts {
		list[i] = one.name + "=" + one.usual.String()
	}
	return strings.Join(list, ", ")
}
