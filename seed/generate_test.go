package seed

import (
	"reflect"
	"testing"
)

func TestGenerate(t *testing.T) {
	options := GenerateOptions{Clusters: 2, Teams: 3, People: 5, Topics: 500, Subjects: 7, ConsumerGroups: 11, Figures: true}
	docs := Generate(7, options)
	count := map[string]int{}
	identities := map[string]bool{}
	topics := map[string]bool{}
	for i, d := range docs {
		count[d.Kind]++
		identities[d.identity()] = true
		k, unknown := lookUp(d.APIVersion, d.Kind)
		if unknown != nil {
			t.Fatal(unknown)
		}
		if problems := k.Validate(d.Object); len(problems) > 0 {
			t.Fatalf("%s %s: %v", d.Kind, d.Name, problems)
		}
		if i > 0 && rankOf(docs[i-1].APIVersion, docs[i-1].Kind) > rankOf(d.APIVersion, d.Kind) {
			t.Fatalf("%s before %s", docs[i-1].Kind, d.Kind)
		}
		at := textAt(d, "metadata", "cluster") + "/" + d.Name
		switch d.Kind {
		case "Topic":
			topics[at] = true
		case "TopicFigures":
			if !topics[at] {
				t.Errorf("figures without topic: %s", at)
			}
		}
	}
	want := map[string]int{"KafkaCluster": 2, "Group": 3, "Person": 5, "Topic": 500, "Subject": 7, "ConsumerGroup": 11, "TopicFigures": 500}
	if !reflect.DeepEqual(count, want) {
		t.Errorf("got %v, want %v", count, want)
	}
	if len(identities) != len(docs) {
		t.Errorf("%d documents with %d identities", len(docs), len(identities))
	}
	if !reflect.DeepEqual(objectsOf(docs), objectsOf(Generate(7, options))) {
		t.Error("the same seed gives other documents")
	}
	if reflect.DeepEqual(objectsOf(docs), objectsOf(Generate(8, options))) {
		t.Error("another seed gives the same documents")
	}
	if got := docs[0].At("spec.email").String(); got != "<generated>" {
		t.Errorf("position %q", got)
	}
}
