// Bundle writes one OpenAPI document from the sources beside it, as YAML and as
// JSON. The sources and their short forms are explained in openapi/README.md.
//
// Usage:
//
//	bundle -source DIR [-source MORE]… -out PREFIX
//
// writes PREFIX.yaml and PREFIX.json. The first source holds info.yaml.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

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
	doc, err := read(dirs)
	if err != nil {
		return err
	}
	asYAML, err := encodeYAML(doc)
	if err != nil {
		return err
	}
	asJSON, err := encodeJSON(doc)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out+".yaml", asYAML, 0o644); err != nil {
		return err
	}
	return os.WriteFile(out+".json", asJSON, 0o644)
}

func encodeYAML(doc *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}
