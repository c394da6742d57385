package openapi

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"Topic", "KafkaCluster", "partitions", "replicationFactor", "name", "a"}
	for _, c := range []struct{ word, want string }{
		{"topic", "Topic"},
		{"Tpoic", "Topic"},
		{"Kafkacluster", "KafkaCluster"},
		{"partitons", "partitions"},
		{"partition", "partitions"},
		{"replicas", ""},
		{"replicationfactor", "replicationFactor"},
		{"nmae", "name"},
		{"x", ""},
		{"", ""},
		{"completely different", ""},
	} {
		if got := nearest(c.word, known); got != c.want {
			t.Errorf("nearest(%q) = %q, want %q", c.word, got, c.want)
		}
	}
}

// TestDistanceOfSwapsAndLimits compares with counts made by hand.
func TestDistanceOfSwapsAndLimits(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		limit int
		want  int
	}{
		{"kitten", "sitting", 9, 3},
		{"ab", "ba", 9, 1},
		{"abcd", "badc", 9, 2},
		{"", "abc", 9, 3},
		{"abc", "", 9, 3},
		{"same", "same", 9, 0},
		{"kitten", "sitting", 2, 2},
		{"ca", "abc", 9, 3},
	} {
		if got := distance(c.a, c.b, c.limit); got != c.want {
			t.Errorf("distance(%q, %q, %d) = %d, want %d", c.a, c.b, c.limit, got, c.want)
		}
	}
}
