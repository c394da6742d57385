// Package state keeps a world in a file, so that a server that ended, however it
// did, can go on where it was.
package state

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Format is the version of the file's form that is written; others are refused.
//
// The file is JSON, one value a line: a head with the format, what was kept, and
// an end with a SHA-256 over all before it. A later format keeps head and end.
const Format = 1

type head struct {
	Format int `json:"mockduktor_state"`
}

type end struct {
	SHA256 string `json:"sha256"`
}

var (
	headPrefix = []byte(`{"mockduktor_state":`)
	endPrefix  = []byte(`{"sha256":"`)
)

// ErrDamaged is wrapped by what is wrong with the content of a state file.
var ErrDamaged = errors.New("the state file is damaged")

func damaged(format string, arguments ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, arguments...))
}

// read returns the lines of a file between head and end. fs.ErrNotExist: there is
// none; ErrDamaged: it is not whole; other errors: it is none of ours to touch.
func read(file string) ([]byte, error) {
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file: name a file, which is made where there is none", file)
	}
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: make it readable for this user, or name another file", err)
	case len(data) == 0:
		return nil, damaged("it is empty")
	}
	cut := bytes.LastIndexByte(bytes.TrimSuffix(data, []byte("\n")), '\n') + 1
	last := data[cut:]
	if !bytes.HasPrefix(data, headPrefix) && !bytes.HasPrefix(last, endPrefix) {
		return nil, fmt.Errorf("%s is no state file of mockduktor: name another file (a seed is for --seed)", file)
	}
	if !bytes.HasPrefix(last, endPrefix) || cut == 0 {
		return nil, damaged("its end is missing")
	}
	sum := sha256.Sum256(data[:cut])
	var want bytes.Buffer
	if err := encode(&want, end{hex.EncodeToString(sum[:])}); err != nil {
		return nil, err
	}
	if !bytes.Equal(bytes.TrimSuffix(last, []byte("\n")), bytes.TrimSuffix(want.Bytes(), []byte("\n"))) {
		return nil, damaged("its checksum does not fit")
	}
	first, body, _ := bytes.Cut(data[:cut], []byte("\n"))
	var heading head
	if err := json.Unmarshal(first, &heading); err != nil {
		return nil, damaged("its first line: %w", err)
	}
	if heading.Format != Format {
		return nil, fmt.Errorf("%s has format %d, and this version of mockduktor reads format %d alone: use the version that wrote it, or name another file", file, heading.Format, Format)
	}
	return body, nil
}

// write puts a file in the place of an older one, whole or not at all, whatever
// happens meanwhile: what is read later is the old one or the new one.
func write(file string, body func(w io.Writer) error) (err error) {
	fresh := file + ".new" // one writer alone: see lock
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(fresh))
		}
	}()
	if err := errors.Join(fill(out, body), out.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, file); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

func fill(out *os.File, body func(w io.Writer) error) error {
	buffered := bufio.NewWriterSize(out, 1<<16)
	sum := sha256.New()
	both := io.MultiWriter(buffered, sum)
	if err := encode(both, head{Format}); err != nil {
		return err
	}
	if err := body(both); err != nil {
		return err
	}
	if err := encode(buffered, end{hex.EncodeToString(sum.Sum(nil))}); err != nil {
		return err
	}
	return errors.Join(buffered.Flush(), out.Sync())
}

func encode(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// setAside renames a file that is damaged, so that nothing is lost that somebody
// may want to look at.
func setAside(file string) (string, error) {
	for n := 0; ; n++ {
		aside := file + ".damaged-" + time.Now().UTC().Format("20060102T150405")
		if n > 0 {
			aside += fmt.Sprintf("-%d", n)
		}
		// A link fails where there is a file of the name; a rename would replace it.
		switch err := os.Link(file, aside); {
		case errors.Is(err, fs.ErrExist):
			continue
		case err != nil:
			if _, taken := os.Lstat(aside); taken == nil {
				continue
			}
			return aside, os.Rename(file, aside) // a file system without links
		}
		return aside, os.Remove(file)
	}
}
