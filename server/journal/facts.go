package journal

import (
	"net/http"
	"strings"
	"time"
)

// Surface is the part of the emulator that a request was for.
type Surface string

// The surfaces.
const (
	Console Surface = "console"
	IDP     Surface = "idp"
	Mock    Surface = "mock" // the control API and the front page
)

// Outcome is how a request ended, in one word.
type Outcome string

// The outcomes.
const (
	Allowed  Outcome = "allowed"
	Refused  Outcome = "refused"  // 401 or 403
	Rejected Outcome = "rejected" // another 4xx, or an error told by redirect
	Failed   Outcome = "failed"   // 5xx
	Aborted  Outcome = "aborted"  // the connection was dropped
)

// Facts are what is known of a request when it ends. Reading and redacting them
// is left to whoever looks at the entry, so that recording stays cheap.
type Facts struct {
	Time     time.Time     // of the world, when the request came
	Duration time.Duration // of the machine
	Sandbox  string        // id; "" for the main site
	Surface  Surface
	// Operation of the identity provider or the control API by its name; of the
	// Console by Method and Route, its path in the document.
	Operation string
	Route     string

	Method, Path, Query string // Path is the site's: without /s/{id}
	Proto               string
	Header              http.Header // of the request
	HeaderBytes         int         // see HeaderSize
	Answer              http.Header
	Status              int // 0: none was sent
	RequestBytes        int64
	ResponseBytes       int64

	ClientID  string // as the request says
	Person    string // login, as the request says
	GrantType string
	Principal Principal
	// Reason is why it was refused, in the words of Mock-Reason; Missing the
	// permission that was missing.
	Reason  string
	Missing string
	// Decided tells what an allowed request needed and which grant gave it; nil:
	// no single permission decided.
	Decided func() (permission, grant string)
	Fault   string // id of the fault that was applied
	Effect  string // what it did
	Aborted bool

	texts int // bytes of the texts that are kept; set by Trim
}

// Principal is whose credential the Console accepted.
type Principal struct {
	Name       string   `json:"name"`
	Email      string   `json:"email,omitempty"`
	Groups     []string `json:"groups,omitempty"` // of the Console
	Credential string   `json:"credential"`
	TokenID    string   `json:"token_id,omitempty"`
	Instance   string   `json:"application_instance,omitempty"`
}

// Bounds of what an entry keeps, in bytes.
const (
	maxPath   = 4 << 10
	maxHeader = 32 << 10
)

// Trim drops what is too large to be kept, before the facts are added.
func (f *Facts) Trim() {
	f.Path, f.Query, f.Reason = clip(f.Path), clip(f.Query), clip(f.Reason)
	if f.HeaderBytes > maxHeader {
		f.Header, f.HeaderBytes = nil, 0
	}
	answer := HeaderSize(f.Answer)
	if answer > maxHeader {
		f.Answer, answer = nil, 0
	}
	f.texts = len(f.Path) + len(f.Query) + len(f.Reason) + f.HeaderBytes + answer
}

// entryBytes is about what an entry takes beside its texts: the entry, its
// headers' maps, and what is decoded once it is read.
const entryBytes = 2 << 10

func clip(text string) string {
	if len(text) <= maxPath {
		return text
	}
	return strings.Clone(text[:maxPath]) + "…"
}

// HeaderSize is the length of names and values together, in bytes.
func HeaderSize(header http.Header) int {
	size := 0
	for name, values := range header {
		size += len(name)
		for _, value := range values {
			size += len(value)
		}
	}
	return size
}
