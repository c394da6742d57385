package state

import (
	"errors"
	"os"
	"syscall"
)

// errorSharingViolation is what Windows answers for a file that somebody has
// opened without sharing it.
const errorSharingViolation = syscall.Errno(32)

// lock takes a file for this process until it ends, however it does. errTaken:
// another process has it.
func lock(file string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(file)
	if err != nil {
		return nil, err
	}
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errorSharingViolation) {
		return nil, errTaken
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(handle), file), nil
}

// syncFolder does nothing: a folder cannot be flushed here, and NTFS journals
// renamings.
func syncFolder(string) error { return nil }
