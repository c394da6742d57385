package main

import (
	"fmt"
	"os"
	"slices"
	"time"
)

// row is a promise with the two loads that are compared.
type row struct {
	what    string
	ours    *load
	limit   *load // nil where the promise is a figure of its own
	count   int   // requests of ours in a round
	limits  int   // requests of limit in a round
	promise string
	kept    func(r *row) bool

	oursSpent, limitSpent []spent
	ratios                []float64
}

// measure runs rounds of every row, each with its limit directly before or after
// it, in turn: what the machine does meanwhile meets both.
func measure(rows []*row, rounds int) error {
	for n := range rounds + 1 {
		fmt.Fprintf(os.Stderr, "\rround %d of %d ", n, rounds)
		for _, r := range rows {
			if err := r.round(n); err != nil {
				return err
			}
		}
	}
	fmt.Fprintln(os.Stderr)
	return nil
}

// round 0 warms up and does not count.
func (r *row) round(n int) error {
	var ours, limit spent
	steps := []func() error{func() (err error) { ours, err = r.ours.round(r.count); return err }}
	if r.limit != nil {
		steps = append(steps, func() (err error) { limit, err = r.limit.round(r.limits); return err })
	}
	if n%2 == 1 {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if n == 0 {
		return nil
	}
	r.oursSpent = append(r.oursSpent, ours)
	if r.limit != nil {
		r.limitSpent = append(r.limitSpent, limit)
		r.ratios = append(r.ratios, float64(ours.cpu)/float64(limit.cpu))
	}
	return nil
}

func (r *row) cpu() time.Duration {
	return median(r.oursSpent, func(s spent) time.Duration { return s.cpu })
}
func (r *row) p50() time.Duration {
	return median(r.oursSpent, func(s spent) time.Duration { return s.p50 })
}
func (r *row) p99() time.Duration {
	return median(r.oursSpent, func(s spent) time.Duration { return s.p99 })
}

func (r *row) limitCPU() time.Duration {
	return median(r.limitSpent, func(s spent) time.Duration { return s.cpu })
}

// ratio is ours over limit, the median of the rounds.
func (r *row) ratio() float64 {
	sorted := slices.Sorted(slices.Values(r.ratios))
	return sorted[len(sorted)/2]
}

func median(rounds []spent, of func(spent) time.Duration) time.Duration {
	all := make([]time.Duration, len(rounds))
	for i, one := range rounds {
		all[i] = of(one)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// atMost promises a ratio of at most so much.
func atMost(limit float64) func(*row) bool { return func(r *row) bool { return r.ratio() <= limit } }

// shareOf promises that the limit is at least this share of ours.
func shareOf(share float64) func(*row) bool {
	return func(r *row) bool { return 1/r.ratio() >= share }
}

// under promises processor time per request.
func under(limit time.Duration) func(*row) bool { return func(r *row) bool { return r.cpu() < limit } }

// line is the row as it is printed.
func (r *row) line() line {
	l := line{what: r.what, ours: duration(r.cpu()), promise: r.promise}
	if r.limit != nil {
		l.limit = r.limit.name + " " + duration(r.limitCPU())
		l.ratio = fmt.Sprintf("%.2f", r.ratio())
	}
	if r.kept != nil {
		l.kept = verdict(r.kept(r))
	}
	return l
}
