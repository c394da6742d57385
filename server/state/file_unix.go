//go:build unix

package state

import (
	"errors"
	"os"
	"syscall"
)

// lock takes a file for this process until it ends, however it does. errTaken:
// another process has it.
func lock(file string) (*os.File, error) {
	taken, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(taken.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errTaken
		}
		return nil, errors.Join(err, taken.Close())
	}
	return taken, nil
}

// syncFolder makes a renaming in a folder outlast a loss of power.
func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
