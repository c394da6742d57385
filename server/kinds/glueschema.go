package kinds

import (
	"fmt"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// GlueSchema is the typed form of a schema in AWS Glue.
type GlueSchema struct {
	Version     int // grows with every new schema
	fingerprint string
}

func glueSchemaRule() *Rule {
	ownerLabels := showOwnerLabels(rbac.ResourceSubject)
	return &Rule{
		Access: schemaAccess(),
		Check: func(c *Change) error {
			if err := checkFormerLabels(c); err != nil {
				return err
			}
			if err := checkRegistry(c, registryGlue); err != nil {
				return err
			}
			return checkSchemaField(c, nil)
		},
		Show: func(c *Change) error {
			if err := numberGlueSchema(c); err != nil {
				return err
			}
			return ownerLabels(c)
		},
		Managed:   dropOwnerLabels,
		Normalize: normalizeSchema,
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			spec := part(object, "spec")
			fingerprint, err := schemaFingerprint(spec)
			if err != nil {
				return nil, []openapi.Problem{{Path: "spec", Expected: err.Error()}}
			}
			version, err := integerOf(spec["version"])
			if err != nil {
				return nil, []openapi.Problem{{Path: "spec.version", Expected: err.Error()}}
			}
			return &GlueSchema{Version: int(version), fingerprint: fingerprint}, nil
		},
	}
}

// numberGlueSchema sets version and id; Glue's ids are of versions, not of schemas.
func numberGlueSchema(c *Change) error {
	spec := part(c.Object, "spec")
	fingerprint, err := schemaFingerprint(spec)
	if err != nil {
		return err
	}
	version := 1
	if c.Old != nil {
		old := c.Old.Value.(*GlueSchema)
		version = old.Version
		if old.fingerprint != fingerprint {
			version++
		}
	}
	spec["version"] = wholeJSON(version)
	spec["id"] = store.DerivedUUID("glue-schema", c.Key.Parents[0], c.Key.Name, fmt.Sprint(version))
	return nil
}
