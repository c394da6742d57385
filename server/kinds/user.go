package kinds

import (
	"slices"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// User is the typed form of a Console user.
type User struct {
	Email     string // as it was written
	FirstName string
	LastName  string
	LastLogin string // RFC 3339, to the second; "" before the first
	Grants    []rbac.Grant
}

func userRule(settings Settings) *Rule {
	read, write := permission(rbac.ResourcePlatform, "userView"), permission(rbac.ResourcePlatform, "userManage")
	return &Rule{
		Identity: true,
		Access:   Access{Read: read, Create: write, Update: write, Delete: write},
		Drop:     dropForeignFields,
		Check: func(c *Change) error {
			if !IsEmail(c.Key.Name) {
				return invalid("metadata.name", "expected an e-mail address, got %q", c.Key.Name)
			}
			if other, ok := FindUser(c.Tx, c.Key.Name); ok && c.Created() {
				return conflict("metadata.name", "User %s exists already, written %s", c.Key.Name, other.Name)
			}
			return checkPermissions(part(c.Object, "spec"))
		},
		Show: func(c *Change) error {
			if c.Old == nil {
				return nil
			}
			if last, ok := part(c.Old.Object(), "metadata")["lastLoginDate"]; ok {
				part(c.Object, "metadata")["lastLoginDate"] = last
			}
			return nil
		},
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			spec, email := part(object, "spec"), text(part(object, "metadata"), "name")
			list, _ := spec["permissions"].([]any)
			grants, _ := rbac.ParsePermissions(list, rbac.Source{Kind: rbac.SourceUser, Name: email})
			return &User{Email: email, FirstName: text(spec, "firstName"), LastName: text(spec, "lastName"),
				LastLogin: text(part(object, "metadata"), "lastLoginDate"), Grants: grants}, nil
		},
		Refs: func(value any) []string {
			return []string{store.Ref("email", strings.ToLower(value.(*User).Email))}
		},
		Delete: func(_ *Engine, tx *store.Tx, r *store.Resource) error {
			if strings.EqualFold(r.Name, settings.AdminEmail) {
				return conflict("metadata.name", "Cannot delete %s because it is the root admin", r.Name)
			}
			return nil
		},
		Deleted: userDeleted,
	}
}

// recordSession is the kind of record that a login session of the Console is;
// its value is the user's e-mail address.
const recordSession = "console.session"

// userDeleted ends what a user had: memberships, alerts, keys and sessions. The
// next JWT of theirs makes them anew, as it makes any unknown user.
func userDeleted(e *Engine, tx *store.Tx, r *store.Resource) error {
	email := strings.ToLower(r.Name)
	for _, group := range slices.Collect(tx.Referrers(store.Ref("member", email))) {
		object := group.Object()
		spec := part(object, "spec")
		for _, field := range []string{"members", "membersFromExternalGroups"} {
			list, _ := spec[field].([]any)
			kept := slices.DeleteFunc(slices.Clone(list), func(item any) bool {
				member, _ := item.(string)
				return strings.EqualFold(member, email)
			})
			if len(kept) < len(list) {
				spec[field] = kept
			}
		}
		if err := e.rewrite(tx, group, object); err != nil {
			return err
		}
	}
	own := slices.Collect(tx.Referrers(store.Ref(refCreator, email)))
	own = slices.AppendSeq(own, tx.Referrers(store.Ref(refAlertOwner, OwnerKey("user", email))))
	if err := e.removeAll(tx, own); err != nil {
		return err
	}
	for _, session := range slices.Collect(tx.Records(recordSession)) {
		if owner, _ := session.Value.(string); strings.EqualFold(owner, email) {
			if err := tx.DeleteRecord(session.Kind, session.ID); err != nil {
				return err
			}
		}
	}
	if err := tx.DeleteRecord(store.RecordMadeUser, email); err != nil {
		return err
	}
	return tx.TouchMapping()
}

// FindUser finds a Console user by e-mail, whatever its case.
func FindUser(tx *store.Tx, email string) (*store.Resource, bool) {
	for resource := range tx.Referrers(store.Ref("email", strings.ToLower(email))) {
		if resource.Kind == "User" {
			return resource, true
		}
	}
	return nil, false
}

// SignedIn notes that a user has shown a new credential: an unknown one is
// created with no permissions of its own, a known one gets its lastLoginDate.
func (e *Engine) SignedIn(tx *store.Tx, email, firstName, lastName string) error {
	kind, err := e.Kind("v2", "User")
	if err != nil {
		return err
	}
	old, known := FindUser(tx, email)
	now := tx.Now().Format(time.RFC3339)
	if known && old.Value.(*User).LastLogin == now {
		return nil
	}
	object := map[string]any{"apiVersion": "v2", "kind": "User",
		"metadata": map[string]any{"name": email}, "spec": map[string]any{}}
	if known {
		object = old.Object()
	} else {
		for field, value := range map[string]string{"firstName": firstName, "lastName": lastName} {
			if value != "" {
				part(object, "spec")[field] = value
			}
		}
		tx.TouchGrants()
		if err := tx.PutRecord(store.Record{Kind: store.RecordMadeUser, ID: strings.ToLower(email)}); err != nil {
			return err
		}
	}
	part(object, "metadata")["lastLoginDate"] = now
	name := text(part(object, "metadata"), "name")
	resource, err := e.resource(&Change{Tx: tx, Kind: kind, Key: Key{Name: name}, Old: old, Object: object}, e.rules[kind])
	if err != nil {
		return err
	}
	if known {
		resource.UpdatedAt = old.UpdatedAt
	}
	return tx.Put(resource)
}
