package kinds

import (
	"hash/fnv"
	"math"
	"slices"
	"time"

	"github.com/mockduktor/mockduktor/server/store"
)

// Live reads figures as they are at a time. With the simulation on they follow
// from the seed's and from how long ago that was loaded, by the world's clock: no
// goroutine moves them, and the same time always shows the same. They start at
// the seed's; what the clock shows before that moment shows the seed's too.
type Live struct {
	tx  *store.Tx
	now time.Time
	on  bool
}

// recordSimulation is a record whose value says whether figures move, where that
// was set in the world itself.
const recordSimulation = "mock.simulation"

// Live reads the figures of a world at a time.
func (e *Engine) Live(tx *store.Tx, now time.Time) Live {
	return Live{tx: tx, now: now, on: e.Simulated(tx)}
}

// Simulated says whether the figures of a world move.
func (e *Engine) Simulated(tx *store.Tx) bool {
	if set, err := tx.Record(recordSimulation, ""); err == nil {
		return set.Value.(bool)
	}
	return e.settings.Simulate
}

// Simulate lets the figures of a world move, or stand at the seed's. A reset
// forgets it.
func (e *Engine) Simulate(tx *store.Tx, on bool) error {
	return tx.PutRecord(store.Record{Kind: recordSimulation, Value: on})
}

const (
	// wave is how long a rate and a lag take to go up and down once, and swing how
	// far, as a part of the seed's figure.
	wave  = 10 * time.Minute
	swing = 0.5
	// Every so often a consumer group rebalances for a while.
	rebalanceEvery = 30 * time.Minute
	rebalanceFor   = 20 * time.Second
)

// Topic is the figures of a topic.
func (l Live) Topic(r *store.Resource) *TopicFigures {
	seed := r.Value.(*TopicFigures)
	elapsed := l.elapsed()
	if elapsed == 0 || seed.ProduceRate <= 0 {
		return seed
	}
	figures, phase := *seed, phaseOf(r)
	produced := produced(seed.ProduceRate, phase, elapsed)
	figures.RecordCount += int64(produced)
	if seed.TopicSize != nil && seed.RecordCount > 0 {
		size := *seed.TopicSize + int64(float64(*seed.TopicSize)/float64(seed.RecordCount)*math.Floor(produced))
		figures.TopicSize = &size
	}
	figures.ProduceRate = math.Round(seed.ProduceRate*(1+swing*math.Sin(angle(phase, elapsed)))*100) / 100
	last := l.now.Add(-time.Duration(float64(time.Second) / max(seed.ProduceRate, 1e-6) * phase)).Truncate(time.Millisecond)
	if seed.LastActivityAt == nil || last.After(*seed.LastActivityAt) {
		figures.LastActivityAt = &last
	}
	return &figures
}

// Group is a consumer group with its figures. One without members falls behind by
// what its topics get; one with members keeps up but for its rebalances.
func (l Live) Group(r *store.Resource) *ConsumerGroup {
	seed := r.Value.(*ConsumerGroup)
	elapsed := l.elapsed()
	if elapsed == 0 || seed.OverallLag == nil {
		return seed
	}
	group, phase := *seed, phaseOf(r)
	lag := float64(*seed.OverallLag)
	if seed.Members == 0 {
		lag += l.arrived(r.Parents, seed.Topics, 0, elapsed)
	} else {
		// From the seed's lag on: the wave begins at nought.
		lag *= 1 + swing*(math.Sin(angle(phase, elapsed))-math.Sin(angle(phase, 0)))/2
		if seed.State == "Stable" {
			since := rebalanceSince(phase, elapsed)
			switch {
			case since < rebalanceFor:
				lag += l.arrived(r.Parents, seed.Topics, elapsed-since, elapsed)
				group.State = "PreparingRebalance"
				if since >= rebalanceFor/2 {
					group.State = "CompletingRebalance"
				}
				group.Members = seed.Members - 1
			case since < 2*rebalanceFor:
				// What had piled up is read within as long again.
				began := elapsed - since
				left := 1 - float64(since-rebalanceFor)/float64(rebalanceFor)
				lag += left * l.arrived(r.Parents, seed.Topics, began, began+rebalanceFor)
			}
		}
	}
	whole := int64(math.Round(lag))
	group.OverallLag = &whole
	if seed.MaxLagTimeInSeconds != nil {
		behind := *seed.MaxLagTimeInSeconds
		switch {
		case *seed.OverallLag > 0:
			behind = int64(math.Round(float64(behind) * lag / float64(*seed.OverallLag)))
		case whole > 0:
			behind = max(behind, 1)
		}
		group.MaxLagTimeInSeconds = &behind
	}
	return &group
}

// elapsed is the time since the seed was loaded; nought while nothing moves.
func (l Live) elapsed() time.Duration {
	if !l.on {
		return 0
	}
	// A Duration ends at 292 years, the clock does not.
	return max(l.now.Sub(l.tx.Epoch()), 0)
}

// arrived is how many messages came to topics between two moments since the seed.
func (l Live) arrived(parents, topics []string, from, to time.Duration) float64 {
	sum := 0.0
	for _, topic := range topics {
		r, err := l.tx.Resource("TopicFigures", "v1", parents, topic)
		if err != nil {
			continue // a topic without figures gets nothing
		}
		rate, phase := r.Value.(*TopicFigures).ProduceRate, phaseOf(r)
		sum += produced(rate, phase, to) - produced(rate, phase, from)
	}
	return sum
}

// produced is the sum of a rate that swings, from the seed on.
func produced(rate, phase float64, elapsed time.Duration) float64 {
	period := wave.Seconds() / (2 * math.Pi)
	return rate * (elapsed.Seconds() + swing*period*(math.Cos(angle(phase, 0))-math.Cos(angle(phase, elapsed))))
}

func angle(phase float64, elapsed time.Duration) float64 {
	return 2 * math.Pi * (phase + float64(elapsed%wave)/float64(wave))
}

// rebalanceSince is how long ago the last rebalance of a group began. The seed
// finds the group between two: the first begins within rebalanceEvery.
func rebalanceSince(phase float64, elapsed time.Duration) time.Duration {
	const settled = 2 * rebalanceFor
	return (elapsed + settled + time.Duration(phase*float64(rebalanceEvery-settled))) % rebalanceEvery
}

// phaseOf is a number from nought to one of a resource's own, so that not all
// swing together.
func phaseOf(r *store.Resource) float64 {
	h := fnv.New32a()
	for _, part := range append(slices.Clone(r.Parents), r.Name) {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return float64(h.Sum32()) / (1 << 32)
}
