package explain

import (
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// samples are calls of an operation on resources that there are, at most a given
// number, spread over the world. Where there is none the call names nothing.
func (s *Stage) samples(op operation, most int) []Call {
	tx := s.Console.World.View()
	var calls []Call
	s.fill(tx, op, op.path, map[string]string{}, most, func(path string, values map[string]string, budget int) {
		for _, body := range s.bodies(tx, op, values, budget) {
			target := path
			if len(op.query) > 0 {
				target += "?" + op.query.Encode()
			}
			calls = append(calls, Call{Method: op.method, Path: target, target: target, sent: body,
				nothing: slices.Contains(slices.Collect(maps.Values(values)), nothing)})
		}
	})
	return calls
}

// fill replaces the first parameter of a path by each of its values and goes on
// with the rest, sharing out how many paths there may be.
func (s *Stage) fill(tx *store.Tx, op operation, path string, values map[string]string, budget int, done func(string, map[string]string, int)) {
	at := strings.IndexByte(path, '{')
	if at < 0 {
		done(path, values, budget)
		return
	}
	end := at + strings.IndexByte(path[at:], '}')
	name := path[at+1 : end]
	candidates := spread(s.candidates(tx, op, name, values), budget)
	for _, value := range candidates {
		values[name] = value
		s.fill(tx, op, path[:at]+url.PathEscape(value)+path[end+1:], values, max(1, budget/len(candidates)), done)
	}
}

// spread picks at most so many, evenly.
func spread(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	picked := make([]string, most)
	for i := range picked {
		picked[i] = list[i*len(list)/most]
	}
	return picked
}

// nothing is a name that no resource has.
const nothing = "none"

// maxCandidates bounds how many names of a kind are looked at.
const maxCandidates = 10_000

func (s *Stage) candidates(tx *store.Tx, op operation, name string, values map[string]string) []string {
	cluster := values["cluster"] + values["clusterName"]
	var found []string
	switch {
	case op.onItem() && name == op.kind.NameParam:
		var parents []string
		for _, parent := range op.kind.Parents {
			parents = append(parents, values[parent])
		}
		found = names(tx.Resources(op.kind.Name, op.kind.Version, parents, ""))
	case name == "cluster" || name == "clusterName":
		found = names(tx.Resources("KafkaCluster", "v2", nil, ""))
	case name == "connectCluster":
		found = names(tx.Resources("KafkaConnectCluster", "v2", []string{cluster}, ""))
	case name == "connector-name":
		found = names(tx.Resources("Connector", "v2", []string{cluster, values["connectCluster"]}, ""))
	case name == "ksqlDBSlug":
		found = names(tx.Resources("KsqlDBCluster", "v2", []string{cluster}, ""))
	case name == "groupId":
		found = names(tx.Resources("Group", "v2", nil, ""))
	case name == "email":
		found = names(tx.Resources("User", "v2", nil, ""))
	case name == "application-instance-name":
		found = names(tx.Resources("ApplicationInstance", "v1", nil, ""))
	case name == "token-id":
		for resource := range tx.Resources(kinds.APIKeyKind, "v1", nil, "") {
			found = append(found, resource.Value.(*kinds.APIKey).ID)
		}
		if found == nil {
			found = []string{"00000000-0000-4000-8000-000000000000"}
		}
	case name == "enabled":
		found = []string{"true"}
	case name == "level":
		found = []string{"INFO"}
	case name == "userId":
		found = []string{"1"}
	}
	if len(found) == 0 {
		return []string{nothing}
	}
	return found
}

func names(resources iter.Seq[*store.Resource]) []string {
	var list []string
	for resource := range resources {
		if len(list) == maxCandidates {
			break
		}
		list = append(list, resource.Name)
	}
	return list
}

// bodies are what to send: for a kind each resource that there is, under a new
// name to create one; otherwise the document's example.
func (s *Stage) bodies(tx *store.Tx, op operation, values map[string]string, most int) []string {
	if op.kind == nil || op.method != http.MethodPut && op.method != http.MethodPost {
		return []string{op.body}
	}
	var parents []string
	for _, parent := range op.kind.Parents {
		parents = append(parents, values[parent])
	}
	var list []string
	all := names(tx.Resources(op.kind.Name, op.kind.Version, parents, ""))
	for _, name := range spread(all, most) {
		for resource := range tx.Resources(op.kind.Name, op.kind.Version, parents, prefixOf(op.kind, name)) {
			if resource.Name == name {
				list = append(list, encoded(s.Console.Engine.Written(op.kind, resource), op))
				break
			}
		}
	}
	if len(list) == 0 {
		example := op.kind.Example()
		metadata, _ := example["metadata"].(map[string]any)
		for _, parent := range op.kind.Parents {
			metadata[parent] = values[parent]
		}
		return []string{encoded(example, op)}
	}
	return list
}

// prefixOf: the store takes a prefix only where all parents are known, which the
// owner of a kind that has one is not.
func prefixOf(kind *openapi.Kind, name string) string {
	if len(kind.Owner) > 0 {
		return ""
	}
	return name
}

func encoded(object map[string]any, op operation) string {
	if metadata, ok := object["metadata"].(map[string]any); ok && (op.create || op.method == http.MethodPost) {
		name, _ := metadata["name"].(string)
		metadata["name"] = name + "-new"
		if kinds.IsEmail(name) {
			metadata["name"] = "new-" + name
		}
	}
	text, err := store.EncodeObject(object)
	if err != nil {
		return "" // what was decoded from JSON can be encoded
	}
	return string(text)
}
