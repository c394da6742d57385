package console_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	console "github.com/mockduktor/mockduktor/examples/go"
	"github.com/mockduktor/mockduktor/server/mockduktor"
)

// Fifty tests at once. Their scenes contradict one another: the same names stand
// for other topics, grants, times and faults in each.
func TestFiftyScenesAtOnce(t *testing.T) {
	for i := range 50 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			own := fmt.Sprintf("scene-%d.", i)
			resources := []mockduktor.Resource{
				mockduktor.Person{Login: "ana", Groups: []string{"idp-team"}},
				mockduktor.Group{Name: "team", ExternalGroups: []string{"idp-team"}, Permissions: []mockduktor.Permission{
					mockduktor.OnTopics("dev", own+"*", "topicViewConfig"),
				}},
				mockduktor.Cluster{Name: "dev"},
				mockduktor.Topic{Cluster: "dev", Name: "shared", Partitions: i + 1},
				mockduktor.Topic{Cluster: "dev", Name: fmt.Sprintf("scene-%d.none", i+1)},
			}
			for n := range i % 7 {
				resources = append(resources, mockduktor.Topic{Cluster: "dev", Name: fmt.Sprint(own, n), Partitions: i + 1})
			}
			m := mockduktor.Start(t, mockduktor.With(resources...))
			start := time.Date(2030+i, time.January, 1, 0, 0, 0, 0, time.UTC)
			m.FreezeAt(start)
			if i%3 == 0 {
				m.Put(mockduktor.Fault{Name: "once", Times: 1, Match: mockduktor.Request{Surface: "console"}, Status: 500 + i%4})
			}
			client := as(m, "ana")
			for call := range 5 {
				topics, err := client.Topics(t.Context(), "dev")
				if i%3 == 0 && call == 0 {
					var failed *console.Error
					if !errors.As(err, &failed) || failed.Status != 500+i%4 {
						t.Errorf("the fault of this scene: %v", err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if len(topics) != i%7 {
					t.Errorf("%d topics, want %d", len(topics), i%7)
				}
				for _, topic := range topics {
					if topic.Spec.Partitions != i+1 {
						t.Errorf("topic of another scene: %+v", topic)
					}
				}
			}
			if i%2 == 0 {
				m.Delete("Group", "team")
				if topics, err := client.Topics(t.Context(), "dev"); err != nil || len(topics) != 0 {
					t.Errorf("without the group: %v, %v", topics, err)
				}
			}
			requests := m.Requests(mockduktor.Request{Person: "ana", Surface: "console"})
			if want := 5 + (i+1)%2; len(requests) != want {
				t.Errorf("%d requests, want %d", len(requests), want)
			}
			for _, one := range requests {
				if !one.Time.Equal(start) || one.Status == http.StatusUnauthorized {
					t.Errorf("%+v", one)
				}
			}
		})
	}
}
