package pgsql

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// typeOf names the type of a value in messages.
func typeOf(value Value) string {
	switch value.(type) {
	case bool:
		return "boolean"
	case int64:
		return "bigint"
	case float64:
		return "double precision"
	case string:
		return "text"
	case JSON:
		return "json"
	}
	return "unknown"
}

// text is how PostgreSQL writes a value.
func text(value Value) string {
	switch value := value.(type) {
	case bool:
		return strconv.FormatBool(value)
	case int64:
		return strconv.FormatInt(value, 10)
	case float64:
		return formatFloat(value)
	case string:
		return value
	case JSON:
		return value.String()
	}
	return ""
}

// formatFloat writes the shortest form that reads as the same number.
func formatFloat(value float64) string {
	if size := math.Abs(value); size != 0 && (size < 1e-4 || size >= 1e15) {
		return strconv.FormatFloat(value, 'e', -1, 64)
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

// String is the value as JSON.
func (j JSON) String() string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(j.Value); err != nil {
		return ""
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// MarshalJSON implements json.Marshaler: the value as it is.
func (j JSON) MarshalJSON() ([]byte, error) { return []byte(j.String()), nil }

// convert casts a value to a type (see dataTypes).
func convert(position int, value Value, target string) (Value, error) {
	if value == nil {
		return nil, nil
	}
	switch target {
	case "text":
		return text(value), nil
	case "boolean":
		return toBoolean(position, value)
	case "bigint":
		return toInteger(position, value)
	case "double precision":
		return toFloat(position, value)
	case "json":
		return toJSON(position, value)
	}
	return nil, fmt.Errorf("type %s", target)
}

func cannotCast(position int, value Value, target string) error {
	return refuse(position, "cannot cast type %s to %s", typeOf(value), target)
}

func badInput(position int, target, value string) error {
	return refuse(position, "invalid input syntax for type %s: \"%s\"", target, value)
}

func toBoolean(position int, value Value) (Value, error) {
	switch value := value.(type) {
	case bool:
		return value, nil
	case int64:
		return value != 0, nil
	case string:
		// Every unique beginning of the words will do.
		word := strings.ToLower(strings.TrimSpace(value))
		for _, one := range []struct {
			word   string
			result bool
			least  int
		}{{"true", true, 1}, {"false", false, 1}, {"yes", true, 1}, {"no", false, 1}, {"on", true, 2}, {"off", false, 2}, {"1", true, 1}, {"0", false, 1}} {
			if len(word) >= one.least && strings.HasPrefix(one.word, word) {
				return one.result, nil
			}
		}
		return nil, badInput(position, "boolean", value)
	}
	return nil, cannotCast(position, value, "boolean")
}

func toInteger(position int, value Value) (Value, error) {
	switch value := value.(type) {
	case int64:
		return value, nil
	case bool:
		if value {
			return int64(1), nil
		}
		return int64(0), nil
	case float64:
		rounded := math.RoundToEven(value)
		if rounded < math.MinInt64 || rounded >= math.MaxInt64 || math.IsNaN(rounded) {
			return nil, refuse(position, "bigint out of range")
		}
		return int64(rounded), nil
	case string:
		whole, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil {
			return nil, badInput(position, "bigint", value)
		}
		return whole, nil
	}
	return nil, cannotCast(position, value, "bigint")
}

func toFloat(position int, value Value) (Value, error) {
	switch value := value.(type) {
	case int64:
		return float64(value), nil
	case float64:
		return value, nil
	case string:
		number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
			return nil, badInput(position, "double precision", value)
		}
		return number, nil
	}
	return nil, cannotCast(position, value, "double precision")
}

func toJSON(position int, value Value) (Value, error) {
	switch value := value.(type) {
	case JSON:
		return value, nil
	case string:
		decoder := json.NewDecoder(strings.NewReader(value))
		decoder.UseNumber()
		var decoded any
		if err := decoder.Decode(&decoded); err != nil || decoder.More() {
			return nil, badInput(position, "json", value)
		}
		return JSON{decoded}, nil
	}
	return nil, cannotCast(position, value, "json")
}

// compare orders two values, neither of them NULL, that the operator relates.
func compare(position int, operator string, a, b Value) (int, error) {
	switch a := a.(type) {
	case bool:
		if b, ok := b.(bool); ok {
			return truth(a) - truth(b), nil
		}
	case int64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, b), nil
		case float64:
			return cmp.Compare(float64(a), b), nil
		}
	case float64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, float64(b)), nil
		case float64:
			return cmp.Compare(a, b), nil
		}
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b), nil
		}
	}
	return 0, noOperator(position, operator, a, b)
}

func noOperator(position int, operator string, a, b Value) error {
	return refuse(position, "operator does not exist: %s %s %s", typeOf(a), operator, typeOf(b))
}

func truth(value bool) int {
	if value {
		return 1
	}
	return 0
}

// rank orders any two values for ORDER BY, with NULL above all; json has no order.
func rank(position int, a, b Value) (int, error) {
	switch {
	case a == nil && b == nil:
		return 0, nil
	case a == nil:
		return 1, nil
	case b == nil:
		return -1, nil
	}
	if _, ok := a.(JSON); ok {
		return 0, refuse(position, "could not identify an ordering operator for type json")
	}
	return compare(position, "<", a, b)
}

// key is a text that is the same for values that are not distinct, for grouping.
func key(position int, values []Value) (string, error) {
	var out strings.Builder
	for _, value := range values {
		if number, ok := value.(int64); ok && number >= -1<<53 && number <= 1<<53 {
			value = float64(number) // 1 and 1.0 are the same
		}
		if number, ok := value.(float64); ok && number == 0 {
			value = 0.0 // and -0 too
		}
		if _, ok := value.(JSON); ok {
			return "", refuse(position, "could not identify an equality operator for type json")
		}
		part := text(value)
		fmt.Fprintf(&out, "%s %d %s;", typeOf(value), len(part), part)
	}
	return out.String(), nil
}
