package kinds

import (
	"strings"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// managedLabels begins the labels that Console sets itself.
const managedLabels = "conduktor.io/"

// The labels that name the owner of a resource.
const (
	labelApplication = managedLabels + "application"
	labelInstance    = managedLabels + "application-instance"
)

// dropOwnerLabels removes Console's own labels: clients send back what a GET
// showed them.
func dropOwnerLabels(object map[string]any) {
	metadata := part(object, "metadata")
	labels := part(metadata, "labels")
	for label := range labels {
		if strings.HasPrefix(label, managedLabels) {
			delete(labels, label)
		}
	}
	if labels != nil && len(labels) == 0 {
		delete(metadata, "labels")
	}
}

// showOwnerLabels names the application instance that owns the resource.
func showOwnerLabels(owned rbac.ResourceType) func(c *Change) error {
	return func(c *Change) error {
		instance, ok := ownerOf(c.Tx, owned, c.Key)
		if !ok {
			return nil
		}
		metadata := part(c.Object, "metadata")
		labels := map[string]any{}
		for label, value := range part(metadata, "labels") {
			labels[label] = value
		}
		labels[labelApplication] = instance.Application
		labels[labelInstance] = instance.Name
		metadata["labels"] = labels
		return nil
	}
}

type ownersKey struct{ cluster string }

// ownerOf finds the instance that owns a resource. Instances of one cluster
// never overlap, so the first that covers it is the only one.
func ownerOf(tx *store.Tx, owned rbac.ResourceType, key Key) (*rbac.Instance, bool) {
	instances := tx.Memo(ownersKey{key.Parents[0]}, func() any {
		var list []*rbac.Instance
		for resource := range tx.Referrers(store.Ref("cluster", key.Parents[0])) {
			if instance, ok := resource.Value.(*ApplicationInstance); ok {
				list = append(list, &instance.Instance)
			}
		}
		return list
	}).([]*rbac.Instance)
	connect := ""
	if len(key.Parents) > 1 {
		connect = key.Parents[1]
	}
	for _, instance := range instances {
		if instance.Owns(owned, connect, key.Name) {
			return instance, true
		}
	}
	return nil, false
}
