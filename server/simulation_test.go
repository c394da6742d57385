package server_test

import (
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server"
)

// liveRow is a row of either list with what moves.
type liveRow struct {
	Name                string     `json:"name"`
	RecordCount         int64      `json:"recordCount"`
	TopicSize           *int64     `json:"topicSize"`
	ProduceRate         float64    `json:"produceRate"`
	LastActivityAt      *time.Time `json:"lastActivityAt"`
	State               string     `json:"state"`
	Members             int        `json:"members"`
	OverallLag          *int64     `json:"overallLag"`
	MaxLagTimeInSeconds *int64     `json:"maxLagTimeInSeconds"`
}

func liveRows(t testing.TB, running *server.Server, what string) map[string]liveRow {
	t.Helper()
	got := send(t, running, http.MethodPost, "/public/v1/clusters/production/"+what, "mock-admin-key", "application/json",
		[]byte(`{"page":1,"itemsPerPage":200,"sort":"ByName","descSort":false}`))
	var page struct{ Data []liveRow }
	got.json(t, &page)
	if got.status != http.StatusOK || len(page.Data) < 5 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	rows := map[string]liveRow{}
	for _, row := range page.Data {
		rows[row.Name] = row
	}
	return rows
}

// startStill serves the default estate with a clock that stands where the seed
// was loaded.
func startStill(t testing.TB, config server.Config) (*server.Server, time.Time) {
	t.Helper()
	running := start(t, config)
	epoch := running.Pair().World.View().Epoch()
	frozen := true
	running.Pair().World.Clock.Change(&epoch, &frozen)
	return running, epoch
}

func TestFiguresStandUnlessAskedTo(t *testing.T) {
	running, _ := startStill(t, server.Config{})
	topics, groups := liveRows(t, running, "topics"), liveRows(t, running, "consumergroups")
	running.Pair().World.Clock.Advance(time.Hour)
	if !reflect.DeepEqual(topics, liveRows(t, running, "topics")) || !reflect.DeepEqual(groups, liveRows(t, running, "consumergroups")) {
		t.Error("figures move with the simulation off")
	}
}

func TestFiguresMoveByTheClock(t *testing.T) {
	still, _ := startStill(t, server.Config{})
	seedTopics, seedGroups := liveRows(t, still, "topics"), liveRows(t, still, "consumergroups")
	running, epoch := startStill(t, server.Config{Simulate: true})
	clock := running.Pair().World.Clock
	at := func(after time.Duration) (map[string]liveRow, map[string]liveRow) {
		clock.Set(epoch.Add(after))
		return liveRows(t, running, "topics"), liveRows(t, running, "consumergroups")
	}
	numbers := func(rows map[string]liveRow) map[string]liveRow {
		bare := map[string]liveRow{}
		for name, row := range rows {
			row.LastActivityAt = nil // of two starts
			bare[name] = row
		}
		return bare
	}
	for _, begin := range []time.Duration{0, -time.Hour} {
		topics, groups := at(begin)
		if !reflect.DeepEqual(numbers(topics), numbers(seedTopics)) || !reflect.DeepEqual(numbers(groups), numbers(seedGroups)) {
			t.Errorf("at %s the figures are not the seed's", begin)
		}
	}
	type moment struct{ topics, groups map[string]liveRow }
	kept := map[time.Duration]moment{}
	states, before := map[string]map[string]bool{}, moment{seedTopics, seedGroups}
	for after := time.Duration(0); after <= 40*time.Minute; after += 5 * time.Second {
		topics, groups := at(after)
		kept[after] = moment{topics, groups}
		for name, row := range topics {
			seed, last := seedTopics[name], before.topics[name]
			if row.RecordCount < last.RecordCount || row.ProduceRate < seed.ProduceRate*0.49 || row.ProduceRate > seed.ProduceRate*1.51+0.01 {
				t.Fatalf("%s after %s: %+v, before %+v", name, after, row, last)
			}
			if most := seed.ProduceRate*1.5*5 + 2; float64(row.RecordCount-last.RecordCount) > most {
				t.Fatalf("%s after %s jumps by %d", name, after, row.RecordCount-last.RecordCount)
			}
			if row.LastActivityAt != nil && row.LastActivityAt.After(epoch.Add(after)) {
				t.Fatalf("%s was active at %s, it is %s", name, row.LastActivityAt, epoch.Add(after))
			}
		}
		for name, row := range groups {
			if states[name] == nil {
				states[name] = map[string]bool{}
			}
			states[name][row.State] = true
			if row.OverallLag != nil && (*row.OverallLag < 0 || *row.MaxLagTimeInSeconds < 0) || row.Members < 0 {
				t.Fatalf("%s after %s: %+v", name, after, row)
			}
		}
		before = moment{topics, groups}
	}
	grew, moved, rebalanced := 0, 0, 0
	for name, row := range before.topics {
		seed := seedTopics[name]
		if seed.ProduceRate > 0.1 && row.RecordCount > seed.RecordCount && *row.TopicSize > *seed.TopicSize && row.LastActivityAt.After(epoch) {
			grew++
		}
	}
	for name, row := range before.groups {
		seed := seedGroups[name]
		if seed.OverallLag != nil && *seed.OverallLag > 10 && *row.OverallLag != *seed.OverallLag {
			moved++
		}
		if seed.State == "Stable" && seed.Members > 0 && seed.OverallLag != nil {
			rebalanced++
			if len(states[name]) != 3 || !states[name]["PreparingRebalance"] || !states[name]["CompletingRebalance"] {
				t.Errorf("%s was in %v", name, states[name])
			}
		}
	}
	if grew < 10 || moved < 3 || rebalanced < 3 {
		t.Errorf("%d topics grew, %d lags moved, %d groups rebalance", grew, moved, rebalanced)
	}
	// Back in time, and once more from a reset, the same figures come again.
	for _, after := range []time.Duration{40 * time.Minute, 5 * time.Second, 20 * time.Minute} {
		running.Pair().World.Reset()
		topics, groups := at(after)
		if !reflect.DeepEqual(moment{topics, groups}, kept[after]) {
			t.Errorf("after %s the figures are others the second time", after)
		}
	}
	// Nothing overflows in centuries.
	if topics, _ := at(200 * 365 * 24 * time.Hour); topics["checkout.order.placed.v1"].RecordCount < before.topics["checkout.order.placed.v1"].RecordCount {
		t.Error("the count fell")
	}
}

func TestSimulationIsSetPerWorld(t *testing.T) {
	running, _ := startStill(t, server.Config{})
	if _, err := running.OpenSandbox("moving", "", 0); err != nil {
		t.Fatal(err)
	}
	expect := func(base string, enabled bool) {
		t.Helper()
		got := mock(t, running, http.MethodGet, base+"/_mock/simulation", nil)
		expectStatus(t, base, got, http.StatusOK, fmt.Sprintf(`"enabled":%t`, enabled))
		fitsMock(t, http.MethodGet, "/_mock/simulation", got)
	}
	expect("", false)
	got := mock(t, running, http.MethodPut, "/s/moving/_mock/simulation", object{"enabled": true})
	expectStatus(t, "on", got, http.StatusOK, `"enabled":true`)
	expect("/s/moving", true)
	expect("", false)
	expectStatus(t, "reset", mock(t, running, http.MethodPost, "/s/moving/_mock/reset", nil), http.StatusNoContent)
	expect("/s/moving", false)
	for _, body := range []any{object{}, object{"enabled": "yes"}, object{"enabled": true, "speed": 2}} {
		expectStatus(t, fmt.Sprint(body), mock(t, running, http.MethodPut, "/_mock/simulation", body), http.StatusBadRequest)
	}
}
