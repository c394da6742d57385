package seed

import (
	"errors"
	"strings"
	"testing"
)

func TestParseTouchesNothingOfThisMachine(t *testing.T) {
	t.Setenv("SEED_SECRET", "the secret")
	documents, err := Parse([]byte("apiVersion: mockduktor/v1\nkind: Person\nmetadata: {name: ana}\nspec: {name: \"${SEED_SECRET:-nobody}\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(documents) != 1 || documents[0].Object["spec"].(map[string]any)["name"] != "nobody" {
		t.Errorf("read %+v", documents)
	}
	for name, row := range map[string]struct{ text, want string }{
		"environment": {"apiVersion: mockduktor/v1\nkind: Person\nmetadata: {name: \"${SEED_SECRET}\"}\nspec: {}\n", "SEED_SECRET is not set"},
		"file":        {"apiVersion: v2\nkind: Subject\nmetadata: {name: s, cluster: c}\nspec: {format: AVRO, schemaFile: /etc/hostname}\n", "schemaFile"},
		"twice":       {"apiVersion: mockduktor/v1\nkind: Person\nmetadata: {name: a}\nspec: {}\n---\napiVersion: mockduktor/v1\nkind: Person\nmetadata: {name: a}\nspec: {}\n", ":"},
	} {
		documents, err := Parse([]byte(row.text))
		var faults Faults
		if !errors.As(err, &faults) || documents != nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "the secret") {
			t.Errorf("%s: %v, %v", name, documents, err)
		}
	}
}
