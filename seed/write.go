package seed

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Write writes resources into a folder, one file a kind (topic.yaml,
// application-instance.yaml …), each as Encode would. The folder is made when
// it is not there; files of those names are replaced. A folder that holds other
// YAML or JSON files is refused before anything is written, as a load of the
// folder would take them in too. The files can hold passwords and keys: only
// their owner may read them.
func Write(dir string, objects []map[string]any) error {
	list, err := arrange(objects)
	if err != nil {
		return err
	}
	var names []string
	files := map[string][]byte{}
	for start := 0; start < len(list); {
		end := start + 1
		for end < len(list) && list[end].kind == list[start].kind {
			end++
		}
		data, err := encode(list[start:end])
		if err != nil {
			return err
		}
		name := kebab(list[start].kind) + ".yaml"
		if _, twice := files[name]; !twice {
			names = append(names, name)
		} else {
			data = append([]byte("---\n"), data...) // two versions of one kind
		}
		files[name] = append(files[name], data...)
		start = end
	}
	if err := onlyThese(dir, names); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("writing the seed: %w", err)
	}
	for _, name := range names {
		if err := replace(filepath.Join(dir, name), files[name]); err != nil {
			return fmt.Errorf("writing the seed: %w", err)
		}
	}
	return nil
}

func onlyThese(dir string, names []string) error {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the seed: %w", err)
	}
	for _, entry := range entries {
		if holdsDocuments(entry.Name()) && !slices.Contains(names, entry.Name()) {
			return fmt.Errorf("writing the seed: %s is not part of it; take it away or name an empty folder", filepath.Join(dir, entry.Name()))
		}
	}
	return nil
}

// replace writes a file whole or not at all.
func replace(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".seed-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// kebab is a kind as a file name: ApplicationInstance is application-instance,
// KsqlDBCluster ksql-db-cluster, APIKey api-key.
func kebab(kind string) string {
	var b strings.Builder
	upper := func(i int) bool { return i >= 0 && i < len(kind) && kind[i] >= 'A' && kind[i] <= 'Z' }
	for i := range len(kind) {
		startsWord := upper(i) && (!upper(i-1) || i+1 < len(kind) && !upper(i+1))
		if i > 0 && startsWord {
			b.WriteByte('-')
		}
		b.WriteByte(kind[i])
	}
	return strings.ToLower(b.String())
}
