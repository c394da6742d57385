package console

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

func (r *router) usersV1() {
	const one = "/public/v1/users/{email}"
	r.secured(http.MethodGet, "/public/v1/users", listUsersV1)
	r.secured(http.MethodPut, "/public/v1/users", putUserV1)
	r.secured(http.MethodGet, one, getUserV1)
	r.secured(http.MethodDelete, one, deleteUserV1)
	r.secured(http.MethodGet, one+"/permissions", getUserPermissionsV1)
	r.secured(http.MethodPut, one+"/permissions", changeUserPermissionsV1(replacePermissions))
	r.secured(http.MethodPatch, one+"/permissions", changeUserPermissionsV1(addPermissions))
	r.secured(http.MethodDelete, one+"/permissions", changeUserPermissionsV1(removePermissions))
	r.secured(http.MethodDelete, one+"/permissions/all", changeUserPermissionsV1(removeAllPermissions))
}

// userV1 is a User in the older form.
type userV1 struct {
	UserID        string          `json:"userId"` // the e-mail address
	FirstName     string          `json:"firstName,omitempty"`
	LastName      string          `json:"lastName,omitempty"`
	FullName      string          `json:"fullName"`
	PlatformRole  string          `json:"platformRole"`
	Groups        []groupOfUserV1 `json:"groups"`
	LastLoginDate *time.Time      `json:"lastLoginDate,omitempty"`
}

type groupOfUserV1 struct {
	GroupID string `json:"groupId"`
	Name    string `json:"name"`
}

// The values of platformRole.
const (
	roleAdmin  = "admin"
	roleMember = "member"
)

// userObject is what these operations read of a User.
type userObject struct {
	Metadata struct{ LastLoginDate *time.Time }
	Spec     struct {
		FirstName, LastName string
		Permissions         []any
	}
}

func (c *call) shownUserV1(tx *store.Tx, resource *store.Resource) (userV1, error) {
	user, err := read[userObject](resource)
	if err != nil {
		return userV1{}, err
	}
	shown := userV1{UserID: resource.Name, FirstName: user.Spec.FirstName, LastName: user.Spec.LastName,
		FullName: strings.TrimSpace(user.Spec.FirstName + " " + user.Spec.LastName), PlatformRole: roleMember,
		Groups: []groupOfUserV1{}, LastLoginDate: user.Metadata.LastLoginDate}
	if shown.FullName == "" {
		shown.FullName = resource.Name
	}
	if strings.EqualFold(resource.Name, c.Settings.AdminEmail) {
		shown.PlatformRole = roleAdmin
	}
	for _, group := range groupsWith(tx, resource.Name) {
		shown.Groups = append(shown.Groups, groupOfUserV1{GroupID: group.Name, Name: group.Value.(*kinds.Group).DisplayName})
		if group.Name == kinds.AdminGroup {
			shown.PlatformRole = roleAdmin
		}
	}
	return shown, nil
}

// groupsWith lists the groups that somebody is a member of, whichever way, by name.
func groupsWith(tx *store.Tx, email string) []*store.Resource {
	var groups []*store.Resource
	for resource := range tx.Referrers(store.Ref("member", strings.ToLower(email))) {
		if _, ok := resource.Value.(*kinds.Group); ok {
			groups = append(groups, resource)
		}
	}
	slices.SortFunc(groups, func(a, b *store.Resource) int { return strings.Compare(a.Name, b.Name) })
	return groups
}

func (c *call) userKind(tx *store.Tx, write bool) (*openapi.Kind, error) {
	return c.kindFor(tx, "v2", "User", write)
}

// emailParam reads the e-mail address in a path.
func (c *call) emailParam() (string, error) {
	email, err := c.param("email")
	if err != nil {
		return "", err
	}
	if !kinds.IsEmail(email) {
		return "", &kinds.Error{Code: kinds.Invalid, Field: "email",
			Message: fmt.Sprintf("Invalid value for: path parameter email (expected an e-mail address, got %q)", email)}
	}
	return email, nil
}

// numberedUser finds the user that a number in the path stands for (see
// kinds.UserNumber).
func numberedUser(c *call, tx *store.Tx) (*store.Resource, error) {
	raw, err := c.param("userId")
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseInt(raw, 10, 32)
	if err != nil {
		return nil, &kinds.Error{Code: kinds.Invalid, Field: "userId",
			Message: "Invalid value for: path parameter userId (expected an integer of 32 bits)"}
	}
	var user *store.Resource
	for resource := range tx.Resources("User", "v2", nil, "") {
		if int64(kinds.UserNumber(resource.Name)) != number {
			continue
		}
		if user != nil {
			return nil, &kinds.Error{Code: kinds.Invalid, Field: "userId",
				Message: fmt.Sprintf("Invalid value for: path parameter userId (%s and %s share the number %d; use their e-mail addresses)", user.Name, resource.Name, number)}
		}
		user = resource
	}
	return user, nil
}

func findUser(tx *store.Tx, email string) (*store.Resource, error) {
	if resource, ok := kinds.FindUser(tx, email); ok {
		return resource, nil
	}
	return nil, &kinds.Error{Code: kinds.NotFound, Title: "No user found with this email", Message: "User " + email + " not found"}
}

func listUsersV1(c *call) error {
	tx := c.World.View()
	kind, err := c.userKind(tx, false)
	if err != nil {
		return err
	}
	list := []userV1{}
	for resource := range tx.Resources(kind.Name, kind.Version, nil, "") {
		shown, err := c.shownUserV1(tx, resource)
		if err != nil {
			return err
		}
		list = append(list, shown)
	}
	return c.JSON(http.StatusOK, list)
}

func getUserV1(c *call) error {
	email, err := c.emailParam()
	if err != nil {
		return err
	}
	tx := c.World.View()
	if _, err := c.userKind(tx, false); err != nil {
		return err
	}
	resource, err := findUser(tx, email)
	if err != nil {
		return err
	}
	shown, err := c.shownUserV1(tx, resource)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shown)
}

func putUserV1(c *call) error {
	if _, err := c.userKind(c.World.View(), true); err != nil {
		return err
	}
	sent, err := c.input()
	if err != nil {
		return err
	}
	email := text(sent["email"])
	if !kinds.IsEmail(email) {
		return &kinds.Error{Code: kinds.Invalid, Field: "email",
			Message: fmt.Sprintf("Invalid value for: body (expected an e-mail address, got %q at 'email')", email)}
	}
	err = c.World.Update(func(tx *store.Tx) error {
		kind, err := c.userKind(tx, true)
		if err != nil {
			return err
		}
		if known, ok := kinds.FindUser(tx, email); ok {
			email = known.Name // as it is written; case does not count
		}
		object, err := current(tx, kind, kinds.Key{Name: email})
		if err != nil {
			return err
		}
		for _, field := range []string{"firstName", "lastName"} {
			setOrDelete(object["spec"].(map[string]any), field, sent[field])
		}
		return c.put(tx, kinds.Request{Kind: kind, Object: object})
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

func deleteUserV1(c *call) error {
	email, err := c.emailParam()
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		kind, err := c.userKind(tx, true)
		if err != nil {
			return err
		}
		resource, err := findUser(tx, email)
		if err != nil {
			return err
		}
		return c.Engine.Delete(tx, kind, kinds.Key{Name: resource.Name}, nil)
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// userPermissionsV1 splits what a user may do by where it comes from.
type userPermissionsV1 struct {
	User   []any            `json:"user"`
	Groups map[string][]any `json:"groups"`
}

func getUserPermissionsV1(c *call) error {
	email, err := c.emailParam()
	if err != nil {
		return err
	}
	tx := c.World.View()
	if _, err := c.userKind(tx, false); err != nil {
		return err
	}
	resource, err := findUser(tx, email)
	if err != nil {
		return err
	}
	user, err := read[userObject](resource)
	if err != nil {
		return err
	}
	shown := userPermissionsV1{User: permissionsV1(user.Spec.Permissions), Groups: map[string][]any{}}
	for _, resource := range groupsWith(tx, resource.Name) {
		group, err := read[groupObject](resource)
		if err != nil {
			return err
		}
		shown.Groups[resource.Name] = permissionsV1(group.Spec.Permissions)
	}
	return c.JSON(http.StatusOK, shown)
}

func changeUserPermissionsV1(change permissionChange) handler {
	return func(c *call) error {
		email, err := c.emailParam()
		if err != nil {
			return err
		}
		find := func(tx *store.Tx) (*store.Resource, error) { return findUser(tx, email) }
		return c.changePermissions("User", find, change)
	}
}
