package kinds

import (
	"time"

	"github.com/mockduktor/mockduktor/server/store"
)

// settleTime is how long Console takes to bring something to its Gateway: until
// then its status says pending. It is read off the world's clock, so a test that
// advances the clock need not wait.
const settleTime = 2 * time.Second

// settled says whether the last change of a resource has been carried out. What
// a seed brought always has.
func settled(v View, r *store.Resource) bool { return !v.Now.Before(r.UpdatedAt.Add(settleTime)) }

// shownTime is how resources show a date.
func shownTime(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// changedAt is when the resource was last changed, given the change at hand.
func (c *Change) changedAt() time.Time {
	if c.Outcome == NotChanged && c.Old != nil {
		return c.Old.UpdatedAt
	}
	return c.Tx.Now()
}

// createdAt is when the resource was made.
func (c *Change) createdAt() time.Time {
	if c.Old != nil {
		return c.Old.CreatedAt
	}
	return c.Tx.Now()
}

// keep copies a field that the server set before, and says whether it was there.
func (c *Change) keep(section, field string) bool {
	if c.Old == nil {
		return false
	}
	value, ok := part(c.Old.Object(), section)[field]
	if ok {
		part(c.Object, section)[field] = value
	}
	return ok
}

// stamp sets who made and changed the resource, and when.
func (c *Change) stamp() {
	metadata := part(c.Object, "metadata")
	metadata["createdAt"], metadata["updatedAt"] = shownTime(c.createdAt()), shownTime(c.changedAt())
	if !c.keep("metadata", "createdBy") {
		metadata["createdBy"] = c.by()
	}
	if c.Outcome != NotChanged || !c.keep("metadata", "updatedBy") {
		metadata["updatedBy"] = c.by()
	}
}
