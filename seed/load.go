package seed

import (
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
)

// Load reads the documents of all sources and answers them in the order in
// which they are to be applied (see Sort). A source is
//
//   - a file of YAML or JSON, one or many documents;
//   - a folder: every *.yaml, *.yml and *.json in it and below it, in the order
//     of their names; what begins with a dot is left out;
//   - "-": standard input, read from stdin;
//   - "default": the embedded estate (see Default);
//   - "empty": nothing, a fresh Console with its root admin alone.
//
// In place of documents a file may hold a realm export of Keycloak, or entities
// of a Backstage catalog, of which User and Group count: they become people,
// clients and providers.
//
// No source at all means "default". A resource of a later source replaces the
// one of an earlier source. Placeholders ${VAR} and ${VAR:-default} are
// expanded from the environment as the Conduktor CLI does, and schemaFile of a
// Subject is read into schema. A seed without a SigningKey gets DefaultKeys.
//
// Syntax, envelope, schema and duplicates are checked; what needs other
// resources (an unknown cluster, an owner that is not there) is for whoever
// applies the documents, who finds the place with Document.At. The error is of
// type Faults and lists everything that is wrong.
func Load(sources []string, stdin io.Reader) ([]*Document, error) {
	l := &loader{stdin: stdin, lookup: os.LookupEnv}
	return l.load(sources)
}

type loader struct {
	stdin  io.Reader
	lookup func(string) (string, bool)
	faults Faults
	// members are what imported groups say of people, until a source is read.
	members []membership
}

func (l *loader) load(sources []string) ([]*Document, error) {
	if len(sources) == 0 {
		sources = []string{"default"}
	}
	if slices.Equal(sources, []string{"default"}) {
		return Default() // ready as it is
	}
	var docs []*Document
	stdinRead := false
	for _, source := range sources {
		var found []*Document
		switch source {
		case "default":
			var err error
			if found, err = Default(); err != nil {
				return nil, err
			}
		case "empty":
		case "-":
			if stdinRead {
				l.faults = append(l.faults, Fault{Problem: "standard input is named twice as a source", Remedy: "name it once"})
				continue
			}
			stdinRead = true
			found = l.standardInput()
		case "":
			l.faults = append(l.faults, Fault{Problem: "a source without a name", Remedy: `give a file, a folder, "-", "default" or "empty"`})
			continue
		default:
			found = l.path(source)
		}
		l.join(found)
		for _, d := range found {
			d.Source = source
		}
		docs = append(docs, l.unique(found)...)
	}
	if len(l.faults) > 0 {
		return nil, l.faults
	}
	docs = laterWins(docs)
	if !hasKeys(docs) {
		keys, err := DefaultKeys()
		if err != nil {
			return nil, err
		}
		docs = append(docs, keys...)
	}
	Sort(docs)
	return docs, nil
}

func hasKeys(docs []*Document) bool {
	for _, d := range docs {
		if d.Kind == "SigningKey" {
			return true
		}
	}
	return false
}

// documents reads what one text holds.
func (l *loader) documents(t *text, files *folder) []*Document {
	if faults := t.expand(l.lookup); len(faults) > 0 {
		// With holes in the text everything behind them would be guesswork.
		l.faults = append(l.faults, faults...)
		return nil
	}
	if len(t.expanded) > maxFileBytes {
		l.faults = append(l.faults, tooLarge(t.file))
		return nil
	}
	before := len(l.faults)
	defer func() {
		slices.SortStableFunc(l.faults[before:], func(a, b Fault) int {
			return cmp.Or(a.Line-b.Line, a.Column-b.Column)
		})
	}()
	var docs []*Document
	for _, c := range l.chunks(t) {
		docs = append(docs, l.document(t, c, files)...)
	}
	return docs
}

func (l *loader) chunks(t *text) []chunk {
	if !t.json {
		return splitYAML(t.expanded)
	}
	chunks, fault := splitJSON(t.expanded)
	if fault != nil {
		l.syntaxFault(t, chunk{end: len(t.expanded), line: 1, column: 1}, fault)
	}
	return chunks
}

func (l *loader) syntaxFault(t *text, c chunk, err error) {
	var fault *syntaxError
	if !errors.As(err, &fault) {
		fault = syntax(t.body(c), err)
	}
	l.faults = append(l.faults, Fault{
		Position: t.position(c, fault.line, fault.column),
		Problem:  fault.problem,
		Remedy:   fault.remedy,
	})
}

// document reads one document, or imports what another program wrote; nil when
// it is empty, left out or broken.
func (l *loader) document(t *text, c chunk, files *folder) []*Document {
	root, err := t.parse(c)
	if err != nil {
		l.syntaxFault(t, c, err)
		return nil
	}
	if root == nil {
		return nil
	}
	b := &builder{text: t, chunk: c}
	object, isMap := b.value(root, 0).(map[string]any)
	d := &Document{Object: object, Pos: t.position(c, root.Line, root.Column), text: t, chunk: c}
	if !isMap && len(b.faults) == 0 {
		remedy := "separate documents by a line ---"
		if t.json {
			remedy = "write an object with these fields, or a list of such"
		}
		b.fault(root, "a document is a map with apiVersion, kind, metadata and spec", remedy)
	}
	if isMap && len(b.faults) == 0 && (isBackstage(object) || isKeycloak(object)) {
		return l.imported(&importer{loader: l, text: t, chunk: c, root: root}, object)
	}
	if isMap && files.scanned && t.json && object["apiVersion"] == nil && object["kind"] == nil {
		return nil // a schema or settings file that lies among the resources
	}
	faults := b.faults
	if isMap {
		faults = append(faults, d.check(root, files, len(b.faults) == 0)...)
	}
	for i := range faults {
		faults[i].Kind, faults[i].Name = d.Kind, d.Name
	}
	if len(faults) > 0 {
		l.faults = append(l.faults, faults...)
		return nil
	}
	return []*Document{d}
}
