package kinds

// dropNulls removes fields of metadata and spec that are null: the schemas have
// none that may be, so a null says the same as leaving the field out, and an
// answer must not show one.
func dropNulls(object map[string]any) {
	for _, name := range []string{"metadata", "spec"} {
		fields := part(object, name)
		for field, value := range fields {
			if value == nil {
				delete(fields, field)
			}
		}
	}
}
