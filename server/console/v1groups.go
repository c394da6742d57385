package console

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

func (r *router) groupsV1() {
	const one = "/public/v1/groups/{groupId}"
	r.secured(http.MethodGet, "/public/v1/groups", listGroupsV1)
	r.secured(http.MethodPost, "/public/v1/groups", createGroupV1)
	r.secured(http.MethodGet, one, getGroupV1)
	r.secured(http.MethodPut, one, putGroupV1)
	r.secured(http.MethodDelete, one, deleteGroupV1)
	r.secured(http.MethodPut, one+"/users/{userId}", addMemberV1(numberedUser))
	r.secured(http.MethodDelete, one+"/users/{userId}", removeMemberV1(numberedUser))
	r.secured(http.MethodPut, one+"/userEmail/{email}", addMemberV1(namedUser))
	r.secured(http.MethodDelete, one+"/userEmail/{email}", removeMemberV1(namedUser))
	r.secured(http.MethodGet, one+"/permissions", getGroupPermissionsV1)
	r.secured(http.MethodPut, one+"/permissions", changeGroupPermissionsV1(replacePermissions))
	r.secured(http.MethodPatch, one+"/permissions", changeGroupPermissionsV1(addPermissions))
	r.secured(http.MethodDelete, one+"/permissions", changeGroupPermissionsV1(removePermissions))
	r.secured(http.MethodDelete, one+"/permissions/all", changeGroupPermissionsV1(removeAllPermissions))
}

// groupV1 is a Group in the older form.
type groupV1 struct {
	GroupID            string     `json:"groupId"`
	Name               string     `json:"name"`
	Description        string     `json:"description,omitempty"`
	Users              []memberV1 `json:"users"`
	ExternalGroups     []string   `json:"externalGroups"`
	ExternalGroupRegex []string   `json:"externalGroupRegex"`
	IsAdmin            bool       `json:"isAdmin"`
}

type memberV1 struct {
	Email           string `json:"email"`
	ExternalMapping bool   `json:"externalMapping"`
}

// groupObject is what these operations read of a Group.
type groupObject struct {
	Spec struct {
		DisplayName               string
		Description               string
		ExternalGroups            []string
		ExternalGroupRegex        []string
		Members                   []string
		MembersFromExternalGroups []string
		Permissions               []any
	}
}

func shownGroupV1(resource *store.Resource) (groupV1, error) {
	group, err := read[groupObject](resource)
	if err != nil {
		return groupV1{}, err
	}
	spec := group.Spec
	shown := groupV1{GroupID: resource.Name, Name: spec.DisplayName, Description: spec.Description, Users: []memberV1{},
		ExternalGroups: orEmpty(spec.ExternalGroups), ExternalGroupRegex: orEmpty(spec.ExternalGroupRegex),
		IsAdmin: resource.Name == kinds.AdminGroup}
	for _, email := range spec.Members {
		shown.Users = append(shown.Users, memberV1{Email: email})
	}
	for _, email := range spec.MembersFromExternalGroups {
		// Somebody who is a member in both ways stays one without the external group.
		if !containsEmail(spec.Members, email) {
			shown.Users = append(shown.Users, memberV1{Email: email, ExternalMapping: true})
		}
	}
	return shown, nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func containsEmail(list []string, email string) bool {
	return slices.ContainsFunc(list, func(have string) bool { return strings.EqualFold(have, email) })
}

// groupID is the older operations' form of a group's name. The kind Group
// allows a dot besides; such groups can be read here.
var (
	groupID     = regexp.MustCompile(`^[0-9a-z_-]+$`)
	groupIDRead = regexp.MustCompile(`^[0-9a-z_.-]+$`)
)

func (c *call) groupParam(form *regexp.Regexp) (string, error) {
	id, err := c.param("groupId")
	if err != nil {
		return "", err
	}
	if form.MatchString(id) {
		return id, nil
	}
	remedy := ""
	if groupIDRead.MatchString(id) {
		remedy = "; a group with a dot in its name is changed as the kind Group"
	}
	return "", &kinds.Error{Code: kinds.Invalid, Field: "groupId",
		Message: "Invalid value for: path parameter groupId (expected lower-case letters, digits, '-' and '_'" + remedy + ")"}
}

// groupKind returns the kind Group once the caller may read it, or write it.
func (c *call) groupKind(tx *store.Tx, write bool) (*openapi.Kind, error) {
	return c.kindFor(tx, "v2", "Group", write)
}

// kindFor returns a kind once the caller may read or write all of it. It is for
// kinds whose needs do not depend on the resource.
func (c *call) kindFor(tx *store.Tx, version, name string, write bool) (*openapi.Kind, error) {
	kind, err := c.Engine.Kind(version, name)
	if err != nil {
		return nil, err
	}
	access := c.Engine.Rule(kind).Access
	needs := access.Read
	if write {
		needs = access.Update
	}
	need := kinds.Need{}
	if needs != nil {
		need = needs(kinds.Ask{Tx: tx, Kind: kind})
	}
	return kind, c.permit(tx, need)
}

func findGroup(tx *store.Tx, id string) (*store.Resource, error) {
	return found(tx, "Group", "v2", id, "No group found with this slug", "Group "+id+" not found")
}

func listGroupsV1(c *call) error {
	tx := c.World.View()
	kind, err := c.groupKind(tx, false)
	if err != nil {
		return err
	}
	list := []groupV1{}
	for resource := range tx.Resources(kind.Name, kind.Version, nil, "") {
		shown, err := shownGroupV1(resource)
		if err != nil {
			return err
		}
		list = append(list, shown)
	}
	return c.JSON(http.StatusOK, list)
}

func getGroupV1(c *call) error {
	id, err := c.groupParam(groupIDRead)
	if err != nil {
		return err
	}
	tx := c.World.View()
	if _, err := c.groupKind(tx, false); err != nil {
		return err
	}
	resource, err := findGroup(tx, id)
	if err != nil {
		return err
	}
	shown, err := shownGroupV1(resource)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shown)
}

func createGroupV1(c *call) error {
	if _, err := c.groupKind(c.World.View(), true); err != nil {
		return err
	}
	sent, err := c.input()
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		kind, err := c.groupKind(tx, true)
		if err != nil {
			return err
		}
		object := newObject(kind, text(sent["groupId"]))
		describeGroup(object, sent)
		return c.put(tx, kinds.Request{Kind: kind, Object: object, CreateOnly: true})
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusCreated)
}

// describeGroup sets what the older form says of a group; what it leaves out
// the group has no longer, as with any PUT. Members and permissions stay.
func describeGroup(object, sent map[string]any) {
	spec := object["spec"].(map[string]any)
	spec["displayName"] = sent["name"]
	for _, field := range []string{"description", "externalGroups", "externalGroupRegex"} {
		setOrDelete(spec, field, sent[field])
	}
}

func putGroupV1(c *call) error {
	id, err := c.groupParam(groupID)
	if err != nil {
		return err
	}
	if _, err := c.groupKind(c.World.View(), true); err != nil {
		return err
	}
	sent, err := c.input()
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		kind, err := c.groupKind(tx, true)
		if err != nil {
			return err
		}
		object, err := current(tx, kind, kinds.Key{Name: id})
		if err != nil {
			return err
		}
		describeGroup(object, sent)
		return c.put(tx, kinds.Request{Kind: kind, Object: object})
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

func deleteGroupV1(c *call) error {
	id, err := c.groupParam(groupID)
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		kind, err := c.groupKind(tx, true)
		if err != nil {
			return err
		}
		if _, err := findGroup(tx, id); err != nil {
			return err
		}
		return c.Engine.Delete(tx, kind, kinds.Key{Name: id}, nil)
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// userOfPath finds the user that a path names; nil without an error is none.
type userOfPath func(c *call, tx *store.Tx) (*store.Resource, error)

func namedUser(c *call, tx *store.Tx) (*store.Resource, error) {
	email, err := c.emailParam()
	if err != nil {
		return nil, err
	}
	resource, _ := kinds.FindUser(tx, email)
	return resource, nil
}

// addMemberV1 makes a known user a member by hand.
func addMemberV1(find userOfPath) handler {
	return changeGroupV1(func(c *call, tx *store.Tx, group *store.Resource) (map[string]any, error) {
		user, err := find(c, tx)
		if err != nil {
			return nil, err
		}
		if user == nil {
			return nil, &kinds.Error{Code: kinds.NotFound, Title: "The searched entity was not found", Message: "There is no such user"}
		}
		if group == nil {
			return nil, &kinds.Error{Code: kinds.NotFound, Title: "The searched entity was not found", Message: "There is no such group"}
		}
		object := group.Object()
		spec := object["spec"].(map[string]any)
		members, _ := spec["members"].([]any)
		if indexOfEmail(members, user.Name) < 0 {
			spec["members"] = append(members, user.Name)
		}
		return object, nil
	})
}

// removeMemberV1 takes somebody out of a group, whichever way they came in. It
// lists no 404: whoever is not in the group is out of it.
func removeMemberV1(find userOfPath) handler {
	return changeGroupV1(func(c *call, tx *store.Tx, group *store.Resource) (map[string]any, error) {
		email := ""
		user, err := find(c, tx)
		switch {
		case err != nil:
			return nil, err
		case user != nil:
			email = user.Name
		default:
			// A member need not be a user yet.
			email, _ = c.param("email")
		}
		if email == "" || group == nil {
			return nil, nil
		}
		if _, err := c.Engine.SetExternalMember(tx, group, email, false); err != nil {
			return nil, err
		}
		if group, err = findGroup(tx, group.Name); err != nil {
			return nil, err
		}
		object := group.Object()
		spec := object["spec"].(map[string]any)
		members, _ := spec["members"].([]any)
		at := indexOfEmail(members, email)
		if at < 0 {
			return nil, nil
		}
		spec["members"] = slices.Delete(members, at, at+1)
		return object, nil
	})
}

func indexOfEmail(members []any, email string) int {
	return slices.IndexFunc(members, func(have any) bool { return strings.EqualFold(text(have), email) })
}

// changeGroupV1 answers 200 after a change of the group in the path; group is
// nil when there is none, and a nil object changes nothing.
func changeGroupV1(change func(c *call, tx *store.Tx, group *store.Resource) (map[string]any, error)) handler {
	return func(c *call) error {
		id, err := c.groupParam(groupID)
		if err != nil {
			return err
		}
		err = c.World.Update(func(tx *store.Tx) error {
			kind, err := c.groupKind(tx, true)
			if err != nil {
				return err
			}
			group, err := findGroup(tx, id)
			if err != nil && !isNotFound(err) {
				return err
			}
			object, err := change(c, tx, group)
			if err != nil || object == nil {
				return err
			}
			return c.put(tx, kinds.Request{Kind: kind, Object: object})
		})
		if err != nil {
			return err
		}
		return c.NoContent(http.StatusOK)
	}
}

func getGroupPermissionsV1(c *call) error {
	id, err := c.groupParam(groupIDRead)
	if err != nil {
		return err
	}
	tx := c.World.View()
	if _, err := c.groupKind(tx, false); err != nil {
		return err
	}
	resource, err := findGroup(tx, id)
	if err != nil {
		return err
	}
	group, err := read[groupObject](resource)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, permissionsV1(group.Spec.Permissions))
}

func changeGroupPermissionsV1(change permissionChange) handler {
	return func(c *call) error {
		id, err := c.groupParam(groupID)
		if err != nil {
			return err
		}
		find := func(tx *store.Tx) (*store.Resource, error) { return findGroup(tx, id) }
		return c.changePermissions("Group", find, change)
	}
}

// changePermissions changes the permissions of one User or Group.
func (c *call) changePermissions(name string, find func(tx *store.Tx) (*store.Resource, error), change permissionChange) error {
	if _, err := c.kindFor(c.World.View(), "v2", name, true); err != nil {
		return err
	}
	var named []rbac.Grant
	if !strings.HasSuffix(c.path, "/all") {
		var err error
		if named, err = c.namedPermissions(); err != nil {
			return err
		}
	}
	err := c.World.Update(func(tx *store.Tx) error {
		kind, err := c.kindFor(tx, "v2", name, true)
		if err != nil {
			return err
		}
		resource, err := find(tx)
		if err != nil {
			return err
		}
		object := resource.Object()
		spec := object["spec"].(map[string]any)
		have, _ := spec["permissions"].([]any)
		spec["permissions"] = change(have, named)
		return c.put(tx, kinds.Request{Kind: kind, Object: object})
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
