package kinds

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/server/store"
)

// PublicTopics lists the topics of all clusters that everybody may find, by
// name, then cluster.
func PublicTopics(tx *store.Tx) []*store.Resource {
	private := map[string]bool{} // application instances, by defaultCatalogVisibility
	for instance := range tx.Resources("ApplicationInstance", "v1", nil, "") {
		var object struct {
			Spec struct{ DefaultCatalogVisibility string }
		}
		if err := json.Unmarshal(instance.JSON, &object); err == nil {
			private[instance.Name] = object.Spec.DefaultCatalogVisibility == "PRIVATE"
		}
	}
	var topics []*store.Resource
	for topic := range tx.Resources("Topic", "v2", nil, "") {
		if isPublic(topic, private) {
			topics = append(topics, topic)
		}
	}
	slices.SortFunc(topics, func(a, b *store.Resource) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Parents[0], b.Parents[0]))
	})
	return topics
}

var catalogVisibility = []byte(`"catalogVisibility"`)

// isPublic: the topic's own word counts, then that of the application instance
// that owns it; without either it is public.
func isPublic(topic *store.Resource, private map[string]bool) bool {
	// Most topics say nothing, and decoding is dear.
	if bytes.Contains(topic.JSON, catalogVisibility) {
		var object struct {
			Metadata struct{ CatalogVisibility string }
		}
		if err := json.Unmarshal(topic.JSON, &object); err == nil && object.Metadata.CatalogVisibility != "" {
			return object.Metadata.CatalogVisibility == "PUBLIC"
		}
	}
	return !private[topic.Value.(*Topic).Labels[labelInstance]]
}
