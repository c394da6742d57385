package main

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"time"
)

// startLines are binary size, start and idle memory, by the project's own
// measures.
func (b *bench) startLines() ([]line, error) {
	file, err := os.Stat(b.binary)
	if err != nil {
		return nil, err
	}
	found := medians.FindAllStringSubmatch(b.start, -1)
	if len(found) != 2 {
		return nil, fmt.Errorf("-start is %q", b.start)
	}
	var figures [2]float64
	for i, one := range found {
		if figures[i], err = strconv.ParseFloat(one[1], 64); err != nil {
			return nil, err
		}
	}
	return []line{
		{what: "exec to discovery", ours: fmt.Sprintf("%.1f ms", figures[0]), promise: "≤ 50 ms", kept: verdict(figures[0] <= 50)},
		{what: "resident memory, idle", ours: fmt.Sprintf("%.1f MiB", figures[1]), promise: "≤ 25 MiB", kept: verdict(figures[1] <= 25)},
		{what: "binary", ours: fmt.Sprintf("%.2f MB", float64(file.Size())/1e6), promise: "≤ 25 MB", kept: verdict(file.Size() <= 25_000_000)},
	}, nil
}

var medians = regexp.MustCompile(`median ([0-9.]+)`)

// boxes is how many sandboxes are opened to see what one holds.
const boxes = 5000

// sandboxLine is what a sandbox adds to resident memory. The server may have
// 10,000 at once.
func (b *bench) sandboxLine() (line, error) {
	p, err := b.ours("boxes", nil, nil)
	if err != nil {
		return line{}, err
	}
	open := &load{name: "sandbox", server: p, connections: 1, check: holds(http.StatusCreated, `"id":"box-`), request: func(i int) []byte {
		return request("POST", p.address, "/_mock/sandboxes", "", "application/json", fmt.Sprintf(`{"id":"box-%d"}`, i))
	}}
	// Fills what is made on first use, the journal too.
	if _, err := open.round(1000); err != nil {
		return line{}, err
	}
	time.Sleep(time.Second)
	before, err := p.resident()
	if err != nil {
		return line{}, err
	}
	if _, err := open.round(boxes); err != nil {
		return line{}, err
	}
	after, err := p.resident()
	if err != nil {
		return line{}, err
	}
	each := float64(after-before) / boxes
	return line{what: "memory of a sandbox, as RSS", ours: fmt.Sprintf("%.1f KB", each/1e3), promise: "< 64 KB", kept: verdict(each < 64e3)}, p.stop()
}
