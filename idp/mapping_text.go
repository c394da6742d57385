package idp

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// maxMappedText bounds what one function may make, in bytes: CEL's costs do not
// know what replace and join put together.
const maxMappedText = 64 << 10

// textFunctions are those on text that mappings have beside CEL's own: lowerAscii,
// upperAscii, trim, replace, split, join and substring. They are named and behave
// as those of CEL's extension library, which is not linked since it brings the
// number formats of all languages along, a megabyte.
func textFunctions() []cel.EnvOption {
	text, number, list := cel.StringType, cel.IntType, cel.ListType(cel.StringType)
	member := func(name, id string, args []*cel.Type, result *cel.Type, call func(args ...ref.Val) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload(id, args, result, cel.FunctionBinding(call)))
	}
	of := func(change func(string) string) func(args ...ref.Val) ref.Val {
		return func(args ...ref.Val) ref.Val { return types.String(change(string(args[0].(types.String)))) }
	}
	return []cel.EnvOption{
		member("lowerAscii", "string_lower_ascii", []*cel.Type{text}, text, of(lowerASCII)),
		member("upperAscii", "string_upper_ascii", []*cel.Type{text}, text, of(upperASCII)),
		member("trim", "string_trim", []*cel.Type{text}, text, of(strings.TrimSpace)),
		member("replace", "string_replace_string_string", []*cel.Type{text, text, text}, text, replaceText),
		member("replace", "string_replace_string_string_int", []*cel.Type{text, text, text, number}, text, replaceText),
		member("split", "string_split_string", []*cel.Type{text, text}, list, splitText),
		member("split", "string_split_string_int", []*cel.Type{text, text, number}, list, splitText),
		member("join", "list_join", []*cel.Type{list}, text, joinTexts),
		member("join", "list_join_string", []*cel.Type{list, text}, text, joinTexts),
		member("substring", "string_substring_int", []*cel.Type{text, number}, text, partOfText),
		member("substring", "string_substring_int_int", []*cel.Type{text, number, number}, text, partOfText),
	}
}

func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

func upperASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r + 'A' - 'a'
		}
		return r
	}, text)
}

// limitOf is the last argument where it was given; -1 is no limit.
func limitOf(args []ref.Val, at int) int {
	if len(args) <= at {
		return -1
	}
	return int(max(min(int64(args[at].(types.Int)), maxMappedText), -1))
}

func replaceText(args ...ref.Val) ref.Val {
	text, old, with := string(args[0].(types.String)), string(args[1].(types.String)), string(args[2].(types.String))
	limit := limitOf(args, 3)
	places := strings.Count(text, old)
	if limit >= 0 {
		places = min(places, limit)
	}
	if len(text)+places*max(0, len(with)-len(old)) > maxMappedText {
		return types.NewErr("replace: the result is longer than %d bytes", maxMappedText)
	}
	return types.String(strings.Replace(text, old, with, limit))
}

func splitText(args ...ref.Val) ref.Val {
	parts := strings.SplitN(string(args[0].(types.String)), string(args[1].(types.String)), limitOf(args, 2))
	return types.NewStringList(types.DefaultTypeAdapter, parts)
}

func joinTexts(args ...ref.Val) ref.Val {
	separator := ""
	if len(args) > 1 {
		separator = string(args[1].(types.String))
	}
	var out strings.Builder
	for i, items := 0, args[0].(traits.Lister).Iterator(); items.HasNext() == types.True; i++ {
		item, ok := items.Next().(types.String)
		if !ok {
			return types.NewErr("join: every item must be text")
		}
		if i > 0 {
			out.WriteString(separator)
		}
		out.WriteString(string(item))
		if out.Len() > maxMappedText {
			return types.NewErr("join: the result is longer than %d bytes", maxMappedText)
		}
	}
	return types.String(out.String())
}

// partOfText counts characters (code points), from 0; the end is left out.
func partOfText(args ...ref.Val) ref.Val {
	text := []rune(string(args[0].(types.String)))
	from, to := int64(args[1].(types.Int)), int64(len(text))
	if len(args) > 2 {
		to = int64(args[2].(types.Int))
	}
	if from < 0 || to > int64(len(text)) || from > to {
		return types.WrapErr(fmt.Errorf("substring: %d to %d is not within the %d characters", from, to, len(text)))
	}
	return types.String(text[from:to])
}
