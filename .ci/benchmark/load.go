package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load is one kind of request to one server.
type load struct {
	name    string
	server  *process
	request func(i int) []byte // i never comes twice in a run
	check   func(i int, got answer) error
	// connections that ask beside each other.
	connections int
	// before, where there is one, is sent ahead of each request and not counted;
	// it needs a single connection.
	before func(i int) []byte
	// works is how many pieces of work one request does; 0 means one.
	works int

	kept []*connection
	sent atomic.Int64
}

// spent is what one request of a round cost.
type spent struct {
	cpu      time.Duration // of the server
	p50, p99 time.Duration // of the wall clock
}

// round sends count requests. Any answer that is not what it should be is an
// error: it voids the run.
func (l *load) round(count int) (spent, error) {
	for len(l.kept) < l.connections {
		c, err := dial(l.server.address)
		if err != nil {
			return spent{}, err
		}
		l.kept = append(l.kept, c)
	}
	began, err := l.server.cpu()
	if err != nil {
		return spent{}, err
	}
	took := make([][]time.Duration, l.connections)
	failed := make([]error, l.connections)
	asides := make([]time.Duration, l.connections)
	var left atomic.Int64
	left.Store(int64(count))
	var all sync.WaitGroup
	for n, c := range l.kept {
		all.Go(func() {
			for left.Add(-1) >= 0 && failed[n] == nil {
				var wall, aside time.Duration
				if wall, aside, failed[n] = l.one(c); failed[n] == nil {
					took[n] = append(took[n], wall)
					asides[n] += aside
				}
			}
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return spent{}, fmt.Errorf("%s: %w", l.name, err)
	}
	ended, err := l.server.cpu()
	if err != nil {
		return spent{}, err
	}
	sorted := slices.Concat(took...)
	slices.Sort(sorted)
	counted := ended - began
	for _, aside := range asides {
		counted -= aside
	}
	works := time.Duration(count * max(l.works, 1))
	return spent{counted / works, sorted[len(sorted)/2], sorted[len(sorted)*99/100]}, nil
}

// one sends a request, and what goes before; aside is what that cost the server.
func (l *load) one(c *connection) (wall, aside time.Duration, err error) {
	i := int(l.sent.Add(1)) - 1
	if l.before != nil {
		if aside, err = l.prepare(c, i); err != nil {
			return 0, 0, err
		}
	}
	request := l.request(i)
	began := time.Now()
	got, err := c.ask(request)
	if err != nil {
		return 0, 0, err
	}
	wall = time.Since(began)
	if err := l.check(i, got); err != nil {
		return 0, 0, fmt.Errorf("%w: %d %.300s", err, got.status, got.body)
	}
	return wall, aside, nil
}

func (l *load) prepare(c *connection, i int) (time.Duration, error) {
	request := l.before(i)
	began, err := l.server.cpu()
	if err != nil {
		return 0, err
	}
	got, err := c.ask(request)
	if err != nil {
		return 0, err
	}
	if got.status >= 300 {
		return 0, fmt.Errorf("before the request: %d %.300s", got.status, got.body)
	}
	ended, err := l.server.cpu()
	return ended - began, err
}
