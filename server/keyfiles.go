package server

import (
	"fmt"
	"io"
	"os"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// maxKeyFile bounds a file of signing keys, in bytes.
const maxKeyFile = 1 << 20

// mountKeys puts the keys of files in the place of the world's, in their order.
func mountKeys(world *store.World, engine *kinds.Engine, files []string) error {
	var objects []map[string]any
	for _, file := range files {
		keys, err := keysIn(file)
		if err != nil {
			return fmt.Errorf("--signing-key %s: %w", file, err)
		}
		for _, key := range keys {
			object, err := kinds.SigningKeyResource(fmt.Sprintf("mounted-%d", len(objects)+1), key)
			if err != nil {
				return fmt.Errorf("--signing-key %s: %w", file, err)
			}
			objects = append(objects, object)
		}
	}
	err := world.Update(func(tx *store.Tx) error {
		for _, resource := range kinds.SigningKeys(tx) {
			if err := tx.Delete(resource); err != nil {
				return err
			}
		}
		for _, object := range objects {
			if _, err := apply(tx, engine, object); err != nil {
				return err
			}
		}
		_, err := keysOf(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("--signing-key: %w", err)
	}
	return nil
}

func keysIn(file string) ([]idp.SigningKey, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("longer than %d bytes", maxKeyFile)
	}
	return idp.ReadSigningKeys(data)
}
