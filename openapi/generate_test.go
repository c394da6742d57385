package openapi

import (
	"encoding/json"
	"fmt"
	"slices"

	"pgregory.net/rapid"
)

// drawValue makes a value after a compiled schema. Without faults it is valid;
// with faults now and then something is wrong that both this package's checks and
// those of kin-openapi know: types, enumerations, patterns, bounds, missing fields,
// repeated items. There are no unknown and no read-only fields.
func drawValue(t *rapid.T, s *schema, faults bool, depth int) any {
	wrong := func() bool { return faults && rapid.IntRange(0, 60).Draw(t, "fault") == 0 }
	switch {
	case s.free():
		return drawFree(t, 2)
	case s.branches != nil:
		tag := rapid.SampledFrom(s.branchNames).Draw(t, "branch")
		v := drawValue(t, s.branches[tag], faults, depth)
		if obj, ok := v.(map[string]any); ok && !wrong() {
			obj[s.discriminator] = tag
		}
		return v
	case s.alternatives != nil:
		return drawValue(t, rapid.SampledFrom(s.alternatives).Draw(t, "alternative"), faults, depth)
	case s.format != "go-duration" && wrong(): // kin-openapi does not know the format
		return rapid.SampledFrom([]any{"text", true, json.Number("-7"), json.Number("1.5"), []any{}, map[string]any{}}).Draw(t, "wrong")
	case s.enum != nil:
		return rapid.SampledFrom(s.enum).Draw(t, "enum")
	case s.types&typeObject != 0:
		return drawObject(t, s, faults, depth)
	case s.types&typeArray != 0:
		return drawArray(t, s, faults, depth)
	case s.types&typeString != 0:
		return drawText(t, s)
	case s.types&typeBoolean != 0:
		return rapid.Bool().Draw(t, "bool")
	case s.types&typeNumber != 0:
		return within(s, json.Number(fmt.Sprintf("%d.%d", rapid.IntRange(0, 99).Draw(t, "whole"), rapid.IntRange(0, 99).Draw(t, "fraction"))))
	}
	return within(s, json.Number(fmt.Sprint(rapid.IntRange(1, 1000).Draw(t, "integer"))))
}

// within moves a number to the bound that it is beyond.
func within(s *schema, number json.Number) json.Number {
	drawn, _ := parseDecimal(string(number))
	switch {
	case s.minimum != nil && drawn.compare(*s.minimum) < 0:
		return json.Number(s.minimum.String())
	case s.maximum != nil && drawn.compare(*s.maximum) > 0:
		return json.Number(s.maximum.String())
	}
	return number
}

func drawObject(t *rapid.T, s *schema, faults bool, depth int) any {
	out := make(map[string]any)
	for _, name := range s.names {
		field := s.fields[name]
		if field.readOnly {
			continue
		}
		always := slices.Contains(s.required, name) && !(faults && rapid.IntRange(0, 60).Draw(t, "missing") == 0)
		if always || rapid.Bool().Draw(t, name) {
			out[name] = drawValue(t, field, faults, depth+1)
		}
	}
	if s.values != nil || s.open {
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			key := rapid.SampledFrom([]string{"a", "b.c", "retention.ms", "é"}).Draw(t, "key")
			if s.values != nil {
				out[key] = drawValue(t, s.values, faults, depth+1)
			} else {
				out[key] = drawFree(t, 2)
			}
		}
	}
	return out
}

func drawArray(t *rapid.T, s *schema, faults bool, depth int) any {
	least := 0
	if s.minItems != nil {
		least = *s.minItems
	}
	out := []any{}
	for range rapid.IntRange(least, 3).Draw(t, "items") {
		item := drawValue(t, s.items, faults, depth+1)
		twin := slices.ContainsFunc(out, func(other any) bool { return same(nil, other, item) })
		if s.unique && twin && !faults {
			continue
		}
		out = append(out, item)
	}
	return out
}

func drawText(t *rapid.T, s *schema) any {
	switch s.format {
	case "date-time":
		return rapid.SampledFrom([]string{"2026-01-05T09:00:00Z", "2026-01-05T09:00:00+02:00"}).Draw(t, "time")
	case "uuid":
		return fmt.Sprintf("6f0d2c1e-5a43-5d0e-9a53-6a1c20d3a%03d", rapid.IntRange(0, 999).Draw(t, "uuid"))
	case "go-duration":
		return rapid.SampledFrom([]string{"5m", "1h30m"}).Draw(t, "duration")
	}
	candidates := []string{"a", "b-c", "d.e_f", "*", "Upper Case", "long text with \"quotes\" and é", "v1", "iam/v2", "v3", "mockduktor/v1"}
	candidates = slices.DeleteFunc(candidates, func(c string) bool {
		return s.pattern != nil && !s.pattern.MatchString(c) || s.minLength != nil && len(c) < *s.minLength
	})
	return rapid.SampledFrom(candidates).Draw(t, "text")
}

func drawFree(t *rapid.T, depth int) any {
	pick := rapid.IntRange(0, 6).Draw(t, "free")
	if depth == 0 && pick > 4 {
		pick = 0
	}
	switch pick {
	case 1:
		return true
	case 2:
		return json.Number(rapid.SampledFrom([]string{"0", "1", "1.5", "-2e3"}).Draw(t, "number"))
	case 3:
		return "text"
	case 4:
		return map[string]any{}
	case 5:
		return []any{drawFree(t, depth-1), drawFree(t, depth-1)}
	case 6:
		return map[string]any{"x": drawFree(t, depth-1), "y": drawFree(t, depth-1)}
	}
	return nil
}
