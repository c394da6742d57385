package console

import (
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// A login of nobody takes the same way as one with a wrong password: it compares.
// What is compared is so long here that leaving it out would show by orders of
// magnitude, however busy the machine is.
func TestUnknownUsersCostAComparison(t *testing.T) {
	world := store.New()
	engine := kinds.New(openapi.Console(), openapi.Mock(), kinds.Settings{AdminEmail: "root@shop.example"})
	person := map[string]any{"apiVersion": "mockduktor/v1", "kind": "Person", "metadata": map[string]any{"name": "ada"},
		"spec": map[string]any{"email": "ada@shop.example", "password": "not-a-real-password"}}
	err := world.Update(func(tx *store.Tx) error {
		kind, err := engine.Kind("mockduktor/v1", "Person")
		if err != nil {
			return err
		}
		_, _, err = engine.Apply(tx, kinds.Request{Kind: kind, Object: person})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s := New(world, engine, openapi.Console(), Settings{AdminEmail: "root@shop.example", AdminPassword: "not-a-real-one"}, NewOwnKeys(nil), nil)
	long := strings.Repeat("x", 4<<20)
	names := []string{"ada", "nobody", "root@shop.example", ""}
	least := map[string]time.Duration{}
	for range 30 { // in turns, so that all have the same quiet moments
		for _, name := range names {
			began := time.Now()
			if _, err := s.checkPassword(name, long); err == nil {
				t.Fatalf("%s signs in", name)
			}
			if took := time.Since(began); least[name] == 0 || took < least[name] {
				least[name] = took
			}
		}
	}
	for _, name := range names {
		if least[name] < least["ada"]*3/4 {
			t.Errorf("%q: %s, somebody known: %s", name, least[name], least["ada"])
		}
	}
}
