package console

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// parseProperties reads Java properties (the documentation of
// java.util.Properties.load): comments, continued lines, escapes; the last of
// several values counts. An error names the line.
func parseProperties(text string) (map[string]string, error) {
	properties := map[string]string{}
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
	for i := 0; i < len(lines); i++ {
		number := i + 1
		line := strings.TrimLeft(lines[i], " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for continues(line) {
			line = line[:len(line)-1]
			if i++; i == len(lines) {
				break
			}
			line += strings.TrimLeft(lines[i], " \t\f")
		}
		name, value, err := property(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if name == "" {
			return nil, fmt.Errorf("line %d: there is no name before the value", number)
		}
		properties[name] = value
	}
	return properties, nil
}

// continues says whether a line ends in a backslash that is not itself escaped.
func continues(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// property splits one logical line at the first separator that is not escaped.
func property(line string) (name, value string, err error) {
	end := len(line)
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
			continue
		}
		if strings.IndexByte("=: \t\f", line[i]) >= 0 {
			end = i
			break
		}
	}
	rest := strings.TrimLeft(line[end:], " \t\f")
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = strings.TrimLeft(rest[1:], " \t\f")
	}
	if name, err = unescapeProperty(line[:end]); err != nil {
		return "", "", err
	}
	value, err = unescapeProperty(rest)
	return name, value, err
}

func unescapeProperty(text string) (string, error) {
	if !strings.Contains(text, `\`) {
		return text, nil
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out.WriteByte(text[i])
			continue
		}
		if i++; i == len(text) {
			break // a backslash at the end of the text continues nothing
		}
		switch text[i] {
		case 't':
			out.WriteByte('\t')
		case 'n':
			out.WriteByte('\n')
		case 'r':
			out.WriteByte('\r')
		case 'f':
			out.WriteByte('\f')
		case 'u':
			r, length, err := unicodeEscapes(text[i-1:])
			if err != nil {
				return "", err
			}
			out.WriteRune(r)
			i += length - 2
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String(), nil
}

// unicodeEscapes reads \uXXXX, or two of them that are a surrogate pair, at the
// beginning of text, and returns how long that was.
func unicodeEscapes(text string) (r rune, length int, err error) {
	unit := func(at string) (rune, bool) {
		if len(at) < 6 || at[0] != '\\' || at[1] != 'u' {
			return 0, false
		}
		value, err := strconv.ParseUint(at[2:6], 16, 16)
		return rune(value), err == nil
	}
	first, ok := unit(text)
	if !ok {
		return 0, 0, fmt.Errorf(`expected four hexadecimal digits after \u`)
	}
	if second, ok := unit(text[6:]); ok && utf16.IsSurrogate(first) {
		if pair := utf16.DecodeRune(first, second); pair != '\uFFFD' {
			return pair, 12, nil
		}
	}
	return first, 6, nil
}

// formatProperties writes what parseProperties reads back, in the order of the
// names, with as few escapes as that takes.
func formatProperties(properties map[string]string) string {
	var out strings.Builder
	for i, name := range slices.Sorted(maps.Keys(properties)) {
		if i > 0 {
			out.WriteByte('\n')
		}
		escapeProperty(&out, name, "=: #!")
		out.WriteByte('=')
		value := properties[name]
		rest := strings.TrimLeft(value, " ")
		out.WriteString(strings.Repeat(`\ `, len(value)-len(rest)))
		escapeProperty(&out, rest, "")
	}
	return out.String()
}

func escapeProperty(out *strings.Builder, text, special string) {
	for i := range len(text) {
		switch b := text[i]; {
		case b == '\t':
			out.WriteString(`\t`)
		case b == '\n':
			out.WriteString(`\n`)
		case b == '\r':
			out.WriteString(`\r`)
		case b == '\f':
			out.WriteString(`\f`)
		case b == '\\' || strings.IndexByte(special, b) >= 0:
			out.WriteByte('\\')
			out.WriteByte(b)
		default:
			out.WriteByte(b)
		}
	}
}
