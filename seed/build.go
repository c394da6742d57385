package seed

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// builder turns the syntax tree of one document into JSON-shaped values.
type builder struct {
	text   *text
	chunk  chunk
	faults []Fault

	path    []step
	aliased int                 // values that aliases have added
	through int                 // aliases that the present node is inside of
	outer   *yaml.Node          // the outermost of them
	open    map[*yaml.Node]bool // anchors that are being expanded
	refused bool                // the document is given up
}

// step is one part of the present path: a key, or an index when key is empty
// and index is not negative.
type step struct {
	key   string
	index int
}

func (b *builder) fault(node *yaml.Node, problem, remedy string) {
	if b.through > 0 && !b.refused {
		return // said where the anchor stands
	}
	if b.through > 0 {
		node = b.outer
	}
	b.faults = append(b.faults, Fault{
		Position: b.text.position(b.chunk, node.Line, node.Column),
		Field:    pathString(b.path),
		Problem:  problem,
		Remedy:   remedy,
	})
}

// pathString is the path of a field, cut where it gets too long to be read.
func pathString(path []step) string {
	const longest = 80
	var s strings.Builder
	for _, p := range path {
		if s.Len() > longest {
			s.WriteString("…")
			break
		}
		if p.index >= 0 {
			s.WriteString("[" + strconv.Itoa(p.index) + "]")
			continue
		}
		if s.Len() > 0 {
			s.WriteByte('.')
		}
		s.WriteString(p.key)
	}
	return s.String()
}

func (b *builder) value(node *yaml.Node, depth int) any {
	if b.refused {
		return nil
	}
	if depth > maxDepth {
		b.refused = true
		b.fault(node, "nested deeper than "+strconv.Itoa(maxDepth)+" levels", "flatten the document")
		return nil
	}
	if b.through > 0 {
		if b.aliased++; b.aliased > maxAliasedNodes {
			b.refused = true
			b.fault(node, "aliases expand to more than "+strconv.Itoa(maxAliasedNodes)+" values", "write the values out")
			return nil
		}
	}
	switch node.Kind {
	case yaml.AliasNode:
		return b.alias(node, depth)
	case yaml.MappingNode:
		if node.Tag != mapTag {
			b.unknownTag(node)
			return nil
		}
		object := make(map[string]any, len(node.Content)/2)
		b.mapping(node, object, depth)
		return object
	case yaml.SequenceNode:
		if node.Tag != seqTag {
			b.unknownTag(node)
			return nil
		}
		return b.sequence(node, depth)
	default:
		return b.scalar(node)
	}
}

func (b *builder) alias(node *yaml.Node, depth int) any {
	if b.open[node.Alias] {
		b.refused = true
		b.fault(node, "the alias *"+node.Value+" contains itself", "write the value out")
		return nil
	}
	if b.open == nil {
		b.open = map[*yaml.Node]bool{}
	}
	if b.through == 0 {
		b.outer = node
	}
	b.open[node.Alias] = true
	b.through++
	value := b.value(node.Alias, depth)
	b.through--
	delete(b.open, node.Alias)
	return value
}

func (b *builder) sequence(node *yaml.Node, depth int) any {
	list := make([]any, 0, len(node.Content))
	for i, item := range node.Content {
		b.path = append(b.path, step{index: i})
		list = append(list, b.value(item, depth+1))
		b.path = b.path[:len(b.path)-1]
	}
	return list
}

func (b *builder) mapping(node *yaml.Node, object map[string]any, depth int) {
	type place struct{ line, column int }
	var seen map[string]place
	if len(node.Content) > 0 {
		seen = make(map[string]place, len(node.Content)/2)
	}
	merges := 0
	for i := 0; i+1 < len(node.Content); i += 2 {
		keyNode, valueNode := node.Content[i], node.Content[i+1]
		if keyNode.Kind == yaml.ScalarNode && keyNode.Tag == mergeTag {
			merges++
			continue
		}
		key, ok := b.key(keyNode)
		if !ok {
			continue
		}
		b.path = append(b.path, step{key: key, index: -1})
		if first, twice := seen[key]; twice {
			at := b.text.position(b.chunk, first.line, first.column)
			b.fault(keyNode, "the key is written twice, first at "+at.String(), "keep one of them")
		} else {
			seen[key] = place{keyNode.Line, keyNode.Column}
			object[key] = b.value(valueNode, depth+1)
		}
		b.path = b.path[:len(b.path)-1]
	}
	if merges == 0 {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if keyNode := node.Content[i]; keyNode.Kind == yaml.ScalarNode && keyNode.Tag == mergeTag {
			b.merge(node.Content[i+1], object, depth)
		}
	}
}

// merge adds the fields of << that object does not have (YAML 1.1 merge keys):
// what is written beside it wins, then the earlier of several.
func (b *builder) merge(node *yaml.Node, object map[string]any, depth int) {
	bases := []*yaml.Node{node}
	if list := dealias(node); list.Kind == yaml.SequenceNode {
		bases = list.Content
	}
	for _, base := range bases {
		value, ok := b.value(base, depth+1).(map[string]any)
		if !ok {
			if !b.refused {
				b.fault(base, "<< wants a map", "give it an alias of a map, or a list of such")
			}
			continue
		}
		for key, v := range value {
			if _, own := object[key]; !own {
				object[key] = v
			}
		}
	}
}

func (b *builder) key(node *yaml.Node) (string, bool) {
	target := dealias(node)
	if target.Kind == yaml.ScalarNode {
		switch target.Tag {
		case strTag, timestampTag:
			return target.Value, true
		case intTag, floatTag, boolTag, nullTag:
			if target.Value == "" {
				b.fault(node, "a key is missing", "write key: value")
			} else {
				b.fault(node, "the key "+target.Value+" is not text", `quote it: "`+target.Value+`"`)
			}
			return "", false
		}
	}
	b.fault(node, "a key that is not text", "write key: value, and quote a value that begins with { or [")
	return "", false
}

func (b *builder) scalar(node *yaml.Node) any {
	switch node.Tag {
	case strTag, timestampTag, mergeTag:
		// Dates stay what was written: no field of a resource is a YAML date.
		return node.Value
	case nullTag:
		return nil
	case boolTag:
		value, err := strconv.ParseBool(strings.ToLower(node.Value))
		if err != nil {
			b.fault(node, node.Value+" is neither true nor false", "")
		}
		return value
	case intTag, floatTag:
		number, ok := number(node.Value)
		if !ok {
			b.fault(node, node.Value+" is not a number that JSON can hold", "quote it where text is meant")
		}
		return number
	}
	b.unknownTag(node)
	return nil
}

func (b *builder) unknownTag(node *yaml.Node) {
	b.fault(node, "the tag "+node.Tag+" is not supported", "leave the tag out")
}

// number is the JSON form of a YAML or JSON number.
func number(s string) (json.Number, bool) {
	if s != "-0" && jsonNumber(s) {
		f, err := strconv.ParseFloat(s, 64)
		return json.Number(s), err == nil && !math.IsInf(f, 0)
	}
	plain := strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return json.Number(strconv.FormatInt(i, 10)), true
	}
	if u, err := strconv.ParseUint(strings.TrimPrefix(plain, "+"), 0, 64); err == nil {
		return json.Number(strconv.FormatUint(u, 10)), true
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", false
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), true
}

// jsonNumber tells whether s is a number by the grammar of RFC 8259, section 6.
func jsonNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	digits := func() bool {
		rest := strings.TrimLeft(s, "0123456789")
		ok := len(rest) < len(s)
		s = rest
		return ok
	}
	leadingZero := len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9'
	if leadingZero || !digits() {
		return false
	}
	if rest, ok := strings.CutPrefix(s, "."); ok {
		if s = rest; !digits() {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}
