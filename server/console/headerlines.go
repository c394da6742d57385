package console

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The older operations write the HTTP headers of Kafka Connect and ksqlDB as
// one text. Its form is described nowhere; the published sample has one
// "name": "value", on each line, people write Name: value. Both are read,
// the latter is shown.

// parseHeaders reads one header a line; an error names the line.
func parseHeaders(text string) (map[string]any, error) {
	headers := map[string]any{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line == "{" || line == "}" {
			continue
		}
		name, value, ok := cutHeader(line)
		if !ok {
			return nil, fmt.Errorf("line %d: expected a header such as X-Team: shop", i+1)
		}
		headers[name] = value
	}
	return headers, nil
}

func cutHeader(line string) (name, value string, ok bool) {
	if strings.HasPrefix(line, `"`) {
		line = strings.TrimSuffix(line, ",")
	}
	name, value, ok = strings.Cut(line, ":")
	name, value = unquote(name), unquote(value)
	// RFC 9110, section 5.1: a name has no spaces.
	return name, value, ok && name != "" && !strings.ContainsAny(name, " \t\"")
}

func unquote(text string) string {
	text = strings.TrimSpace(text)
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		return text[1 : len(text)-1]
	}
	return text
}

func formatHeaders(headers map[string]string) string {
	lines := make([]string, 0, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		lines = append(lines, name+": "+headers[name])
	}
	return strings.Join(lines, "\n")
}
