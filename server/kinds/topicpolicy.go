package kinds

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/rbac/regex"
	"github.com/mockduktor/mockduktor/server/store"
)

// TopicPolicy is the typed form of limits on fields of topics.
type TopicPolicy struct {
	Constraints []topicConstraint // sorted by field
}

// topicConstraint is one limit. Which of the values count depends on the type.
type topicConstraint struct {
	Field      string `json:"-"`
	Constraint string
	Min, Max   int64
	Inclusive  *bool
	Values     []string
	Pattern    string
	Keys       []string
	Optional   bool
	pattern    *regexp.Regexp
}

func topicPolicyRule() *Rule {
	return &Rule{
		Access: Access{Read: permission(rbac.ResourcePlatform, rbac.TaasView)},
		Filters: map[string]func(*store.Tx, *store.Resource, string) bool{
			"app-instance": func(tx *store.Tx, r *store.Resource, want string) bool {
				return referredBy(tx, store.Ref(refTopicPolicy, r.Name), "ApplicationInstance", want)
			},
		},
		Parse:  parseTopicPolicy,
		Delete: refuseWhileReferred(refTopicPolicy),
	}
}

func parseTopicPolicy(object map[string]any) (any, []openapi.Problem) {
	value, problems := typed[struct {
		Spec struct{ Policies map[string]*topicConstraint }
	}](object)
	if len(problems) > 0 {
		return nil, problems
	}
	policy := &TopicPolicy{}
	for field, one := range value.Spec.Policies {
		one.Field = field
		path := "spec.policies." + field
		switch one.Constraint {
		case "Range":
			// Refused since Console 1.28.
			if one.Min > one.Max {
				problems = append(problems, openapi.Problem{Path: path + ".min", Expected: fmt.Sprintf("expected at most max, which is %d, got %d", one.Max, one.Min)})
			}
		case "Match":
			pattern, err := regex.Compile(one.Pattern)
			if err != nil {
				problems = append(problems, openapi.Problem{Path: path + ".pattern", Expected: "expected a regular expression without look-around or back-references (RE2): " + err.Error()})
			}
			one.pattern = pattern
		}
		policy.Constraints = append(policy.Constraints, *one)
	}
	slices.SortFunc(policy.Constraints, func(a, b topicConstraint) int { return strings.Compare(a.Field, b.Field) })
	slices.SortFunc(problems, func(a, b openapi.Problem) int { return strings.Compare(a.Path, b.Path) })
	return policy, problems
}

// guardTopic evaluates the topic policies of the owning instance, then all
// resource policies.
func guardTopic(c *Change) error {
	if instance := c.ownedBy(rbac.ResourceTopic); instance != nil {
		names := slices.Sorted(slices.Values(instance.TopicPolicies))
		var broken []string
		field := ""
		for _, name := range names {
			r, err := c.Tx.Resource("TopicPolicy", "v1", nil, name)
			if err != nil {
				return fmt.Errorf("topic policy %s of %s: %w", name, instance.Name, err)
			}
			for _, constraint := range r.Value.(*TopicPolicy).Constraints {
				if text := constraint.complaint(c.Object); text != "" {
					broken = append(broken, fmt.Sprintf("the topic policy %s of application instance %s says: %s %s", name, instance.Name, constraint.Field, text))
					if field == "" {
						field = constraint.Field
					}
				}
			}
		}
		if len(broken) > 0 {
			return conflict(field, "%s", strings.Join(broken, "; "))
		}
	}
	return guardByPolicies(rbac.ResourceTopic)(c)
}

// complaint says in what a topic breaks the constraint, "" when it does not.
func (t topicConstraint) complaint(topic map[string]any) string {
	value, present := fieldAt(topic, t.Field)
	if t.Constraint == "AllowedKeys" {
		return t.otherKeys(value)
	}
	if !present {
		if t.Optional {
			return ""
		}
		return "is missing, and must be " + t.wanted()
	}
	have := plainText(value)
	if t.accepts(have) {
		return ""
	}
	return fmt.Sprintf("must be %s, is %s", t.wanted(), have)
}

func (t topicConstraint) accepts(have string) bool {
	switch t.Constraint {
	case "Range":
		number, err := strconv.ParseFloat(strings.TrimSpace(have), 64)
		if err != nil {
			return false
		}
		if whole, err := strconv.ParseInt(strings.TrimSpace(have), 10, 64); err == nil {
			return t.Min < whole && whole < t.Max || t.inclusive() && (whole == t.Min || whole == t.Max)
		}
		return float64(t.Min) < number && number < float64(t.Max)
	case "OneOf":
		return slices.Contains(t.Values, have)
	case "NoneOf":
		return !slices.Contains(t.Values, have)
	}
	return t.pattern.MatchString(have)
}

func (t topicConstraint) inclusive() bool { return t.Inclusive == nil || *t.Inclusive }

func (t topicConstraint) wanted() string {
	switch t.Constraint {
	case "Range":
		bounds := "both included"
		if !t.inclusive() {
			bounds = "both excluded"
		}
		return fmt.Sprintf("between %d and %d (%s)", t.Min, t.Max, bounds)
	case "OneOf":
		return "one of " + strings.Join(t.Values, ", ")
	case "NoneOf":
		return "none of " + strings.Join(t.Values, ", ")
	}
	return "text that matches " + t.Pattern
}

// otherKeys takes a map that is left out for an empty one.
func (t topicConstraint) otherKeys(value any) string {
	entries, _ := value.(map[string]any)
	var others []string
	for key := range entries {
		if !slices.Contains(t.Keys, key) {
			others = append(others, key)
		}
	}
	if len(others) == 0 {
		return ""
	}
	slices.Sort(others)
	return fmt.Sprintf("may only have the keys %s, has %s", strings.Join(t.Keys, ", "), strings.Join(others, ", "))
}

// fieldAt finds a field by its path. Keys of labels and configs hold dots
// themselves, so at every map the whole rest of the path is tried first.
func fieldAt(object map[string]any, path string) (any, bool) {
	if value, ok := object[path]; ok {
		return value, value != nil
	}
	for at := range len(path) {
		if path[at] != '.' {
			continue
		}
		if inner, ok := object[path[:at]].(map[string]any); ok {
			if value, found := fieldAt(inner, path[at+1:]); found {
				return value, true
			}
		}
	}
	return nil, false
}

// plainText is a value as a constraint compares it.
func plainText(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	case bool:
		return strconv.FormatBool(value)
	}
	encoded, err := store.EncodeObject(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}
