package mockduktor

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/server/journal"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// Request says which requests are meant; a field that is empty fits all.
type Request struct {
	Method    string
	Path      string // below the emulator; * is any text within a segment, ** any text
	Person    string // login or e-mail
	Operation string // operationId of the document, such as listTopic
	Status    string // as 403 or 4xx
	Surface   string // console, idp or mock
}

func (m *Mock) filter(r Request) journal.Filter {
	m.t.Helper()
	query := url.Values{}
	for name, value := range map[string]string{"method": r.Method, "path": r.Path, "operation": r.Operation, "status": r.Status, "surface": r.Surface} {
		if value != "" {
			query.Set(name, value)
		}
	}
	filter, err := journal.ParseFilter(query)
	if err != nil {
		m.t.Fatalf("mockduktor: request: %v", err)
	}
	if r.Person != "" {
		filter.People = []string{r.Person}
		if person, known := kinds.FindPerson(m.server.Pair().World.View(), r.Person); known {
			filter.People = append(filter.People, person.Login, person.Email)
		}
	}
	return filter
}

// Requests returns the requests that came, oldest first, of those that the
// journal still keeps.
func (m *Mock) Requests(r Request) []*journal.View {
	m.t.Helper()
	filter := m.filter(r)
	var found []*journal.View
	for _, entry := range m.server.Site().Journal.Entries(0) {
		if filter.Matches(entry) {
			found = append(found, entry.View())
		}
	}
	return found
}

// WaitFor waits for a request, which may have come already, and ends the test
// when there is none in time. The failure says what came instead.
func (m *Mock) WaitFor(r Request, within time.Duration) *journal.View {
	m.t.Helper()
	filter := m.filter(r)
	ctx, cancel := context.WithTimeout(m.t.Context(), within)
	defer cancel()
	log := m.server.Site().Journal
	entry, err := log.Wait(ctx, 0, filter)
	if err == nil {
		return entry.View()
	}
	var came []string
	for _, one := range log.Entries(0) {
		view := one.View()
		came = append(came, view.Method+" "+view.Path+": "+strings.Join(filter.Misses(one), ", "))
	}
	if len(came) == 0 {
		came = []string{"no request at all"}
	}
	m.t.Fatalf("mockduktor: no such request within %s (%v). What came:\n%s", within, err, strings.Join(came, "\n"))
	return nil
}
