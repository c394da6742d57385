// Package rbac decides what a principal of the Console may do and says why.
//
// It is pure: it knows no HTTP, no store and no clock. A caller collects the
// grants of a principal (his own, those of his groups, of application
// ownership, application groups and granted instance permissions, and
// Everyone's), compiles them once with NewSubject, and asks Decide, Allows,
// Spans, CanAny or AnyIn as often as it likes.
//
// Grants only add up; there is no deny. Names are compared case-sensitively, as
// Kafka does.
//
// Where the Console's documentation is silent the package decides as follows.
//
//   - An ApplicationInstancePermission's userPermission READ lets members of the
//     granted application see a topic's data and configuration, WRITE also
//     produce; the other resource types follow the same idea (see
//     InstancePermissionGrants). The old field permission counts when
//     userPermission is absent.
//   - An application group never gives more than its application holds: on a
//     resource owned LIMITED the documented list is missing there too, and on a
//     subscribed resource the group's permissions are cut to what the instance
//     permission gives. A listed name outside the owned and subscribed resources
//     gives nothing.
//   - A PREFIXED name's trailing star is read as the prefix without it.
package rbac
