package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/faults"
	"github.com/mockduktor/mockduktor/server/journal"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// exchange is one request and its answer on the way through the server: what
// the journal will tell of it, and what a fault makes of the answer.
type exchange struct {
	http.ResponseWriter
	site    *Site
	request *http.Request
	began   time.Time // by the machine
	facts   journal.Facts
	who     *console.Principal
	need    kinds.Need // that who holds
	wrote   bool       // the header is out
	read    int64      // bytes of the request's body

	oversized *kinds.Error // see Server.oversized; nil for most

	fault *faults.Rule // that was applied; nil: none
	held  *bytes.Buffer
}

type exchangeKey struct{}

// exchangeOf finds the exchange of a request; nil outside of the server's own
// handler.
func exchangeOf(r *http.Request) *exchange {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return x
}

// counted counts what is read of a body.
type counted struct {
	io.ReadCloser
	x *exchange
}

func (b counted) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.x.read += int64(n)
	return n, err
}

// open begins an exchange; the request it returns leads to it.
func (s *Server) open(w http.ResponseWriter, r *http.Request, site *Site) (*exchange, *http.Request) {
	x := &exchange{ResponseWriter: w, site: site, began: time.Now()}
	x.facts = journal.Facts{
		Time: site.World.Clock.Now(), Sandbox: site.ID, Surface: journal.Console,
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Proto: r.Proto, HeaderBytes: journal.HeaderSize(r.Header),
	}
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = counted{r.Body, x}
	}
	x.request = r
	return x, r
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) {
	if status >= 100 && status < 200 {
		x.ResponseWriter.WriteHeader(status)
		return
	}
	if x.facts.Status == 0 {
		x.facts.Status = status
	}
	if x.held == nil && !x.wrote {
		x.wrote = true
		x.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(data []byte) (int, error) {
	if x.facts.Status == 0 {
		x.facts.Status = http.StatusOK
	}
	if x.held != nil {
		return x.held.Write(data)
	}
	x.wrote = true
	n, err := x.ResponseWriter.Write(data)
	x.facts.ResponseBytes += int64(n)
	return n, err
}

// spoil keeps the answer back until it is whole, so that finish can spoil it.
func (x *exchange) spoil() {
	if x.held == nil && !x.wrote {
		x.held = &bytes.Buffer{}
	}
}

// finish sends an answer that was kept back, as the fault wants it. It may end
// the connection, by http.ErrAbortHandler.
func (x *exchange) finish(ctx context.Context) {
	effect := &x.fault.Effect
	body := effect.Spoil(x.Header(), x.held.Bytes())
	x.held = nil
	status := x.facts.Status
	if status == 0 {
		status = http.StatusOK
	}
	header := x.Header()
	bodiless := x.request.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
	if !bodiless {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.WriteHeader(status)
	if effect.Drop == faults.DropAfter {
		x.abort()
	}
	if bodiless {
		return
	}
	cut := len(body)
	if effect.Truncate != nil {
		cut = min(cut, *effect.Truncate)
	}
	if !x.drip(ctx, body[:cut]) || cut < len(body) {
		x.abort()
	}
}

// drip writes a body in the pieces that the fault wants; false when the client
// has gone meanwhile.
func (x *exchange) drip(ctx context.Context, body []byte) bool {
	effect := &x.fault.Effect
	size := effect.DripBytes
	if size == 0 {
		_, err := x.Write(body)
		return err == nil
	}
	control := http.NewResponseController(x)
	for len(body) > 0 {
		extend(control, effect.DripEvery+x.site.config.Timeouts.Write)
		if _, err := x.Write(body[:min(size, len(body))]); err != nil || control.Flush() != nil {
			return false
		}
		body = body[min(size, len(body)):]
		if len(body) > 0 && !pause(ctx, effect.DripEvery) {
			return false
		}
	}
	return true
}

// extend gives a connection time anew. A writer without deadlines, as in tests,
// has no need of it.
func extend(control *http.ResponseController, wait time.Duration) {
	_ = control.SetWriteDeadline(time.Now().Add(wait))
	_ = control.SetReadDeadline(time.Now().Add(wait))
}

// pause waits, unless ctx ends before; then it is false.
func pause(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// abort ends the connection; what has been written so far is sent.
func (x *exchange) abort() {
	// The headers have to be out before the connection ends.
	_ = http.NewResponseController(x).Flush()
	x.cut()
}

// cut ends the connection as it is.
func (x *exchange) cut() {
	x.facts.Aborted = true
	panic(http.ErrAbortHandler)
}

// unread are the requests that are about the journal itself: a test that asks it
// again and again must not push out what it looks for.
const unread = "/_mock/journal"

// record puts the exchange into its site's journal.
func (x *exchange) record(whole bool) {
	log := x.site.Journal
	rest, about := strings.CutPrefix(x.facts.Path, unread)
	if !log.On() || about && (rest == "" || rest[0] == '/' || rest[0] == '.') {
		return
	}
	f := &x.facts
	f.Duration = time.Since(x.began)
	f.Header, f.Answer = x.request.Header, x.Header()
	f.RequestBytes = x.read
	if !whole {
		f.Aborted = true
	}
	if f.Reason == "" {
		f.Reason = f.Answer.Get(console.ReasonHeader)
	}
	if x.who != nil {
		f.Principal = principalOf(x.who)
		if f.Status < http.StatusBadRequest {
			f.Decided = decided(x.who, x.need)
		}
	}
	f.Trim()
	log.Add(*f)
}

func principalOf(who *console.Principal) journal.Principal {
	p := journal.Principal{Name: who.String(), Email: who.Email, Groups: who.Groups(), Credential: string(who.Sort), Instance: who.Instance}
	if who.Key != nil {
		p.TokenID = who.Key.ID
	}
	return p
}

// decided tells what a permitted call needed and what gave it, when somebody
// asks; nil where no single permission decided.
func decided(who *console.Principal, need kinds.Need) func() (permission, grant string) {
	switch {
	case len(need.Grant.AnyOf) > 0:
		return func() (string, string) {
			if by := who.Subject().Decide(need.Grant).By; by != nil {
				return need.Grant.String(), by.String()
			}
			return need.Grant.String(), ""
		}
	case need.Application != "":
		return func() (string, string) { return "ownership of application " + need.Application, "" }
	}
	return nil
}
