package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"time"
)

// batch is how many topics are put at once: few enough that a request ends within
// the server's minute on a busy machine too.
const batch = 2_000

// many starts a server whose world has count topics, a thousand of which the
// sharer sees, and tells how many bytes of resident memory each of them takes.
func (b *bench) many(count int) (*process, int64, error) {
	// The runtime's own account of its heap, as no request shows it.
	p, err := b.ours("cast", []string{"GODEBUG=gctrace=1"}, cast())
	if err != nil {
		return nil, 0, err
	}
	before, err := p.resident()
	if err != nil {
		return nil, 0, err
	}
	c, err := dial(p.address)
	if err != nil {
		return nil, 0, err
	}
	defer c.close()
	for from := 0; from < count; from += batch {
		fmt.Fprintf(os.Stderr, "\r%d of %d topics ", from, count)
		text := seedText(topics(from, min(from+batch, count), count))
		got, err := c.ask(request("POST", p.address, "/_mock/seed", "", "application/json", text))
		if err != nil {
			return nil, 0, err
		}
		if got.status != http.StatusOK {
			return nil, 0, fmt.Errorf("put topics: %d %.300s", got.status, got.body)
		}
	}
	fmt.Fprintln(os.Stderr)
	after, err := p.resident()
	return p, (after - before) / int64(count), err
}

// collected is a line of gctrace; the last size is what lived on, in MB.
var collected = regexp.MustCompile(`(?m)^gc (\d+) .* \d+->\d+->(\d+) MB,`)

// collections is how often the garbage collector has run, and what lived on the
// last time, in bytes.
func (p *process) collections() (count, live int64) {
	lines := collected.FindAllStringSubmatch(p.said.last(4096), -1)
	if len(lines) == 0 {
		return 0, 0
	}
	last := lines[len(lines)-1]
	count, _ = strconv.ParseInt(last[1], 10, 64) // both are digits
	live, _ = strconv.ParseInt(last[2], 10, 64)
	return count, live << 20
}

// liveHeap is what lives on the heap, by a collection after this call: the
// runtime makes one at least every two minutes.
func (p *process) liveHeap() (int64, error) {
	before, _ := p.collections()
	for range 130 {
		if count, live := p.collections(); count > before {
			return live, nil
		}
		time.Sleep(time.Second)
	}
	return 0, errors.New("the garbage collector did not run")
}

// pageSize is how many topics a page has.
const pageSize = 50

// page is a load of the sharer's pages, by name.
func page(name string, p *process) (*load, error) {
	tokens, err := mint(p, 64, "", sharer)
	if err != nil {
		return nil, err
	}
	const pages = granted / pageSize
	requests := make([][]byte, 0, len(tokens)*pages)
	for _, token := range tokens {
		for n := range pages {
			body := fmt.Sprintf(`{"page":%d,"itemsPerPage":%d,"sort":"ByName","descSort":false}`, n+1, pageSize)
			requests = append(requests, request("POST", p.address, "/public/v1/clusters/"+cluster+"/topics", token, "application/json", body))
		}
	}
	return &load{name: name, server: p, connections: 1, request: func(i int) []byte { return requests[i%len(requests)] },
		check: func(i int, got answer) error {
			var page struct {
				Page          int
				TotalElements int
				Data          []struct{ Name string }
			}
			if err := json.Unmarshal(got.body, &page); err != nil {
				return err
			}
			if got.status != http.StatusOK || page.Page != i%pages+1 || page.TotalElements != granted || len(page.Data) != pageSize || page.Data[0].Name == "" {
				return errors.New("wrong answer")
			}
			return nil
		}}, nil
}

// pageRow compares a page out of many topics with one out of few.
func (b *bench) pageRow(many, few *process, count, fewer int) (*row, error) {
	ours, err := page("page of many", many)
	if err != nil {
		return nil, err
	}
	limit, err := page(fmt.Sprintf("out of %d", fewer), few)
	if err != nil {
		return nil, err
	}
	return &row{what: fmt.Sprintf("page of 50 out of %d, 1,000 granted", count), ours: ours, limit: limit,
		count: 300, limits: 300, promise: fmt.Sprintf("≤ 2 × out of %d", fewer), kept: atMost(2)}, nil
}

// slowest is the line about the latency of a page.
func slowest(r *row) line {
	return line{what: "  the same by the wall clock, p50 and p99", ours: duration(r.p50()) + ", " + duration(r.p99()),
		promise: "p99 < 2 ms", kept: verdict(r.p99() < 2*time.Millisecond)}
}
