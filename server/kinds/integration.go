package kinds

import "github.com/mockduktor/mockduktor/rbac"

func integrationRule() *Rule {
	write := permission(rbac.ResourcePlatform, rbac.NotificationChannelManage)
	return &Rule{
		Access: Access{Read: permission(rbac.ResourcePlatform, rbac.NotificationChannelView),
			Create: write, Update: write, Delete: write},
		Check: checkIntegration,
	}
}

// integrationFields is a field that only this integration's settings have; the
// name of the others is no field of theirs.
var integrationFields = map[string]string{"Slack": "token", "Email": "smtpServerUrl"}

// checkIntegration refuses the settings of another channel: the schema takes
// any, since only the name says which it is.
func checkIntegration(c *Change) error {
	config := part(part(c.Object, "spec"), "config")
	if config == nil {
		return nil
	}
	field, has := integrationFields[c.Key.Name]
	if !has {
		return invalid("spec.config", "expected none: the integration %s has no settings", c.Key.Name)
	}
	if named := text(config, "type"); named != "" && named != c.Key.Name {
		return invalid("spec.config.type", "expected %s, as the integration's name says, or nothing, got %s", c.Key.Name, named)
	}
	if _, ok := config[field]; !ok {
		return invalid("spec.config."+field, "expected the settings of %s, which have %s", c.Key.Name, field)
	}
	return nil
}
