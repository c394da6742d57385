package kinds

import (
	"errors"
	"net/mail"
	"slices"
	"strings"
	"unicode"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// AdminGroup is the built-in group whose members may do everything.
const AdminGroup = "admin"

// Group is the typed form of a Console group.
type Group struct {
	Name        string
	DisplayName string
	Members     []string // put by hand; lower case
	External    []string // through the groups claim; lower case
	Rule        rbac.MappingRule
	Grants      []rbac.Grant
}

func groupRule(settings Settings) *Rule {
	read, write := permission(rbac.ResourcePlatform, "userView"), permission(rbac.ResourcePlatform, "userManage")
	return &Rule{
		Identity: true,
		Access:   Access{Read: read, Create: write, Update: write, Delete: write},
		Drop:     dropForeignFields,
		Check:    checkGroup(settings),
		Show:     showExternalMembers,
		Parse:    parseGroup(settings),
		Refs: func(value any) []string {
			group := value.(*Group)
			return memberRefs(group.Members, group.External)
		},
		After: touchMapping,
		Delete: func(e *Engine, tx *store.Tx, r *store.Resource) error {
			if r.Name == AdminGroup {
				return conflict("metadata.name", "Cannot delete %s because it is built in", r.Name)
			}
			for owned := range tx.Referrers(store.Ref("owner", r.Name)) {
				return conflict("metadata.name", "Cannot delete %s because it owns the application %s", r.Name, owned.Name)
			}
			for owned := range tx.Referrers(store.Ref(refPolicyGroup, r.Name)) {
				return conflict("metadata.name", "Cannot delete %s because it owns the data quality policy %s", r.Name, owned.Name)
			}
			alerts := slices.Collect(tx.Referrers(store.Ref(refAlertOwner, OwnerKey("group", r.Name))))
			if err := e.removeAll(tx, alerts); err != nil {
				return err
			}
			return tx.TouchMapping()
		},
		// Unlike for a user, Console 1.40 reports success (the CLI's integration
		// tests clean up groups that are gone already).
		DeletesAbsent: true,
	}
}

func memberRefs(members, external []string) []string {
	refs := make([]string, 0, len(members)+len(external))
	for _, email := range append(slices.Clone(members), external...) {
		if ref := store.Ref("member", email); !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs
}

func checkGroup(settings Settings) func(*Change) error {
	return func(c *Change) error {
		spec := part(c.Object, "spec")
		if err := checkMembers(spec); err != nil {
			return err
		}
		if err := checkPermissions(spec); err != nil {
			return err
		}
		return checkMapping(spec, settings.RegexFull)
	}
}

// checkMembers refuses members that are no e-mail addresses. Unknown ones are
// accepted: groups are applied before users have ever signed in.
func checkMembers(spec map[string]any) error {
	members, _ := spec["members"].([]any)
	for i, member := range members {
		email, _ := member.(string)
		if !IsEmail(email) {
			return invalid(index("spec.members", i), "expected an e-mail address, got %q", email)
		}
	}
	return nil
}

// IsEmail says whether a name is a bare e-mail address. Letters that become
// ASCII when case is ignored (the Kelvin sign, the long s, the dotted capital I)
// are refused: with one of them somebody else's address would be his own to us.
func IsEmail(name string) bool {
	address, err := mail.ParseAddress(name)
	return err == nil && address.Address == name && strings.IndexFunc(name, foldsToASCII) < 0
}

func foldsToASCII(r rune) bool {
	return r > unicode.MaxASCII && (unicode.ToLower(r) <= unicode.MaxASCII || unicode.ToUpper(r) <= unicode.MaxASCII)
}

func checkPermissions(spec map[string]any) error {
	list, _ := spec["permissions"].([]any)
	_, problems := rbac.ParsePermissions(list, rbac.Source{})
	return fromRBAC("spec.permissions", problems)
}

func fromRBAC(path string, problems []rbac.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return FromProblems(toOpenAPI(path, problems))
}

func toOpenAPI(path string, problems []rbac.Problem) []openapi.Problem {
	list := make([]openapi.Problem, len(problems))
	for i, problem := range problems {
		list[i] = openapi.Problem{Path: path + problem.Path, Expected: problem.Reason}
	}
	return list
}

// maxExpressions bounds the expressions of one group: each new token is held to
// all there are.
const maxExpressions = 200

func checkMapping(spec map[string]any, full bool) error {
	if list, _ := spec["externalGroupRegex"].([]any); len(list) > maxExpressions {
		return invalid("spec.externalGroupRegex", "expected at most %d expressions, got %d", maxExpressions, len(list))
	}
	_, problems := rbac.NewMapping([]rbac.MappingRule{mappingRule("", spec, full)})
	for i := range problems {
		problems[i].Path = strings.TrimPrefix(problems[i].Path, "[0].")
		problems[i].Reason = strings.TrimPrefix(problems[i].Reason, ": ") // of the rule's target, which has no name here
	}
	return fromRBAC("spec.", problems)
}

func mappingRule(target string, spec map[string]any, full bool) rbac.MappingRule {
	return rbac.MappingRule{Target: target, External: texts(spec, "externalGroups"),
		Regex: texts(spec, "externalGroupRegex"), FullMatch: full}
}

func parseGroup(settings Settings) func(map[string]any) (any, []openapi.Problem) {
	return func(object map[string]any) (any, []openapi.Problem) {
		spec, name := part(object, "spec"), text(part(object, "metadata"), "name")
		list, _ := spec["permissions"].([]any)
		grants, _ := rbac.ParsePermissions(list, rbac.Source{Kind: rbac.SourceGroup, Name: name})
		return &Group{
			Name: name, DisplayName: text(spec, "displayName"),
			Members:  lower(texts(spec, "members")),
			External: lower(texts(spec, "membersFromExternalGroups")),
			Rule:     mappingRule(name, spec, settings.RegexFull),
			Grants:   grants,
		}, nil
	}
}

func lower(emails []string) []string {
	for i, email := range emails {
		emails[i] = strings.ToLower(email)
	}
	return emails
}

// showExternalMembers keeps what the groups claims have brought. The field is
// left out while empty unless it was sent, so that a GET adds nothing to what
// people wrote and Terraform gets back the list that it sent.
func showExternalMembers(c *Change) error {
	var external []any
	if c.Old != nil {
		external, _ = part(c.Old.Object(), "spec")["membersFromExternalGroups"].([]any)
	}
	if _, sent := part(c.Sent, "spec")["membersFromExternalGroups"]; len(external) > 0 || sent {
		if external == nil {
			external = []any{}
		}
		part(c.Object, "spec")["membersFromExternalGroups"] = external
	}
	return nil
}

func touchMapping(c *Change) error { return c.Tx.TouchMapping() }

// SetExternalMember puts an e-mail among the members that a group has through
// the groups claim, or takes it out; it reports whether that changed anything.
// The resource is a Group or an ApplicationGroup.
func (e *Engine) SetExternalMember(tx *store.Tx, resource *store.Resource, email string, member bool) (bool, error) {
	// Each new token asks; most change nothing.
	if slices.Contains(externalMembers(resource), strings.ToLower(email)) == member {
		return false, nil
	}
	object := resource.Object()
	spec := part(object, "spec")
	external := texts(spec, "membersFromExternalGroups")
	at := slices.IndexFunc(external, func(have string) bool { return strings.EqualFold(have, email) })
	if (at >= 0) == member {
		return false, nil
	}
	if member {
		external = append(external, email)
		slices.Sort(external)
	} else {
		external = slices.Delete(external, at, at+1)
	}
	list := make([]any, len(external))
	for i, have := range external {
		list[i] = have
	}
	spec["membersFromExternalGroups"] = list
	kind, err := e.Kind(e.shownVersion(resource.Kind, resource.Version), resource.Kind)
	if err != nil {
		return false, err
	}
	changed, err := e.resource(&Change{Tx: tx, Kind: kind, Key: Key{Parents: resource.Parents, Name: resource.Name},
		Old: resource, Object: object}, e.rules[kind])
	if err != nil {
		return false, err
	}
	changed.UpdatedAt = resource.UpdatedAt
	tx.TouchGrants()
	return true, tx.Put(changed)
}

// externalMembers are those whom the groups claim has brought, in lower case.
func externalMembers(resource *store.Resource) []string {
	switch value := resource.Value.(type) {
	case *Group:
		return value.External
	case *ApplicationGroup:
		return value.External
	}
	return nil
}

// exists reports whether a resource without parents is there.
func exists(tx *store.Tx, kind, version, name string) (bool, error) {
	_, err := tx.Resource(kind, version, nil, name)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
