package kinds

import (
	"errors"
	"fmt"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/faults"
	"github.com/mockduktor/mockduktor/server/store"
)

// FaultKind is the kind of rules by which requests go wrong.
const FaultKind = "Fault"

// MaxFaults bounds the faults of a world: each request that may go wrong is held
// to all of them.
const MaxFaults = 100

// recordFault counts what a fault did; value: faultCounts.
const recordFault = "fault"

// faultCounts belong to one form of a rule: one that is put anew starts anew.
type faultCounts struct {
	rule *faults.Rule
	faults.Counts
}

// placedFault is the typed form of a Fault.
type placedFault struct {
	rule  *faults.Rule
	place int // the first that fits is applied, in the order in which they came
}

func faultRule() *Rule {
	return &Rule{
		Check: func(c *Change) error {
			if c.Old != nil {
				return nil
			}
			count := 0
			for range c.Tx.Resources(FaultKind, "v1", nil, "") {
				count++
			}
			if count >= MaxFaults {
				return conflict("metadata.name", "there are %d faults already, the most there may be: delete one first", MaxFaults)
			}
			return nil
		},
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			rule, problems := faults.Parse(object)
			return &placedFault{rule: rule}, problems
		},
		Settle: settlePlace(FaultKind, placeOfFault),
	}
}

// Faults returns the Fault resources of a world in the order in which they came.
func Faults(tx *store.Tx) []*store.Resource {
	return inPlace(tx, FaultKind, placeOfFault)
}

func placeOfFault(value any) *int { return &value.(*placedFault).place }

// FaultCounts tells what the rule of a Fault resource did so far.
func FaultCounts(tx *store.Tx, fault *store.Resource) faults.Counts {
	return countsOf(tx, fault.Value.(*placedFault).rule)
}

func countsOf(tx *store.Tx, rule *faults.Rule) faults.Counts {
	record, err := tx.Record(recordFault, rule.ID)
	if err != nil {
		return faults.Counts{}
	}
	if counted, ok := record.Value.(faultCounts); ok && counted.rule == rule {
		return counted.Counts
	}
	return faults.Counts{}
}

// FireFault finds the first fault of a world that makes a request go wrong, and
// counts; nil if none does. global asks for those alone that hold in sandboxes.
func FireFault(world *store.World, request *faults.Request, global bool) (*faults.Rule, faults.Counts, error) {
	for _, resource := range Faults(world.View()) {
		rule := resource.Value.(*placedFault).rule
		if global && !rule.Global || !rule.Fits(request) || rule.Spent(countsOf(world.View(), rule)) {
			continue
		}
		var counts faults.Counts
		fires := false
		err := world.Update(func(tx *store.Tx) error {
			// The rule may have been deleted meanwhile, and its counts with it.
			if now, err := tx.Resource(FaultKind, "v1", nil, rule.ID); errors.Is(err, store.ErrNotFound) || err == nil && now.Value != resource.Value {
				return nil
			} else if err != nil {
				return err
			}
			counts, fires = rule.Next(countsOf(tx, rule))
			return tx.PutRecord(store.Record{Kind: recordFault, ID: rule.ID, Value: faultCounts{rule, counts}})
		})
		if err != nil {
			return nil, counts, fmt.Errorf("fault %s: %w", rule.ID, err)
		}
		if fires {
			return rule, counts, nil
		}
	}
	return nil, faults.Counts{}, nil
}

// HasFaults tells whether a world has any fault at all.
func HasFaults(tx *store.Tx) bool {
	for range tx.Resources(FaultKind, "v1", nil, "") {
		return true
	}
	return false
}

// SetPersonGroups replaces the groups that somebody has at the identity
// provider; it reports whether there is such a person.
func (e *Engine) SetPersonGroups(tx *store.Tx, name string, groups []string) (bool, error) {
	person, known := FindPerson(tx, name)
	if !known {
		return false, nil
	}
	resource, err := tx.Resource("Person", "v1", nil, person.Login)
	if err != nil {
		return false, err
	}
	kind, err := e.kindOf(resource)
	if err != nil {
		return false, err
	}
	object := e.Written(kind, resource)
	list := make([]any, len(groups))
	for i, group := range groups {
		list[i] = group
	}
	spec := part(object, "spec")
	spec["groups"] = list
	_, _, err = e.Apply(tx, Request{Kind: kind, Object: object})
	return true, err
}
