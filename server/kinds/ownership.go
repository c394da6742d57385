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

// checkFormerLabels refuses labels that carried what has fields of its own since
// Console 1.29.
func checkFormerLabels(c *Change) error {
	for label := range part(part(c.Sent, "metadata"), "labels") {
		if strings.HasPrefix(label, managedLabels+"description") || strings.HasPrefix(label, managedLabels+"auto-restart") {
			return invalid("metadata.labels."+label, "the label is no longer accepted, use metadata.description or metadata.autoRestart")
		}
	}
	return nil
}

// showOwnerLabels names the application instance that owns the resource.
func showOwnerLabels(owned rbac.ResourceType) func(c *Change) error {
	return func(c *Change) error {
		instance := c.ownedBy(owned)
		if instance == nil {
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

// ownedBy is the application instance that owns what the change is about, nil
// if none does.
func (c *Change) ownedBy(owned rbac.ResourceType) *ApplicationInstance {
	if !c.ownerKnown {
		c.owner, c.ownerKnown = ownerOf(c.Tx, owned, c.Key), true
	}
	return c.owner
}

type ownersKey struct{ cluster string }

// ownerOf finds the instance that owns a resource, nil if none does. Instances
// of one cluster never overlap, so the first that covers it is the only one.
func ownerOf(tx *store.Tx, owned rbac.ResourceType, key Key) *ApplicationInstance {
	instances := tx.Memo(ownersKey{key.Parents[0]}, func() any {
		var list []*ApplicationInstance
		for resource := range tx.Referrers(store.Ref("cluster", key.Parents[0])) {
			if instance, ok := resource.Value.(*ApplicationInstance); ok {
				list = append(list, instance)
			}
		}
		return list
	}).([]*ApplicationInstance)
	connect := ""
	if len(key.Parents) > 1 {
		connect = key.Parents[1]
	}
	for _, instance := range instances {
		if instance.Owns(owned, connect, key.Name) {
			return instance
		}
	}
	return nil
}
