package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/server/journal"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/limits"
)

func registerJournal(add adder) {
	add(http.MethodGet, "/_mock/journal", listEntries)
	add(http.MethodDelete, "/_mock/journal", clearJournal)
	add(http.MethodGet, "/_mock/journal/{seq}", showEntry)
	add(http.MethodGet, "/_mock/journal/wait", waitForEntry)
	add(http.MethodGet, "/_mock/journal/events", streamEntries)
	add(http.MethodGet, "/_mock/journal.har", archiveEntries)
}

// filter reads the conditions of the query, and the entry after which they begin
// to count.
func (c *call) filter() (journal.Filter, uint64, error) {
	if !c.Journal.On() {
		return journal.Filter{}, 0, &kinds.Error{Code: kinds.Conflict, Message: "The journal is off: start the server with --journal-size above 0"}
	}
	filter, err := journal.ParseFilter(c.QueryParams())
	var bad *journal.BadFilter
	if errors.As(err, &bad) {
		return filter, 0, invalid(bad.Field, "expected %s, got %q", bad.Expected, c.QueryParam(bad.Field))
	}
	if len(filter.People) > 0 {
		if person, known := kinds.FindPerson(c.World.View(), filter.People[0]); known {
			for _, name := range []string{person.Login, person.Email} {
				if name != "" && !strings.EqualFold(name, filter.People[0]) {
					filter.People = append(filter.People, name)
				}
			}
		}
	}
	since := uint64(0)
	if text := c.QueryParam("since"); text != "" {
		if since, err = strconv.ParseUint(text, 10, 64); err != nil {
			return filter, 0, invalid("since", "expected the seq of an entry, got %q", text)
		}
	}
	return filter, since, nil
}

// chosen are the newest entries that the query wants, in order.
func (c *call) chosen() ([]*journal.Entry, error) {
	filter, since, err := c.filter()
	if err != nil {
		return nil, err
	}
	limit := c.Journal.Size()
	if text := c.QueryParam("limit"); text != "" {
		// The document has found it to be a whole number above 0.
		if n, err := strconv.Atoi(text); err == nil {
			limit = n
		}
	}
	var chosen []*journal.Entry
	for _, entry := range c.Journal.Entries(since) {
		if filter.Matches(entry) {
			chosen = append(chosen, entry)
		}
	}
	return chosen[max(0, len(chosen)-limit):], nil
}

func listEntries(c *call) error {
	last := c.Journal.Last()
	chosen, err := c.chosen()
	if err != nil {
		return err
	}
	body := fmt.Appendf(nil, `{"last":%d,"size":%d,"entries":[`, last, c.Journal.Size())
	for i, entry := range chosen {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, entry.JSON()...)
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, append(body, "]}"...))
}

func clearJournal(c *call) error {
	c.Journal.Clear()
	return c.NoContent(http.StatusNoContent)
}

func showEntry(c *call) error {
	text, err := c.param("seq")
	if err != nil {
		return err
	}
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return invalid("seq", "expected the number of an entry, got %q", text)
	}
	entry, kept := c.Journal.Entry(seq)
	if !kept {
		return notFound("there is no entry %d: the journal keeps the last %d, up to %d now", seq, c.Journal.Size(), c.Journal.Last())
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, entry.JSON())
}

func archiveEntries(c *call) error {
	chosen, err := c.chosen()
	if err != nil {
		return err
	}
	archive, err := journal.HAR(chosen, c.Settings.PublicURL, "1")
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="mockduktor.har"`)
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, archive)
}

// Bounds of waiting for an entry.
const (
	defaultWait = 5 * time.Second
	maxWait     = 5 * time.Minute
)

// nearest is how many entries an answer names that are almost what was waited
// for.
const nearest = 5

// near is an entry that was not what was waited for.
type near struct {
	Seq       uint64   `json:"seq"`
	Method    string   `json:"method"`
	Path      string   `json:"path"`
	Operation string   `json:"operation,omitempty"`
	Status    int      `json:"status,omitempty"`
	Person    string   `json:"person,omitempty"`
	Why       []string `json:"why"`
}

// subscribe counts in who follows the journal or waits for an entry.
func (c *call) subscribe() (leave func(), err error) {
	most := c.Limits.Subscribers
	leave, ok := c.Journal.Subscribe(most)
	if !ok {
		return nil, &kinds.Error{Code: kinds.Limited, Message: limits.Explain("subscribers", most) + "; or close one first"}
	}
	return leave, nil
}

// waitForEntry answers with the first entry that fits, as soon as it is there.
func waitForEntry(c *call) error {
	filter, since, err := c.filter()
	if err != nil {
		return err
	}
	wait := defaultWait
	if text := c.QueryParam("timeout"); text != "" {
		if wait, err = time.ParseDuration(text); err != nil || wait <= 0 || wait > maxWait {
			return invalid("timeout", "expected a duration up to %s such as 10s, got %q", maxWait, text)
		}
	}
	leave, err := c.subscribe()
	if err != nil {
		return err
	}
	defer leave()
	control := http.NewResponseController(c.Response())
	// The server's own limits are shorter; a writer without them needs no change.
	_ = control.SetWriteDeadline(time.Now().Add(wait + time.Minute))
	_ = control.SetReadDeadline(time.Now().Add(wait + time.Minute))
	ctx, stop := c.Open(c.Request().Context())
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	entry, err := c.Journal.Wait(ctx, since, filter)
	switch {
	case err == nil:
		return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, entry.JSON())
	case errors.Is(err, journal.ErrClosed), errors.Is(err, context.Canceled):
		return notFound("%s", journal.ErrClosed)
	case !errors.Is(err, context.DeadlineExceeded):
		return err
	}
	failed := problem{Title: outcomes[kinds.NotFound].title,
		Message: fmt.Sprintf("No request fitted within %s; nearest says which came close and what did not fit", wait)}
	for _, one := range c.Journal.Nearest(since, filter, nearest) {
		v := one.View
		failed.Nearest = append(failed.Nearest, near{v.Seq, v.Method, v.Path, v.Operation, v.Status, v.Person, one.Why})
	}
	return c.JSON(http.StatusNotFound, failed)
}

// Times of a stream of entries.
const (
	// beat keeps proxies from closing a quiet stream, and finds out who has gone.
	beat = 15 * time.Second
	// takeTime is how long a subscriber may take for one write.
	takeTime = 30 * time.Second
)

// streamEntries sends entries as server-sent events (HTML Living Standard,
// section 9.2) as they come.
func streamEntries(c *call) error {
	filter, since, err := c.filter()
	if err != nil {
		return err
	}
	switch last := c.Request().Header.Get("Last-Event-ID"); {
	case last != "":
		if since, err = strconv.ParseUint(last, 10, 64); err != nil {
			return invalid("Last-Event-ID", "expected the seq of an entry, got %q", last)
		}
	case c.QueryParam("since") == "":
		since = c.Journal.Last()
	}
	leave, err := c.subscribe()
	if err != nil {
		return err
	}
	defer leave()
	ctx, stop := c.Open(c.Request().Context())
	defer stop()
	s := &stream{response: c.Response(), control: http.NewResponseController(c.Response()), journal: c.Journal, filter: filter, seq: since}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/event-stream")
	header.Set(echo.HeaderCacheControl, "no-store")
	// nginx would gather events.
	header.Set("X-Accel-Buffering", "no")
	_ = s.control.SetReadDeadline(time.Time{})
	c.Response().WriteHeader(http.StatusOK)
	// The headers are out: what goes wrong from here on is a subscriber that left.
	if s.send([]byte(": the journal, as it is written\n\n")) == nil {
		_ = s.run(ctx)
	}
	return nil
}

// stream is one subscriber.
type stream struct {
	response http.ResponseWriter
	control  *http.ResponseController
	journal  *journal.Journal
	filter   journal.Filter
	seq      uint64 // of the entry that was looked at last
}

// run sends until the subscriber leaves or the journal ends.
func (s *stream) run(ctx context.Context) error {
	var out []byte
	for {
		waiting, cancel := context.WithTimeout(ctx, beat)
		entries, gone, err := s.journal.Next(waiting, s.seq)
		cancel()
		out = out[:0]
		switch {
		case ctx.Err() != nil || errors.Is(err, journal.ErrClosed):
			return s.send([]byte("event: closed\ndata: {}\n\n"))
		case err != nil:
			out = append(out, ":\n\n"...)
		case gone > 0:
			out = fmt.Appendf(out, "event: lagged\ndata: {\"missed\":%d}\n\n", gone)
		}
		for _, entry := range entries {
			s.seq = entry.Seq()
			if s.filter.Matches(entry) {
				out = fmt.Appendf(out, "id: %d\nevent: request\ndata: %s\n\n", entry.Seq(), entry.JSON())
			}
		}
		if len(out) > 0 {
			if err := s.send(out); err != nil {
				return err
			}
		}
	}
}

func (s *stream) send(events []byte) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(takeTime))
	if _, err := s.response.Write(events); err != nil {
		return err
	}
	return s.control.Flush()
}
