package pgsql

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// function is one that computes a value out of others.
type function struct {
	least, most int // arguments; most -1: any number
	// lenient functions are asked with NULL among the arguments too; the others
	// are NULL then.
	lenient bool
	run     func(position int, args []Value) (Value, error)
}

// functions are all there are, beside the aggregates.
var functions = map[string]function{
	"coalesce": {1, -1, true, func(_ int, args []Value) (Value, error) {
		for _, arg := range args {
			if arg != nil {
				return arg, nil
			}
		}
		return nil, nil
	}},
	"nullif": {2, 2, true, func(position int, args []Value) (Value, error) {
		if args[0] == nil || args[1] == nil {
			return args[0], nil
		}
		order, err := compare(position, "=", args[0], args[1])
		if err != nil || order == 0 {
			return nil, err
		}
		return args[0], nil
	}},
	"greatest": {1, -1, true, func(position int, args []Value) (Value, error) { return extreme(position, args, 1) }},
	"least":    {1, -1, true, func(position int, args []Value) (Value, error) { return extreme(position, args, -1) }},
	"lower":    onText(func(text string) Value { return strings.ToLower(text) }),
	"upper":    onText(func(text string) Value { return strings.ToUpper(text) }),
	"length":   onText(func(text string) Value { return int64(utf8.RuneCountInString(text)) }),
	"reverse": onText(func(text string) Value {
		runes := []rune(text)
		for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
			runes[i], runes[j] = runes[j], runes[i]
		}
		return string(runes)
	}),
	"btrim":     trimming(strings.Trim),
	"ltrim":     trimming(strings.TrimLeft),
	"rtrim":     trimming(strings.TrimRight),
	"substring": {2, 3, false, substring},
	"left": {2, 2, false, func(position int, args []Value) (Value, error) {
		return side(position, "left", args, func(runes []rune, n int) []rune { return runes[:n] })
	}},
	"right": {2, 2, false, func(position int, args []Value) (Value, error) {
		return side(position, "right", args, func(runes []rune, n int) []rune { return runes[len(runes)-n:] })
	}},
	"replace": {3, 3, false, replace},
	"split_part": {3, 3, false, func(position int, args []Value) (Value, error) {
		text, separator, ok := twoTexts(args)
		n, whole := args[2].(int64)
		if !ok || !whole {
			return nil, noFunction(position, "split_part", args)
		}
		if n < 1 {
			return nil, refuse(position, "field position must be greater than zero")
		}
		parts := []string{text}
		if separator != "" {
			parts = strings.Split(text, separator)
		}
		if n > int64(len(parts)) {
			return "", nil
		}
		return parts[n-1], nil
	}},
	"strpos": {2, 2, false, func(position int, args []Value) (Value, error) {
		text, part, ok := twoTexts(args)
		if !ok {
			return nil, noFunction(position, "strpos", args)
		}
		at := strings.Index(text, part)
		if at < 0 {
			return int64(0), nil
		}
		return int64(utf8.RuneCountInString(text[:at]) + 1), nil
	}},
	"starts_with": {2, 2, false, func(position int, args []Value) (Value, error) {
		text, part, ok := twoTexts(args)
		if !ok {
			return nil, noFunction(position, "starts_with", args)
		}
		return strings.HasPrefix(text, part), nil
	}},
	"concat": {1, -1, true, func(position int, args []Value) (Value, error) { return joinTexts(position, "", args) }},
	"concat_ws": {2, -1, true, func(position int, args []Value) (Value, error) {
		if args[0] == nil {
			return nil, nil
		}
		return joinTexts(position, text(args[0]), args[1:])
	}},
	"abs": {1, 1, false, func(position int, args []Value) (Value, error) {
		switch value := args[0].(type) {
		case int64:
			if value == math.MinInt64 {
				return nil, refuse(position, "bigint out of range")
			}
			return max(value, -value), nil
		case float64:
			return math.Abs(value), nil
		}
		return nil, noFunction(position, "abs", args)
	}},
	"sign":    onFloat("sign", func(x float64) float64 { return float64(truth(x > 0) - truth(x < 0)) }),
	"floor":   onFloat("floor", math.Floor),
	"ceil":    onFloat("ceil", math.Ceil),
	"ceiling": onFloat("ceiling", math.Ceil),
	"trunc":   onFloat("trunc", math.Trunc),
	"sqrt":    onFloat("sqrt", math.Sqrt),
	"ln":      onFloat("ln", math.Log),
	"exp":     onFloat("exp", math.Exp),
	"round":   {1, 2, false, round},
	"mod": {2, 2, false, func(position int, args []Value) (Value, error) {
		return arithmetic(position, "%", args[0], args[1])
	}},
	"power": {2, 2, false, func(position int, args []Value) (Value, error) {
		return arithmetic(position, "^", args[0], args[1])
	}},
	"json_array_length": onJSON("json_array_length", func(position int, value any) (Value, error) {
		array, ok := value.([]any)
		if !ok {
			return nil, refuse(position, "cannot get array length of a non-array")
		}
		return int64(len(array)), nil
	}),
	"json_typeof": onJSON("json_typeof", func(_ int, value any) (Value, error) {
		switch value.(type) {
		case nil:
			return "null", nil
		case bool:
			return "boolean", nil
		case string:
			return "string", nil
		case json.Number:
			return "number", nil
		case []any:
			return "array", nil
		}
		return "object", nil
	}),
	"to_json": {1, 1, false, func(_ int, args []Value) (Value, error) {
		switch value := args[0].(type) {
		case JSON:
			return value, nil
		case int64, float64:
			return JSON{json.Number(text(value))}, nil
		}
		return JSON{args[0]}, nil
	}},
}

// Other names of the same functions.
func init() {
	for name, same := range map[string]string{"substr": "substring", "char_length": "length", "character_length": "length",
		"pow": "power", "jsonb_array_length": "json_array_length", "jsonb_typeof": "json_typeof", "to_jsonb": "to_json"} {
		functions[name] = functions[same]
	}
}

func noFunction(position int, name string, args []Value) error {
	types := make([]string, len(args))
	for i, arg := range args {
		types[i] = typeOf(arg)
	}
	return refuse(position, "function %s(%s) does not exist", name, strings.Join(types, ", "))
}

func onText(run func(text string) Value) function {
	return function{1, 1, false, func(position int, args []Value) (Value, error) {
		text, ok := args[0].(string)
		if !ok {
			return nil, refuse(position, "expected text, got %s: cast it with ::text", typeOf(args[0]))
		}
		return run(text), nil
	}}
}

func onFloat(name string, run func(float64) float64) function {
	return function{1, 1, false, func(position int, args []Value) (Value, error) {
		number, ok := float(args[0])
		if !ok {
			return nil, noFunction(position, name, args)
		}
		return finite(position, run(number))
	}}
}

func onJSON(name string, run func(position int, value any) (Value, error)) function {
	return function{1, 1, false, func(position int, args []Value) (Value, error) {
		value, ok := args[0].(JSON)
		if !ok {
			return nil, noFunction(position, name, args)
		}
		return run(position, value.Value)
	}}
}

func twoTexts(args []Value) (string, string, bool) {
	first, ok := args[0].(string)
	second, also := args[1].(string)
	return first, second, ok && also
}

// extreme leaves NULL out, as PostgreSQL does.
func extreme(position int, args []Value, sign int) (Value, error) {
	var found Value
	for _, arg := range args {
		if arg == nil {
			continue
		}
		if found == nil {
			found = arg
			continue
		}
		order, err := compare(position, "<", arg, found)
		if err != nil {
			return nil, err
		}
		if order*sign > 0 {
			found = arg
		}
	}
	return found, nil
}

func trimming(trim func(text, characters string) string) function {
	return function{1, 2, false, func(position int, args []Value) (Value, error) {
		text, ok := args[0].(string)
		characters, also := " ", true
		if len(args) > 1 {
			characters, also = args[1].(string)
		}
		if !ok || !also {
			return nil, noFunction(position, "trim", args)
		}
		return trim(text, characters), nil
	}}
}

func substring(position int, args []Value) (Value, error) {
	text, ok := args[0].(string)
	start, whole := args[1].(int64)
	if !ok || !whole {
		return nil, noFunction(position, "substring", args)
	}
	runes := []rune(text)
	end := int64(len(runes)) + 1
	if len(args) > 2 {
		count, whole := args[2].(int64)
		if !whole {
			return nil, noFunction(position, "substring", args)
		}
		if count < 0 {
			return nil, refuse(position, "negative substring length not allowed")
		}
		if count < end-start || start < 1 && count < math.MaxInt64+start {
			end = min(end, start+count)
		}
	}
	start = max(start, 1)
	if start >= end {
		return "", nil
	}
	return string(runes[start-1 : end-1]), nil
}

// side is left and right: a negative number leaves so many out.
func side(position int, name string, args []Value, cut func(runes []rune, n int) []rune) (Value, error) {
	text, ok := args[0].(string)
	n, whole := args[1].(int64)
	if !ok || !whole {
		return nil, noFunction(position, name, args)
	}
	runes := []rune(text)
	if n < 0 {
		n = max(0, int64(len(runes))+max(n, -int64(len(runes))))
	}
	return string(cut(runes, int(min(n, int64(len(runes)))))), nil
}

func replace(position int, args []Value) (Value, error) {
	text, from, ok := twoTexts(args)
	to, also := args[2].(string)
	if !ok || !also {
		return nil, noFunction(position, "replace", args)
	}
	if from == "" {
		return text, nil
	}
	if n := strings.Count(text, from); len(text)+n*(len(to)-len(from)) > maxText {
		return nil, refuse(position, "a text is longer than %d bytes", maxText)
	}
	return strings.ReplaceAll(text, from, to), nil
}

func joinTexts(position int, separator string, args []Value) (Value, error) {
	var parts []string
	size := 0
	for _, arg := range args {
		if arg == nil {
			continue
		}
		part := text(arg)
		if truth, ok := arg.(bool); ok {
			part = strconv.FormatBool(truth)[:1] // unlike a cast
		}
		if size += len(part) + len(separator); size > maxText {
			return nil, refuse(position, "a text is longer than %d bytes", maxText)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, separator), nil
}

// round goes away from zero at halves, as numeric does.
func round(position int, args []Value) (Value, error) {
	number, ok := float(args[0])
	digits := int64(0)
	if len(args) > 1 {
		var whole bool
		digits, whole = args[1].(int64)
		ok = ok && whole
	}
	if !ok {
		return nil, noFunction(position, "round", args)
	}
	if digits < -300 || digits > 300 {
		return args[0], nil
	}
	scale := math.Pow10(int(digits))
	scaled := number * scale
	if math.IsInf(scaled, 0) {
		return args[0], nil
	}
	return finite(position, math.Round(scaled)/scale)
}

func (c *compiler) function(e *call, s *scope) (evaluator, error) {
	f, ok := functions[e.name]
	switch {
	case !ok:
		return nil, refuse(e.at(), "the function %s is not supported", e.name)
	case e.star || e.distinct || e.filter != nil || e.order != nil:
		return nil, refuse(e.at(), "%s is no aggregate function", e.name)
	case len(e.args) < f.least || f.most >= 0 && len(e.args) > f.most:
		return nil, refuse(e.at(), "the function %s does not take %d arguments", e.name, len(e.args))
	}
	args, err := c.compileAll(e.args, s)
	if err != nil {
		return nil, err
	}
	return func(r *row) (Value, error) {
		values := make([]Value, len(args))
		for i, arg := range args {
			var err error
			if values[i], err = arg(r); err != nil {
				return nil, err
			}
			if values[i] == nil && !f.lenient {
				return nil, nil
			}
		}
		return f.run(e.at(), values)
	}, nil
}
