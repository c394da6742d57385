package mockduktor

import "time"

// Fault makes requests go wrong: put it with Put, take it away with
// Delete("Fault", name).
type Fault struct {
	Name  string
	Match Request // Status does not count
	Skip  int     // fitting requests let through first
	Times int     // requests that go wrong at most; 0 is no limit

	Status     int    // of the answer, in the form of the surface
	Title      string // of the Console's error body; "" = the product's own
	Message    string
	RetryAfter int // seconds; 0 sends no header
	Latency    time.Duration
	// Effect are effects that have no field here, by their names in a seed, such
	// as drop, truncate and rotate_keys.
	Effect map[string]any
}

func (f Fault) object() map[string]any {
	effect := map[string]any{}
	put(effect, "status", f.Status != 0, f.Status)
	put(effect, "title", f.Title != "", f.Title)
	put(effect, "message", f.Message != "", f.Message)
	put(effect, "retry_after", f.RetryAfter != 0, f.RetryAfter)
	put(effect, "latency", f.Latency != 0, f.Latency.String())
	for name, value := range f.Effect {
		effect[name] = value
	}
	match := map[string]any{}
	for name, value := range map[string]string{"method": f.Match.Method, "path": f.Match.Path, "person": f.Match.Person,
		"operation": f.Match.Operation, "surface": f.Match.Surface} {
		put(match, name, value != "", value)
	}
	spec := map[string]any{"effect": effect}
	put(spec, "match", len(match) > 0, match)
	put(spec, "skip", f.Skip != 0, f.Skip)
	put(spec, "times", f.Times != 0, f.Times)
	return document("mockduktor/v1", "Fault", map[string]any{"name": f.Name}, spec)
}
