package seed

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// environment stands in for the process's.
func environment(name string) (string, bool) {
	value, set := map[string]string{
		"SET":       "3",
		"EMPTY":     "",
		"LONG":      "a value that is much longer than its placeholder",
		"TWO_LINES": "one\n  two",
	}[name]
	return value, set
}

// TestFaults loads every file and folder of testdata/faults as a source of its
// own and compares the faults with testdata/faults.golden: place, resource,
// field, and what is wrong. What a schema says is openapi's business: of that
// only place and field are compared.
func TestFaults(t *testing.T) {
	entries, err := os.ReadDir("testdata/faults")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, entry := range entries {
		l := &loader{lookup: environment}
		_, err := l.load([]string{filepath.Join("testdata/faults", entry.Name())})
		var faults Faults
		if !errors.As(err, &faults) {
			t.Errorf("%s: want faults, got %v", entry.Name(), err)
		}
		for _, f := range faults {
			if strings.HasPrefix(f.Problem, "expected ") {
				f.Problem, f.Remedy = "(schema)", ""
			}
			got.WriteString(strings.TrimPrefix(f.Error(), "testdata/faults/") + "\n")
		}
	}
	const golden = "testdata/faults.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		var g, w string
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Fatalf("line %d of the golden file\n got: %s\nwant: %s", i+1, g, w)
		}
	}
}
