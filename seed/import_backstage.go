package seed

import (
	"slices"
	"strings"
)

// backstageGroup begins the apiVersion of Backstage's catalog entities.
const backstageGroup = "backstage.io/"

// isBackstage tells an entity of a Backstage catalog.
func isBackstage(object map[string]any) bool {
	apiVersion, _ := object["apiVersion"].(string)
	return strings.HasPrefix(apiVersion, backstageGroup)
}

// entity imports one entity of a Backstage catalog (the descriptor format of
// kinds User and Group): a User becomes a Person. Of a Group only the members
// count, which are added to the people in finish; all other kinds say nothing
// about people and are passed over.
func (i *importer) entity(object map[string]any) {
	kindName := i.word(object, "", "kind")
	if kindName != "User" && kindName != "Group" {
		return
	}
	metadata := i.object(object, "", "metadata")
	name := i.word(metadata, "metadata", "name")
	if name == "" {
		i.fault("metadata", "has no name", "give the entity a metadata.name")
		return
	}
	spec := i.object(object, "", "spec")
	profile := i.object(spec, "spec", "profile")
	if kindName == "Group" {
		members := i.texts(spec, "spec", "members")
		for n, member := range members {
			members[n] = refName(member.(string))
		}
		i.loader.members = append(i.loader.members, membership{group: name, members: members})
		return
	}
	groups := []any{}
	for _, ref := range i.texts(spec, "spec", "memberOf") {
		if group := refName(ref.(string)); !slices.Contains(groups, any(group)) {
			groups = append(groups, group)
		}
	}
	email := i.word(profile, "spec.profile", "email")
	i.add("Person", name, map[string]any{
		"email":   email,
		"name":    i.word(profile, "spec.profile", "displayName"),
		"picture": i.word(profile, "spec.profile", "picture"),
		"groups":  groups,
	}, origin{
		"": "metadata", "metadata.name": "metadata.name", "spec": "spec", "spec.email": "spec.profile.email",
		"spec.name": "spec.profile.displayName", "spec.picture": "spec.profile.picture", "spec.groups": "spec.memberOf",
	})
}

// membership is what a Group says of its members, by their names.
type membership struct {
	group   string
	members []any
}

// join puts people into the groups that name them, once all files of a source
// are read: a catalog may say it on either side.
func (l *loader) join(people []*Document) {
	for _, m := range l.members {
		for _, member := range m.members {
			for _, d := range people {
				if d.from == nil || d.Kind != "Person" || d.Name != member {
					continue
				}
				spec := d.Object["spec"].(map[string]any)
				groups, _ := spec["groups"].([]any)
				if !slices.Contains(groups, any(m.group)) {
					spec["groups"] = append(groups, m.group)
				}
			}
		}
	}
	l.members = nil
}

// refName is the name in an entity reference, [kind:][namespace/]name.
func refName(ref string) string {
	if _, rest, found := strings.Cut(ref, ":"); found {
		ref = rest
	}
	return ref[strings.LastIndexByte(ref, '/')+1:]
}
