// Bundle writes one OpenAPI document from its sources, as YAML and as JSON, and
// two extracts of it for the server: the catalogue of kinds and the schemas
// without prose. The sources and their short forms are explained in
// openapi/README.md.
//
// Usage:
//
//	bundle -source DIR [-source MORE]… -out PREFIX
//
// writes PREFIX.yaml (also compressed, as the binary embeds it), PREFIX.json,
// PREFIX.kinds.json and PREFIX.checks.tsv. The first source holds info.yaml.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"regexp"

	"go.yaml.in/yaml/v3"
)

func main() {
	var dirs []string
	flag.Func("source", "folder of sources; repeatable", func(dir string) error {
		dirs = append(dirs, dir)
		return nil
	})
	out := flag.String("out", "", "path of the result without its ending")
	flag.Parse()
	if len(dirs) == 0 || *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(dirs, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func run(dirs []string, out string) error {
	results, err := build(dirs)
	if err != nil {
		return err
	}
	for ending, data := range results {
		if err := os.WriteFile(out+ending, data, 0o644); err != nil {
			return err
		}
		if !embeddedCompressed[ending] {
			continue
		}
		packed, err := compress(data)
		if err != nil {
			return err
		}
		if err := os.WriteFile(out+ending+".gz", packed, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// embeddedCompressed are the results that nothing waits for at the start: the
// document itself is read when somebody asks for it, and then its JSON made of it.
var embeddedCompressed = map[string]bool{".yaml": true}

func compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// build returns the results by the endings of their file names.
func build(dirs []string) (map[string][]byte, error) {
	b, err := read(dirs)
	if err != nil {
		return nil, err
	}
	results := make(map[string][]byte)
	if results[".yaml"], err = encodeYAML(b.root); err != nil {
		return nil, err
	}
	for ending, node := range map[string]*yaml.Node{".json": b.root, ".kinds.json": b.kindsOf()} {
		if results[ending], err = encodeJSON(node); err != nil {
			return nil, err
		}
	}
	results[".checks.tsv"], err = b.checksOf()
	return results, err
}

// otherInYAML11 is text that readers of YAML 1.1 take for a boolean, a number to
// the base 60 or one with underscores; the encoder only thinks of YAML 1.2.
var otherInYAML11 = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off)$|^[-+]?[0-9][0-9_:.]*$`)

func quote(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && otherInYAML11.MatchString(n.Value) {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		quote(child)
	}
}

func encodeYAML(doc *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	quote(doc)
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
