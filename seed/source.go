package seed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// folder is where the files of a source lie; schemaFile may not leave it. The
// zero value is for texts that lie in no folder: they cannot name files.
type folder struct {
	root *os.Root
	// name is the folder as the user wrote it, within the folder of the present
	// file, with slashes.
	name, within string
	// scanned tells a folder source from a single file.
	scanned bool
}

func (l *loader) fault(file, problem, remedy string) {
	l.faults = append(l.faults, Fault{Position: Position{File: file}, Problem: problem, Remedy: remedy})
}

func tooLarge(file string) Fault {
	return Fault{
		Position: Position{File: file},
		Problem:  fmt.Sprintf("larger than %d MiB", maxFileBytes>>20),
		Remedy:   "split the file",
	}
}

func (l *loader) standardInput() []*Document {
	const name = "<stdin>"
	if l.stdin == nil {
		l.fault(name, "there is no standard input", `leave out the source "-"`)
		return nil
	}
	files, err := openFolder(".")
	if err != nil {
		l.fault(name, reason(err), "")
		return nil
	}
	defer files.close()
	t := l.read(name, l.stdin)
	if t == nil {
		return nil
	}
	return l.documents(t, files)
}

func (l *loader) path(source string) []*Document {
	info, err := os.Stat(source)
	if err != nil {
		l.fault(source, reason(err), `give a file, a folder, "-", "default" or "empty"`)
		return nil
	}
	if info.IsDir() {
		return l.folder(source)
	}
	files, err := openFolder(filepath.Dir(source))
	if err != nil {
		l.fault(source, reason(err), "")
		return nil
	}
	defer files.close()
	// Pipes are welcome here, as in <(kubectl …): the user named this one file.
	f, err := os.Open(source)
	if err != nil {
		l.fault(source, reason(err), "")
		return nil
	}
	defer f.Close()
	t := l.read(source, f)
	if t == nil {
		return nil
	}
	return l.documents(t, files)
}

func openFolder(name string) (*folder, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return &folder{root: root, name: name, within: "."}, nil
}

func (f *folder) close() { _ = f.root.Close() }

func (l *loader) folder(source string) []*Document {
	files, err := openFolder(source)
	if err != nil {
		l.fault(source, reason(err), "")
		return nil
	}
	defer files.close()
	files.scanned = true
	names := l.names(files)
	if len(names) == 0 && len(l.faults) == 0 {
		l.fault(source, "no *.yaml, *.yml or *.json file in this folder", "name the folder that holds the resources")
	}
	if len(names) > maxFiles {
		l.fault(source, fmt.Sprintf("more than %d files", maxFiles), "name the folder that holds the resources")
		return nil
	}
	var docs []*Document
	for _, name := range names {
		files.within = path.Dir(name)
		if t := l.open(files, name); t != nil {
			docs = append(docs, l.documents(t, files)...)
		}
	}
	return docs
}

// names are the files of a folder that hold documents, sorted. Symbolic links
// to folders are not followed, so there are no circles.
func (l *loader) names(files *folder) []string {
	var names []string
	err := fs.WalkDir(files.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			l.fault(files.shown(name), reason(err), "")
			return nil
		case name == ".":
			return nil
		case strings.HasPrefix(entry.Name(), "."):
			// Version control, editors, and the mechanics of a mounted ConfigMap.
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !entry.IsDir() && holdsDocuments(name):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		l.fault(files.name, reason(err), "")
	}
	slices.Sort(names)
	return names
}

func holdsDocuments(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

func (f *folder) shown(name string) string { return filepath.Join(f.name, filepath.FromSlash(name)) }

// open reads a file of a folder. Links that leave the folder and whatever is no
// regular file are refused.
func (l *loader) open(files *folder, name string) *text {
	shown := files.shown(name)
	f, err := files.regular(name)
	if errors.Is(err, errFolder) {
		return nil // a link to a folder, or a folder by the name of x.yaml
	}
	if err != nil {
		l.fault(shown, reason(err), "give the file as a source of its own, or take it out of the folder")
		return nil
	}
	defer f.Close()
	return l.read(shown, f)
}

var errFolder = errors.New("is a folder")

// regular opens a file within the folder.
func (f *folder) regular(name string) (*os.File, error) {
	if f.root == nil {
		return nil, errors.New("no file can be named here")
	}
	// Asked before opening: opening a pipe would wait for its other end.
	info, err := f.root.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errFolder
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	}
	return f.root.Open(name)
}

// reason is the innermost text of an error of the file system: the position
// names the file already.
func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "no such file or folder"
	}
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		if strings.Contains(pathError.Err.Error(), "escapes") {
			return "leaves the folder of the seed"
		}
		return pathError.Err.Error()
	}
	return err.Error()
}

// read takes in one text and checks that it is text.
func (l *loader) read(name string, r io.Reader) *text {
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		l.fault(name, "cannot be read: "+reason(err), "")
		return nil
	}
	if len(data) > maxFileBytes {
		l.faults = append(l.faults, tooLarge(name))
		return nil
	}
	return l.newText(name, data)
}

func (l *loader) newText(name string, data []byte) *text {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	t := &text{file: name, original: string(data)}
	broken := notText(data)
	problem, remedy := "a control character", "take it out, or write it escaped in double quotes"
	if !utf8.Valid(data) {
		at := firstInvalid(data)
		if broken < 0 || at <= broken {
			broken, problem, remedy = at, "not UTF-8 from here on", "save the file as UTF-8"
		}
	}
	if broken >= 0 {
		l.faults = append(l.faults, Fault{Position: t.originalPosition(broken), Problem: problem, Remedy: remedy})
		return nil
	}
	t.exotic = bytes.ContainsAny(data, "\u0085\u2028\u2029")
	t.json = path.Ext(name) == ".json" || holdsJSON(name, data)
	return t
}

// holdsJSON tells of texts whose name does not say what they are.
func holdsJSON(name string, data []byte) bool {
	if ext := path.Ext(name); ext == ".yaml" || ext == ".yml" {
		return false
	}
	start := bytes.TrimLeft(data, " \t\r\n")
	return len(start) > 0 && (start[0] == '{' || start[0] == '[') && json.Valid(data)
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, width := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && width == 1 {
			return i
		}
		i += width
	}
	return -1
}
