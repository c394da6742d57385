package kinds

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// DataQualityRule is the typed form of a check that messages pass or fail.
type DataQualityRule struct {
	DisplayName string
	Description string
	builtIn     bool
}

const dataQualityRuleKind = "DataQualityRule"

// refRule is how a data quality policy refers to a rule.
const refRule = "data-quality-rule"

// qualityAnywhere is held by whoever may manage the quality of some topic; rules
// are not about one topic.
var qualityAnywhere = rbac.Need{Resource: rbac.ResourceTopic, AnyOf: []rbac.Permission{rbac.TopicDataQualityManage}}

func dataQualityRuleRule() *Rule {
	manage := func(Ask) Need { return Need{Somewhere: qualityAnywhere} }
	return &Rule{
		Access: Access{Read: manage, Create: manage, Update: manage, Delete: manage},
		Fixed:  builtInRules(),
		Order: func(a, b *store.Resource) int {
			return byDisplayName(a.Value.(*DataQualityRule).DisplayName, a.Name, b.Value.(*DataQualityRule).DisplayName, b.Name)
		},
		Check: checkDataQualityRule,
		Show: func(c *Change) error {
			c.stamp()
			part(c.Object, "metadata")["builtIn"] = false
			return nil
		},
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			spec := part(object, "spec")
			return &DataQualityRule{DisplayName: text(spec, "displayName"), Description: text(spec, "description")}, nil
		},
		Present: presentDataQualityRule,
		Delete:  refuseWhileReferred(refRule),
	}
}

// byDisplayName orders as people read, names of one text by their resource name.
func byDisplayName(a, aName, b, bName string) int {
	return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b), strings.Compare(aName, bName))
}

func checkDataQualityRule(c *Change) error {
	spec := part(c.Object, "spec")
	switch text(spec, "type") {
	case "Cel":
		if _, wrong := compileCEL(messageEnvironment, text(spec, "celExpression")); wrong != "" {
			return invalid("spec.celExpression", "%s", wrong)
		}
	case "JsonSchema":
		if wrong := checkJSONSchema("", spec["schema"]); wrong != "" {
			return invalid("spec.schema", "expected a JSON schema, but %s", wrong)
		}
	}
	return nil
}

// builtInRules are the two rules that every Console has (data quality,
// built-in rules).
func builtInRules() []*store.Resource {
	var list []*store.Resource
	for _, one := range []struct{ name, of, displayName, description string }{
		{"enforce-avro", "EnforceAvro", "Enforce Avro", "The message carries the id of a schema in the registry, and that schema is Avro"},
		{"enforce-schema-id", "EnforceSchemaId", "Enforce schema id", "The message carries the id of a schema in the registry"},
	} {
		object := map[string]any{"apiVersion": "v1", "kind": dataQualityRuleKind,
			"metadata": map[string]any{"name": one.name},
			"spec":     map[string]any{"type": one.of, "displayName": one.displayName, "description": one.description}}
		encoded, err := json.Marshal(object)
		if err != nil {
			panic("kinds: built-in rule: " + err.Error()) // of strings only
		}
		list = append(list, &store.Resource{Kind: dataQualityRuleKind, Version: "v1", Name: one.name, JSON: encoded,
			Value: &DataQualityRule{DisplayName: one.displayName, Description: one.description, builtIn: true}})
	}
	return list
}

// findRule finds a rule that a policy names, built in or not; nil if there is none.
func (e *Engine) findRule(tx *store.Tx, name string) *store.Resource {
	if r, err := tx.Resource(dataQualityRuleKind, "v1", nil, name); err == nil {
		return r
	}
	kind, err := e.Kind("v1", dataQualityRuleKind)
	if err != nil {
		return nil
	}
	return e.rules[kind].fixed(Key{Name: name})
}

func presentDataQualityRule(v View, r *store.Resource) ([]byte, error) {
	object := r.Object()
	metadata := part(object, "metadata")
	if r.Value.(*DataQualityRule).builtIn {
		made := shownTime(v.Tx.Epoch())
		metadata["builtIn"], metadata["createdAt"], metadata["updatedAt"] = true, made, made
		metadata["createdBy"], metadata["updatedBy"] = builtInCreator, builtInCreator
	}
	policies := slices.Collect(v.Tx.Referrers(store.Ref(refRule, r.Name)))
	slices.SortFunc(policies, func(a, b *store.Resource) int { return strings.Compare(a.Name, b.Name) })
	attached := make([]any, len(policies))
	for i, policy := range policies {
		attached[i] = map[string]any{"name": policy.Name, "displayName": policy.Value.(*DataQualityPolicy).DisplayName,
			"readAccess": v.May(policyReadNeed(policy))}
	}
	metadata["attachedPolicies"] = attached
	return store.EncodeObject(object)
}

// builtInCreator stands for a person where nobody made something.
const builtInCreator = "conduktor"
