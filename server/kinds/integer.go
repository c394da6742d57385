package kinds

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// maxExact is the largest integer up to which every one is a float64.
const maxExact = 1 << 53

// plainIntegers rewrites numbers such as 3.0 and 1e6 as integers: JSON Schema
// takes them for integers, encoding/json does not.
func plainIntegers(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			value[name] = plainIntegers(inner)
		}
	case []any:
		for i, inner := range value {
			value[i] = plainIntegers(inner)
		}
	case json.Number:
		if !strings.ContainsAny(string(value), ".eE") {
			return value
		}
		if number, err := value.Float64(); err == nil && number == math.Trunc(number) && math.Abs(number) <= maxExact {
			return json.Number(strconv.FormatInt(int64(number), 10))
		}
	}
	return value
}
