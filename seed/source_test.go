package seed

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// files writes a tree and answers its folder.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func group(name string) string {
	return "apiVersion: v2\nkind: Group\nmetadata: {name: " + name + "}\nspec: {displayName: " + name + "}\n"
}

// load reads sources and answers kind/name of what is not a signing key.
func load(t *testing.T, sources ...string) []string {
	t.Helper()
	docs, err := Load(sources, strings.NewReader("---\n"+group("stdin")))
	if err != nil {
		t.Fatal(err)
	}
	return namesOf(docs)
}

func namesOf(docs []*Document) []string {
	var names []string
	for _, d := range docs {
		if d.Kind != "SigningKey" {
			names = append(names, d.Kind+"/"+d.Name)
		}
	}
	return names
}

func faultsOf(t *testing.T, sources ...string) string {
	t.Helper()
	docs, err := Load(sources, nil)
	var faults Faults
	if !errors.As(err, &faults) || docs != nil {
		t.Fatalf("%q: want faults and nothing else, got %v documents and %v", sources, len(docs), err)
	}
	return faults.Error()
}

func TestFolder(t *testing.T) {
	dir := files(t, map[string]string{
		"b.yaml":              group("b"),
		"a/z.yml":             group("z"),
		"c.json":              `[{"apiVersion":"v2","kind":"Group","metadata":{"name":"c"},"spec":{"displayName":"\ud83d\ude80"}}]`,
		"d.yaml/e.yaml":       group("e"),
		"notes.txt":           "not: [read",
		".hidden.yaml":        group("hidden"),
		".git/config.yaml":    group("hidden"),
		"package.json":        `{"name": "no resource"}`,
		"empty.yaml":          "",
		"schemas/order.avsc":  `"string"`,
		"only-a-comment.yaml": "# nothing\n---\n---\n",
	})
	want := []string{"Group/z", "Group/b", "Group/c", "Group/e"}
	if got := load(t, dir); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSources(t *testing.T) {
	dir := files(t, map[string]string{
		"one.yaml": group("x") + "---\n" + group("y"),
		"two.yaml": "apiVersion: iam/v2\nkind: Group\nmetadata: {name: x}\nspec: {displayName: later}\n",
		"any.txt":  `{"apiVersion":"v2","kind":"Group","metadata":{"name":"json"},"spec":{"displayName":"J"}}`,
		"key.yaml": "apiVersion: mockduktor/v1\nkind: SigningKey\nmetadata: {name: own}\nspec: {alg: EdDSA, privateKey: pem}\n",
	})
	one, two, anyFile, key := dir+"/one.yaml", dir+"/two.yaml", dir+"/any.txt", dir+"/key.yaml"
	for _, c := range []struct {
		sources, want []string
	}{
		{[]string{"empty"}, nil},
		{[]string{one}, []string{"Group/x", "Group/y"}},
		{[]string{one, two}, []string{"Group/y", "Group/x"}},
		{[]string{"-", one}, []string{"Group/stdin", "Group/x", "Group/y"}},
		{[]string{anyFile}, []string{"Group/json"}},
		{[]string{"empty", one, one}, []string{"Group/x", "Group/y"}},
	} {
		if got := load(t, c.sources...); !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.sources, got, c.want)
		}
	}

	docs, err := Load([]string{one, two}, nil)
	if err != nil {
		t.Fatal(err)
	}
	last := docs[len(docs)-1]
	if name := last.Object["spec"].(map[string]any)["displayName"]; name != "later" || last.Source != two {
		t.Errorf("got %v of %s, want the one of the later source", name, last.Source)
	}

	keys := func(sources ...string) (names []string) {
		docs, err := Load(sources, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range docs {
			if d.Kind == "SigningKey" {
				names = append(names, d.Name)
			}
		}
		return names
	}
	defaults := []string{"development-rsa", "development-p256", "development-ed25519"}
	if got := keys("empty"); !slices.Equal(got, defaults) {
		t.Errorf("keys of an empty seed: %v", got)
	}
	if got := keys(); !slices.Equal(got, defaults) {
		t.Errorf("keys of the default seed: %v", got)
	}
	if got := keys(key); !slices.Equal(got, []string{"own"}) {
		t.Errorf("keys of a seed with a key: %v", got)
	}
}

func TestSourceFaults(t *testing.T) {
	dir := files(t, map[string]string{"sub/notes.txt": "", "a.yaml": group("a"), "link/in.yaml": group("b")})
	outside := files(t, map[string]string{"out.yaml": group("out")})
	symlink(t, filepath.Join(outside, "out.yaml"), filepath.Join(dir, "link", "out.yaml"))
	symlink(t, filepath.Join(dir, "nowhere"), filepath.Join(dir, "link", "dangling.yaml"))
	if err := syscall.Mkfifo(filepath.Join(dir, "link", "pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		source string
		want   []string
	}{
		{dir + "/missing.yaml", []string{"missing.yaml: no such file or folder; give a file, a folder"}},
		{dir + "/sub", []string{"sub: no *.yaml, *.yml or *.json file"}},
		{dir + "/link", []string{
			"link/dangling.yaml: leaves the folder of the seed",
			"link/out.yaml: leaves the folder of the seed",
			"link/pipe.yaml: is not a regular file",
		}},
		{"", []string{"a source without a name"}},
		{"-", []string{"<stdin>: there is no standard input"}},
	} {
		got := faultsOf(t, c.source)
		lines := strings.Split(got, "\n")
		if len(lines) != len(c.want) {
			t.Errorf("%s: got %d faults, want %d:\n%s", c.source, len(lines), len(c.want), got)
		}
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no fault %q in\n%s", c.source, want, got)
			}
		}
	}
}

func symlink(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skip("no symbolic links here:", err)
	}
}

// TestMountedConfigMap: Kubernetes mounts files as links into a hidden folder.
func TestMountedConfigMap(t *testing.T) {
	dir := files(t, map[string]string{"..2026_01_01/a.yaml": group("a"), "..2026_01_01/b.yaml": group("b")})
	symlink(t, "..2026_01_01", filepath.Join(dir, "..data"))
	symlink(t, filepath.Join("..data", "a.yaml"), filepath.Join(dir, "a.yaml"))
	symlink(t, filepath.Join("..data", "b.yaml"), filepath.Join(dir, "b.yaml"))
	symlink(t, ".", filepath.Join(dir, "circle")) // a folder that holds itself
	if got, want := load(t, dir), []string{"Group/a", "Group/b"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSchemaFile(t *testing.T) {
	subject := "apiVersion: v2\nkind: Subject\nmetadata: {name: s, cluster: dev}\nspec: {format: AVRO, schemaFile: "
	dir := files(t, map[string]string{
		"schemas/order.avsc":    "{\n  \"type\": \"string\"\n}\n",
		"resources/s.yaml":      subject + "../schemas/order.avsc}\n",
		"escape/s.yaml":         subject + "../../order.avsc}\n",
		"link/s.yaml":           subject + "order.avsc}\n",
		"latin1/s.yaml":         subject + "order.avsc}\n",
		"latin1/order.avsc":     "\xe9",
		"large/s.yaml":          subject + "order.avsc}\n",
		"large/order.avsc":      strings.Repeat(" ", maxSchemaBytes+1),
		"../outside/order.avsc": `"string"`,
	})
	symlink(t, filepath.Join(dir, "schemas", "order.avsc"), filepath.Join(dir, "link", "order.avsc"))

	_, err := Load([]string{dir + "/resources", dir}, nil)
	if err == nil {
		t.Fatal("no fault")
	}
	got := err.Error()
	for _, want := range []string{
		"resources/s.yaml:4:22: Subject s: spec.schemaFile: ../schemas/order.avsc: leaves the folder of the seed",
		"escape/s.yaml:4:22: Subject s: spec.schemaFile: ../../order.avsc: leaves the folder of the seed",
		"latin1/s.yaml:4:22: Subject s: spec.schemaFile: order.avsc: not UTF-8",
		"large/s.yaml:4:22: Subject s: spec.schemaFile: order.avsc: larger than 4 MiB",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no fault %q in\n%s", want, got)
		}
	}

	for _, name := range []string{"escape", "link", "latin1", "large"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	docs, err := Load([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec := docs[len(docs)-1].Object["spec"].(map[string]any)
	if _, left := spec["schemaFile"]; left || spec["schema"] != "{\n  \"type\": \"string\"\n}\n" {
		t.Errorf("got %v", spec)
	}
}

// TestFileTooLarge: the limit holds before anything is parsed, also for what
// placeholders make of a text.
func TestFileTooLarge(t *testing.T) {
	l := &loader{}
	if l.read("f.yaml", endless{}) != nil || !strings.Contains(l.faults.Error(), "f.yaml: larger than 64 MiB; split the file") {
		t.Errorf("endless input: %v", l.faults)
	}
	l = &loader{lookup: func(string) (string, bool) { return strings.Repeat("x", maxFileBytes/100), true }}
	source := &text{file: "g.yaml", original: strings.Repeat("a: ${LONG}\n", 101)}
	if l.documents(source, &folder{}) != nil || !strings.Contains(l.faults.Error(), "g.yaml: larger than 64 MiB") {
		t.Errorf("expanded text: %.200s", l.faults.Error())
	}
}

// endless is a reader without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '#'
	}
	return len(p), nil
}
