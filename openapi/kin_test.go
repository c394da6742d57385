package openapi

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"
)

// TestAgreesWithKin: this package's checks and kin-openapi's plain visitor accept
// and refuse the same resources, so whoever takes the document to a validator of
// their own sees what this server does. The values keep to what both look at (see
// drawValue).
func TestAgreesWithKin(t *testing.T) {
	schemas := make(map[*Kind]*openapi3.Schema)
	for _, d := range documents {
		doc := loadKin(t, d)
		for _, k := range d.Kinds() {
			schemas[k] = doc.Paths.Value(k.ListPath).Put.RequestBody.Value.Content["application/json"].Schema.Value
		}
	}
	good, bad := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(everyKind()).Draw(t, "kind")
		faults := rapid.Bool().Draw(t, "faults")
		v := drawValue(t, k.schema(), faults, 0)
		r, ok := v.(map[string]any)
		if !ok {
			t.Skip("not an object")
		}
		problems, err := k.Validate(r), schemas[k].VisitJSON(r)
		if (problems == nil) != (err == nil) {
			t.Fatalf("%s %v:\nours: %v\nkin: %v", k.Name, r, problems, err)
		}
		if !faults && problems != nil {
			t.Fatalf("%s %v should be good: %v", k.Name, r, problems)
		}
		if problems == nil {
			good++
		} else {
			bad++
		}
	})
	if good == 0 || bad == 0 {
		t.Errorf("the test saw %d good resources and %d bad ones", good, bad)
	}
}
