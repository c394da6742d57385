package kinds

import (
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// Application is the typed form of a self-service application.
type Application struct {
	Name     string
	Owner    string   // the Console group that owns it
	Policies []string // resource policies for it and all its instances
}

func applicationRule() *Rule {
	return &Rule{
		Identity: true,
		Access:   Access{Read: permission(rbac.ResourcePlatform, "taasView")},
		Check: func(c *Change) error {
			owner := text(part(c.Object, "spec"), "owner")
			if ok, err := exists(c.Tx, "Group", "v2", owner); err != nil || !ok {
				return orAbsent(err, "spec.owner", "Group %s not found", owner)
			}
			return checkPolicies(c, "policyRef", "Topic", "Subject", "Connector", "ApplicationGroup")
		},
		Show: func(c *Change) error {
			created := c.Tx.Now()
			if c.Old != nil {
				created = c.Old.CreatedAt
			}
			part(c.Object, "spec")["createdAt"] = created.Format(time.RFC3339)
			return nil
		},
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			spec := part(object, "spec")
			return &Application{Name: text(part(object, "metadata"), "name"), Owner: text(spec, "owner"), Policies: texts(spec, "policyRef")}, nil
		},
		Refs: func(value any) []string {
			application := value.(*Application)
			return append(refsTo(refPolicy, application.Policies), store.Ref("owner", application.Owner))
		},
		Delete: func(_ *Engine, tx *store.Tx, r *store.Resource) error {
			for below := range tx.Referrers(store.Ref("application", r.Name)) {
				if below.Kind == "ApplicationInstance" {
					return conflict("metadata.name", "Cannot delete %s because it has instances", r.Name)
				}
			}
			for below := range tx.Referrers(store.Ref("application", r.Name)) {
				return conflict("metadata.name", "Cannot delete %s because the %s %s belongs to it", r.Name, below.Kind, below.Name)
			}
			return nil
		},
	}
}

// orAbsent is the 404 for something that a body names, or the error that
// looking for it gave.
func orAbsent(err error, field, format string, args ...any) error {
	if err != nil {
		return err
	}
	return absent(field, "", format, args...)
}

// checkTopicPolicies refuses references to topic policies that do not exist.
func checkTopicPolicies(c *Change) error {
	for i, name := range texts(part(c.Object, "spec"), "topicPolicyRef") {
		if ok, err := exists(c.Tx, "TopicPolicy", "v1", name); err != nil || !ok {
			return orAbsent(err, index("spec.topicPolicyRef", i), "TopicPolicy %s not found", name)
		}
	}
	return nil
}
