package seed

import "bytes"

// Parse reads the documents of one text, YAML or JSON, that did not come from a
// file of this machine: ${VAR} finds no environment (a default still counts) and
// schemaFile no folder, so that whoever sends the text learns nothing. Otherwise
// it is as Load, without adding keys. The error is of type Faults.
func Parse(data []byte) ([]*Document, error) {
	l := &loader{lookup: func(string) (string, bool) { return "", false }}
	var found []*Document
	if t := l.read("", bytes.NewReader(data)); t != nil {
		found = l.documents(t, &folder{})
	}
	l.join(found)
	found = l.unique(found)
	if len(l.faults) > 0 {
		return nil, l.faults
	}
	Sort(found)
	return found, nil
}
