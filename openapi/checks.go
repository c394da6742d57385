package openapi

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// checks are the operations of a document, each compiled when it is first asked
// for: a start needs a few of them.
type checks struct {
	operations map[string]*checked // by "METHOD path"
	components map[string]string   // JSON by "schema name" and "response name"

	mu       sync.Mutex // of compiler
	compiler compiler
}

type checked struct {
	id       string // operationId
	source   string // JSON of a sourceOperation
	compiled func() *operation
}

// readChecks reads what the bundle command writes: lines of a name, an operationId
// and JSON with tabs between.
func readChecks(text string) *checks {
	c := &checks{operations: make(map[string]*checked, 256), components: make(map[string]string, 512)}
	c.compiler = compiler{
		checks: c, sources: map[string]*sourceSchema{}, named: map[string]*schema{}, patterns: map[string]*regexp.Regexp{},
	}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, "\t")
		id, source, _ := strings.Cut(rest, "\t")
		if id == "" {
			c.components[name] = source
			continue
		}
		one := &checked{id: id, source: source}
		one.compiled = sync.OnceValue(func() *operation {
			compiled, err := c.compile(one.source)
			if err != nil {
				// The text is embedded and tested; it cannot be otherwise at run time.
				panic("openapi: embedded document: " + name + ": " + err.Error())
			}
			return compiled
		})
		c.operations[name] = one
	}
	return c
}

// operation is nil where the document has none.
func (c *checks) operation(method, path string) *operation {
	if one := c.operations[method+" "+path]; one != nil {
		return one.compiled()
	}
	return nil
}

func (c *checks) compile(source string) (*operation, error) {
	var parsed sourceOperation
	if err := json.Unmarshal([]byte(source), &parsed); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	compiled, err := c.compiler.operation(&parsed)
	if err != nil {
		return nil, err
	}
	return compiled, c.compiler.finish()
}

// component decodes a component, such as "schema Topic".
func (c *checks) component(name string, into any) error {
	source, ok := c.components[name]
	if !ok {
		return fmt.Errorf("there is no %s", name)
	}
	return json.Unmarshal([]byte(source), into)
}
