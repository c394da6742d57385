package pgsql

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/mockduktor/mockduktor/rbac/regex"
)

// arithmetic computes with whole numbers where both are, as PostgreSQL does:
// 7 / 2 is 3.
func arithmetic(position int, operator string, a, b Value) (Value, error) {
	x, whole := a.(int64)
	y, alsoWhole := b.(int64)
	if whole && alsoWhole && operator != "^" {
		return wholeArithmetic(position, operator, x, y)
	}
	left, ok := float(a)
	right, alsoOK := float(b)
	if !ok || !alsoOK {
		return nil, noOperator(position, operator, a, b)
	}
	var result float64
	switch operator {
	case "+":
		result = left + right
	case "-":
		result = left - right
	case "*":
		result = left * right
	case "/", "%":
		if right == 0 {
			return nil, refuse(position, "division by zero")
		}
		result = left / right
		if operator == "%" {
			result = math.Mod(left, right)
		}
	case "^":
		result = math.Pow(left, right)
	}
	return finite(position, result)
}

func float(value Value) (float64, bool) {
	switch value := value.(type) {
	case int64:
		return float64(value), true
	case float64:
		return value, true
	}
	return 0, false
}

func finite(position int, value float64) (Value, error) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil, refuse(position, "value out of range: overflow")
	}
	return value, nil
}

func wholeArithmetic(position int, operator string, x, y int64) (Value, error) {
	result, fits := int64(0), true
	switch operator {
	case "+":
		result = x + y
		fits = (result > x) == (y > 0)
	case "-":
		result = x - y
		fits = (result < x) == (y > 0)
	case "*":
		result = x * y
		fits = x == 0 || result/x == y && !(x == -1 && y == math.MinInt64)
	default:
		if y == 0 {
			return nil, refuse(position, "division by zero")
		}
		if y == -1 {
			// The one quotient that does not fit.
			if operator == "%" {
				return int64(0), nil
			}
			if x == math.MinInt64 {
				return nil, refuse(position, "bigint out of range")
			}
			return -x, nil
		}
		if operator == "/" {
			return x / y, nil
		}
		return x % y, nil
	}
	if !fits {
		return nil, refuse(position, "bigint out of range")
	}
	return result, nil
}

// maxText is the longest text that is computed, in bytes.
const maxText = 1 << 20

func concatenate(position int, a, b Value) (Value, error) {
	_, text1 := a.(string)
	_, text2 := b.(string)
	if !text1 && !text2 {
		return nil, noOperator(position, "||", a, b)
	}
	joined := text(a) + text(b)
	if len(joined) > maxText {
		return nil, refuse(position, "a text is longer than %d bytes", maxText)
	}
	return joined, nil
}

// member is -> and ->>: a field of an object by its name, or an element of an
// array by its place, from the end if negative.
func member(e *binary, a, b Value) (Value, error) {
	from, ok := a.(JSON)
	if !ok {
		return nil, noOperator(e.at(), e.operator, a, b)
	}
	var found any
	present := false
	switch by := b.(type) {
	case string:
		var object map[string]any
		if object, ok = from.Value.(map[string]any); ok {
			found, present = object[by]
		}
	case int64:
		if array, ok := from.Value.([]any); ok {
			if by < 0 {
				by += int64(len(array))
			}
			if by >= 0 && by < int64(len(array)) {
				found, present = array[by], true
			}
		}
	default:
		return nil, noOperator(e.at(), e.operator, a, b)
	}
	if !present {
		return nil, nil
	}
	return shown(found, e.operator == "->>"), nil
}

// shown gives a part of a JSON value as json or, asText, as text.
func shown(value any, asText bool) Value {
	if !asText {
		return JSON{value}
	}
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		return value
	case json.Number:
		return value.String()
	}
	return JSON{value}.String()
}

// path is #> and #>>: down a path of the form {a,0,b}.
func path(e *binary, a, b Value) (Value, error) {
	from, ok := a.(JSON)
	steps, text := b.(string)
	if !ok || !text {
		return nil, noOperator(e.at(), e.operator, a, b)
	}
	if !strings.HasPrefix(steps, "{") || !strings.HasSuffix(steps, "}") || strings.ContainsAny(steps, `"\`) {
		return nil, refuse(e.at(), "expected a path of the form {a,b}, without quotes: \"%s\"", steps)
	}
	value := from.Value
	for step := range strings.SplitSeq(steps[1:len(steps)-1], ",") {
		if steps == "{}" {
			break
		}
		step = strings.TrimSpace(step)
		switch inner := value.(type) {
		case map[string]any:
			if value, ok = inner[step]; !ok {
				return nil, nil
			}
		case []any:
			index, err := strconv.Atoi(step)
			if err == nil && index < 0 {
				index += len(inner)
			}
			if err != nil || index < 0 || index >= len(inner) {
				return nil, nil
			}
			value = inner[index]
		default:
			return nil, nil
		}
	}
	return shown(value, e.operator == "#>>"), nil
}

// regular compiles the pattern of ~ and its kin. RE2 runs in linear time.
func regular(e *binary, pattern Value) (*regexp.Regexp, error) {
	text, ok := pattern.(string)
	if !ok {
		return nil, nil
	}
	if strings.HasSuffix(e.operator, "*") {
		text = "(?i)" + text
	}
	compiled, err := regex.Compile(text)
	if err != nil {
		return nil, refuse(e.right.at(), "invalid regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return compiled, nil
}

func matches(e *binary, pattern *regexp.Regexp, a, b Value) (Value, error) {
	value, ok := a.(string)
	if _, also := b.(string); !ok || !also {
		return nil, noOperator(e.at(), e.operator, a, b)
	}
	if pattern == nil {
		var err error
		if pattern, err = regular(e, b); err != nil {
			return nil, err
		}
	}
	return pattern.MatchString(value) != strings.HasPrefix(e.operator, "!"), nil
}
