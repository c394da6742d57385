package seed

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// locate walks path down from node. It answers the key of the field (a list
// item has no key: the item itself), the nearest ancestor found when the path
// goes on, nil when not even the first step is there. depth bounds the walk, as
// aliases may form a circle.
func locate(node *yaml.Node, path string, depth int) *yaml.Node {
	if path == "" || depth == 0 {
		return nil
	}
	switch node.Kind {
	case yaml.AliasNode:
		return locate(node.Alias, path, depth-1)
	case yaml.SequenceNode:
		index, rest, ok := cutIndex(path)
		if !ok || index >= len(node.Content) {
			return nil
		}
		item := node.Content[index]
		if deeper := locate(item, rest, depth-1); deeper != nil {
			return deeper
		}
		return item
	case yaml.MappingNode:
		return locateKey(node, path, depth)
	}
	return nil
}

func locateKey(node *yaml.Node, path string, depth int) *yaml.Node {
	var key, value *yaml.Node
	var rest string
	// Keys may contain dots: the longest key that begins the path is meant.
	for i := 0; i+1 < len(node.Content); i += 2 {
		k := dealias(node.Content[i])
		if k.Kind != yaml.ScalarNode || key != nil && len(k.Value) < len(key.Value) {
			continue
		}
		if r, ok := cutKey(path, k.Value); ok {
			key, value, rest = node.Content[i], node.Content[i+1], r
		}
	}
	if key == nil {
		return locateMerged(node, path, depth)
	}
	if deeper := locate(value, rest, depth-1); deeper != nil {
		return deeper
	}
	return key
}

func locateMerged(node *yaml.Node, path string, depth int) *yaml.Node {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Tag != mergeTag {
			continue
		}
		value := dealias(node.Content[i+1])
		bases := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			bases = value.Content
		}
		for _, base := range bases {
			if found := locate(base, path, depth-1); found != nil {
				return found
			}
		}
	}
	return nil
}

// cutKey takes key off the front of path: key, key.…, key[…, ["key"]….
func cutKey(path, key string) (rest string, ok bool) {
	if strings.HasPrefix(path, `["`) {
		quoted := "[" + strconv.Quote(key) + "]"
		rest, ok = strings.CutPrefix(path, quoted)
		return strings.TrimPrefix(rest, "."), ok
	}
	rest, ok = strings.CutPrefix(path, key)
	if !ok || rest == "" {
		return rest, ok
	}
	if rest[0] == '.' {
		return rest[1:], true
	}
	return rest, rest[0] == '['
}

// cutIndex takes [n] off the front of path.
func cutIndex(path string) (index int, rest string, ok bool) {
	inner, found := strings.CutPrefix(path, "[")
	if !found {
		return 0, "", false
	}
	digits, rest, found := strings.Cut(inner, "]")
	if !found {
		return 0, "", false
	}
	index, err := strconv.Atoi(digits)
	if err != nil || index < 0 {
		return 0, "", false
	}
	return index, strings.TrimPrefix(rest, "."), true
}

func dealias(n *yaml.Node) *yaml.Node {
	for i := 0; n.Kind == yaml.AliasNode && i < maxDepth; i++ {
		n = n.Alias
	}
	return n
}
