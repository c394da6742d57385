package journal

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Entry is one request in the journal. Safe for concurrent use.
type Entry struct {
	seq     uint64
	options *Options
	size    int // about what it takes, in bytes

	once    sync.Once
	facts   Facts // given up once read
	view    *View
	encoded []byte
}

// Seq is the entry's number in its journal.
func (e *Entry) Seq() uint64 { return e.seq }

// View is an entry as it is shown.
type View struct {
	Seq        uint64    `json:"seq"`
	Time       time.Time `json:"time"`        // of the world
	DurationMS float64   `json:"duration_ms"` // of the machine
	Sandbox    string    `json:"sandbox,omitempty"`
	Surface    Surface   `json:"surface"`
	Operation  string    `json:"operation,omitempty"`
	Method     string    `json:"method"`
	Path       string    `json:"path"`
	Query      string    `json:"query,omitempty"`
	Status     int       `json:"status,omitempty"`
	// Bytes of the bodies.
	RequestBytes  int64      `json:"request_bytes"`
	ResponseBytes int64      `json:"response_bytes"`
	ClientID      string     `json:"client_id,omitempty"`
	Person        string     `json:"person,omitempty"`
	GrantType     string     `json:"grant_type,omitempty"`
	Principal     *Principal `json:"principal,omitempty"`
	Token         *Token     `json:"token,omitempty"`
	Decision      Decision   `json:"decision"`
	Fault         *Fault     `json:"fault,omitempty"`
	// Headers by name; values that may be secret are not shown.
	RequestHeaders  map[string]string `json:"request_headers"`
	ResponseHeaders map[string]string `json:"response_headers"`

	proto string
}

// Decision is what became of a request and why.
type Decision struct {
	Outcome    Outcome `json:"outcome"`
	Reason     string  `json:"reason,omitempty"`
	Permission string  `json:"permission,omitempty"` // needed
	Grant      string  `json:"grant,omitempty"`      // that gave it
}

// Fault is the fault that was applied to a request.
type Fault struct {
	ID     string `json:"id"`
	Effect string `json:"effect"`
}

// View returns the entry as it is shown. It is shared: do not change it.
func (e *Entry) View() *View {
	e.once.Do(e.read)
	return e.view
}

// JSON returns the entry encoded. The bytes are shared: do not change them.
func (e *Entry) JSON() []byte {
	e.once.Do(e.read)
	return e.encoded
}

func (e *Entry) read() {
	f := &e.facts
	v := &View{
		Seq: e.seq, Time: f.Time, DurationMS: milliseconds(f.Duration), Sandbox: f.Sandbox, Surface: f.Surface,
		Operation: f.Operation, Method: f.Method, Path: scrub(f.Path), Query: f.showQuery(e.options),
		Status: f.Status, RequestBytes: f.RequestBytes, ResponseBytes: f.ResponseBytes,
		ClientID: scrub(f.ClientID), Person: scrub(f.Person), GrantType: scrub(f.GrantType),
		RequestHeaders: headers(f.Header), ResponseHeaders: headers(f.Answer), proto: f.Proto,
	}
	if v.Operation == "" && f.Route != "" && e.options.OperationID != nil {
		v.Operation = e.options.OperationID(f.Surface, f.Method, f.Route)
	}
	scheme, token := Credential(f.Header)
	v.Token = readToken(scheme, token, e.options.APIKeyClaim)
	if f.Principal.Credential != "" {
		principal := f.Principal
		if v.Token != nil && principal.TokenID == "" {
			principal.TokenID, _ = v.Token.Claims["jti"].(string)
		}
		v.Principal = &principal
		if v.Person == "" {
			v.Person = principal.Email
		}
	}
	if v.ClientID == "" && v.Token != nil {
		v.ClientID = clientIn(v.Token.Claims)
	}
	if f.Fault != "" {
		v.Fault = &Fault{ID: f.Fault, Effect: f.Effect}
	}
	v.Decision = decision(f)
	encoded, err := json.Marshal(v)
	if err != nil {
		// Claims come from JSON, all else is text and numbers.
		encoded = fmt.Appendf(nil, `{"seq":%d,"error":"the entry cannot be encoded"}`, e.seq)
	}
	e.view, e.encoded, e.facts = v, encoded, Facts{}
}

func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}

func decision(f *Facts) Decision {
	d := Decision{Outcome: Allowed, Reason: scrub(f.Reason), Permission: f.Missing}
	switch {
	case f.Aborted:
		d.Outcome = Aborted
	case f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden:
		d.Outcome = Refused
	case f.Status >= http.StatusInternalServerError:
		d.Outcome = Failed
	case f.Status >= http.StatusBadRequest || f.Reason != "":
		d.Outcome = Rejected
	case f.Decided != nil:
		d.Permission, d.Grant = f.Decided()
	}
	return d
}

func headers(header http.Header) map[string]string {
	shown := make(map[string]string, len(header))
	for name, values := range header {
		if !fieldName(name) {
			continue
		}
		text := ""
		for i, value := range values {
			if i > 0 {
				text += ", "
			}
			text += showHeader(name, value)
		}
		shown[name] = text
	}
	return shown
}

// fieldName refuses names that hold more than a name.
func fieldName(name string) bool { return len(name) <= 64 && scrub(name) == name }

// Nearest are the entries that came closest to a filter, those that fail the
// fewest of its conditions first, the newer of equals first.
func (j *Journal) Nearest(seq uint64, filter Filter, count int) []Near {
	var list []Near
	entries := j.Entries(seq)
	for i := range entries {
		entry := entries[len(entries)-1-i]
		why := filter.Misses(entry)
		at := len(list)
		for at > 0 && len(list[at-1].Why) > len(why) {
			at--
		}
		if len(why) > 0 && at < count {
			list = slices.Insert(list, at, Near{View: entry.View(), Why: why})
			list = list[:min(count, len(list))]
		}
	}
	return list
}

// Near is an entry that a filter did not let through, and why.
type Near struct {
	View *View
	Why  []string
}
