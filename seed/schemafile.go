package seed

import (
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// inlineSchema reads spec.schemaFile of a Subject into spec.schema, as the
// Conduktor CLI does before it calls. There the path is relative to the working
// folder; here to the file that names it, so that a seed does not depend on
// where it is started, and it may not leave the folder of the seed.
func (d *Document) inlineSchema(root *yaml.Node, files *folder) *Fault {
	spec, _ := d.Object["spec"].(map[string]any)
	value, given := spec["schemaFile"]
	if d.Kind != "Subject" || !given {
		return nil
	}
	const field = "spec.schemaFile"
	fault := func(problem, remedy string) *Fault {
		return &Fault{Position: d.within(root, field), Field: field, Problem: problem, Remedy: remedy}
	}
	name, isText := value.(string)
	if !isText || name == "" {
		return fault("is not the name of a file", "write a path relative to this file")
	}
	if spec["schema"] != nil {
		return fault("stands beside spec.schema", "keep one of them")
	}
	if filepath.IsAbs(name) {
		return fault("is an absolute path", "write a path relative to this file")
	}
	f, err := files.regular(path.Join(files.within, filepath.ToSlash(name)))
	if err != nil {
		remedy := "write a path relative to this file, inside the folder of the seed"
		if errors.Is(err, errFolder) {
			remedy = "name a file"
		}
		return fault(name+": "+reason(err), remedy)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSchemaBytes+1))
	switch {
	case err != nil:
		return fault(name+": cannot be read: "+reason(err), "")
	case len(data) > maxSchemaBytes:
		return fault(fmt.Sprintf("%s: larger than %d MiB", name, maxSchemaBytes>>20), "name a smaller file")
	case !utf8.Valid(data):
		return fault(name+": not UTF-8", "save the file as UTF-8")
	}
	delete(spec, "schemaFile")
	spec["schema"] = string(data)
	return nil
}
