package console_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	console "github.com/mockduktor/mockduktor/examples/go"
	"github.com/mockduktor/mockduktor/server/mockduktor"
)

// as is the client under test, as somebody uses it.
func as(m *mockduktor.Mock, person string) *console.Client {
	return &console.Client{BaseURL: m.API(), HTTP: m.As(person)}
}

// The world of these tests: ana reads and makes the topics of orders.
var orders = mockduktor.With(
	mockduktor.Person{Login: "ana", Groups: []string{"idp-orders"}},
	mockduktor.Person{Login: "ben"},
	mockduktor.Group{Name: "orders-team", ExternalGroups: []string{"idp-orders"}, Permissions: []mockduktor.Permission{
		mockduktor.OnTopics("dev", "orders.*", "topicViewConfig", "topicCreate"),
	}},
	mockduktor.Cluster{Name: "dev"},
	mockduktor.Topic{Cluster: "dev", Name: "orders.placed", Partitions: 3},
	mockduktor.Topic{Cluster: "dev", Name: "bills.paid"},
)

func TestTopicsAreWhatTheCallerMaySee(t *testing.T) {
	t.Parallel()
	m := mockduktor.Start(t, orders)
	topics, err := as(m, "ana").Topics(t.Context(), "dev")
	if err != nil {
		t.Fatal(err)
	}
	if len(topics) != 1 || topics[0].Metadata.Name != "orders.placed" || topics[0].Spec.Partitions != 3 {
		t.Errorf("ana sees %+v", topics)
	}
	if topics, err = as(m, "ben").Topics(t.Context(), "dev"); err != nil || len(topics) != 0 {
		t.Errorf("ben sees %+v, %v", topics, err)
	}
}

func TestCreateTopicIsRefused(t *testing.T) {
	t.Parallel()
	m := mockduktor.Start(t, orders)
	if err := as(m, "ana").CreateTopic(t.Context(), "dev", "orders.shipped", 6); err != nil {
		t.Fatal(err)
	}
	var refused *console.Error
	if err := as(m, "ana").CreateTopic(t.Context(), "dev", "bills.sent", 6); !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
		t.Errorf("got %v", err)
	}
}

// What an outage looks like to the client, and that the next call is well.
func TestTopicsDuringAnOutage(t *testing.T) {
	t.Parallel()
	m := mockduktor.Start(t, orders)
	m.Put(mockduktor.Fault{Name: "down", Match: mockduktor.Request{Operation: "listTopic"}, Times: 1, Status: http.StatusServiceUnavailable, RetryAfter: 5})
	client := as(m, "ana")
	var failed *console.Error
	if _, err := client.Topics(t.Context(), "dev"); !errors.As(err, &failed) || failed.RetryAfter != "5" {
		t.Errorf("got %v", err)
	}
	if _, err := client.Topics(t.Context(), "dev"); err != nil {
		t.Error(err)
	}
}

// A token that has run out, without waiting for it.
func TestTopicsWithAnExpiredToken(t *testing.T) {
	t.Parallel()
	m := mockduktor.Start(t, orders)
	client := &console.Client{BaseURL: m.API(), HTTP: m.WithToken(m.Token("ana"))}
	m.Clock().Advance(24 * time.Hour)
	var refused *console.Error
	if _, err := client.Topics(t.Context(), "dev"); !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		t.Errorf("got %v", err)
	}
	if seen := m.WaitFor(mockduktor.Request{Status: "401"}, time.Second); seen.Path != "/api/public/kafka/v2/cluster/dev/topic" {
		t.Errorf("%+v", seen)
	}
}
