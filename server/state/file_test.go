package state

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kept writes a state file with a few lines.
func kept(t *testing.T) (file string, data []byte) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "world")
	if err := write(file, func(w io.Writer) error { _, err := io.WriteString(w, "{\"a\":1}\n{\"b\":2}\n"); return err }); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return file, data
}

func TestFileComesBack(t *testing.T) {
	file, _ := kept(t)
	body, err := read(file)
	if err != nil || string(body) != "{\"a\":1}\n{\"b\":2}\n" {
		t.Errorf("%q, %v", body, err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: expected 0600", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v: expected the file alone", entries, err)
	}
}

// No byte can be lost or changed without notice.
func TestDamagedFilesAreTold(t *testing.T) {
	file, data := kept(t)
	try := func(what string, broken []byte) {
		t.Helper()
		if err := os.WriteFile(file, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if body, err := read(file); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s was read as %q, %v", what, body, err)
		}
	}
	for i := range len(data) - 1 { // without the last newline it is whole
		if i >= len(headPrefix) || i == 0 {
			try(fmt.Sprintf("the first %d bytes", i), data[:i])
		}
		for _, bit := range []byte{1, 0x20, 0x80} {
			flipped := append([]byte{}, data...)
			flipped[i] ^= bit
			try(fmt.Sprintf("byte %d flipped by %#x", i, bit), flipped)
		}
	}
}

func TestFilesOfOthersAreLeftAlone(t *testing.T) {
	folder := t.TempDir()
	newer := filepath.Join(folder, "newer")
	if err := write(newer, func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(newer)
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(string(data), `"mockduktor_state":1`, `"mockduktor_state":2`, 1)
	head, _, _ := strings.Cut(body, "\n")
	if err := os.WriteFile(newer, summed(t, head+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	seed := filepath.Join(folder, "seed.yaml")
	if err := os.WriteFile(seed, []byte("apiVersion: v2\nkind: Topic\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	loop := filepath.Join(folder, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		newer: "has format 2", seed: "is no state file", folder: "no regular file", loop: "loop",
	} {
		_, err := read(file)
		if err == nil || errors.Is(err, ErrDamaged) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; expected %q, and not damaged", file, err, want)
		}
	}
}

func summed(t *testing.T, body string) []byte {
	t.Helper()
	return []byte(body + `{"sha256":"` + sumOf(body) + "\"}\n")
}

func TestSetAsideReplacesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world")
	seen := map[string]string{}
	for i := range 5 {
		if err := os.WriteFile(file, fmt.Append(nil, i), 0o600); err != nil {
			t.Fatal(err)
		}
		aside, err := setAside(file)
		if err != nil {
			t.Fatal(err)
		}
		seen[aside] = fmt.Sprint(i)
	}
	if len(seen) != 5 {
		t.Errorf("five files are at %d names: %v", len(seen), seen)
	}
	for aside, want := range seen {
		if data, err := os.ReadFile(aside); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v; expected %s", aside, data, err, want)
		}
	}
}

func TestOneProcessAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world.lock")
	first, err := lock(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(file); !errors.Is(err, errTaken) {
		t.Errorf("taken twice: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := lock(file)
	if err != nil {
		t.Errorf("given free: %v", err)
	}
	again.Close()
}

func sumOf(body string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(body))) }
