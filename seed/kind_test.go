package seed

import (
	"slices"
	"testing"
)

func TestLookUp(t *testing.T) {
	for _, c := range []struct{ apiVersion, kind, field, remedy string }{
		{"v2", "Topic", "", ""},
		{"kafka/v2", "Topic", "", ""},
		{"self-service/v1", "Application", "", ""},
		{"mockduktor/v1", "Person", "", ""},
		{"v1", "Person", "apiVersion", "write apiVersion: mockduktor/v1"},
		{"mockduktor/v1", "Application", "apiVersion", "write apiVersion: v1"},
		{"v20", "Topic", "apiVersion", "write apiVersion: v2"},
		{"v1", "Alert", "apiVersion", "write apiVersion: v2 or v3"},
		{"v2", "topic", "kind", "did you mean Topic?"},
		{"v2", "Grup", "kind", "did you mean Group?"},
		{"v2", "KafkaClusters", "kind", "did you mean KafkaCluster?"},
		{"v2", "ApplicationInstancePermissions", "kind", "did you mean ApplicationInstancePermission?"},
	} {
		k, fault := lookUp(c.apiVersion, c.kind)
		if (k == nil) == (fault == nil) {
			t.Errorf("%s %s: kind %v and fault %v", c.apiVersion, c.kind, k, fault)
			continue
		}
		if fault != nil && (fault.Field != c.field || fault.Remedy != c.remedy) || fault == nil && c.field != "" {
			t.Errorf("%s %s: got %+v", c.apiVersion, c.kind, fault)
		}
	}
}

func TestSort(t *testing.T) {
	var docs []*Document
	for _, k := range [][2]string{
		{"mockduktor/v1", "TopicFigures"}, {"v2", "Topic"}, {"v1", "Unheard"}, {"mockduktor/v1", "Client"}, {"v1", "Application"},
		{"v2", "Group"}, {"mockduktor/v1", "APIKey"}, {"mockduktor/v1", "SigningKey"}, {"v2", "KafkaCluster"}, {"mockduktor/v1", "Person"},
	} {
		docs = append(docs, &Document{APIVersion: k[0], Kind: k[1]})
	}
	Sort(docs)
	var got []string
	for _, d := range docs {
		got = append(got, d.Kind)
	}
	want := []string{"SigningKey", "Person", "Client", "Group", "KafkaCluster", "Application", "Topic", "APIKey", "TopicFigures", "Unheard"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
