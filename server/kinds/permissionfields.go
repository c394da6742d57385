package kinds

import "slices"

// permissionFields are the fields of a permission beside resourceType and
// permissions, for each resource type of a User or Group.
var permissionFields = map[string][]string{
	"PLATFORM":       nil,
	"CLUSTER":        {"name"},
	"TOPIC":          {"cluster", "name", "patternType"},
	"SUBJECT":        {"cluster", "name", "patternType"},
	"CONSUMER_GROUP": {"cluster", "name", "patternType"},
	"KAFKA_CONNECT":  {"cluster", "kafkaConnect", "name", "patternType"},
	"KSQLDB":         {"cluster", "ksqlDB"},
}

// dropForeignFields takes the fields of other resource types out of permissions:
// Console drops them, and the Terraform provider counts on that. A field that no
// resource type has stays, so that a typing error is still refused.
func dropForeignFields(object map[string]any) {
	list, _ := part(object, "spec")["permissions"].([]any)
	for _, item := range list {
		permission, _ := item.(map[string]any)
		own, known := permissionFields[text(permission, "resourceType")]
		if !known {
			continue
		}
		for _, field := range []string{"cluster", "kafkaConnect", "ksqlDB", "name", "patternType"} {
			if !slices.Contains(own, field) {
				delete(permission, field)
			}
		}
	}
}
