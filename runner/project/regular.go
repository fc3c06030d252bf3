package project

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrNotRegular is returned where a pipe, a socket or a device is in place of a
// file.
var ErrNotRegular = errors.New("not a regular file")

// fileLimit is the most bytes of a file that are read at once. It takes an agent no
// time to make a file with a hole that no memory can hold.
const FileLimit = 1 << 30

// TooLarge is the error for more than that.
func TooLarge(at string) error {
	return fmt.Errorf("%s is larger than %d MiB, which is not read", at, FileLimit>>20)
}

// ReadIn is ReadRegular for a file below root.
func ReadIn(root *os.Root, name string) ([]byte, error) {
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return readRegular(f, name)
}

// ReadRegular reads a file as os.ReadFile does, and waits for nobody where an
// agent, say, has put a pipe in its place.
func ReadRegular(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return readRegular(f, name)
}

func readRegular(f *os.File, name string) ([]byte, error) {
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() { // reading a folder gives an error of its own
		return nil, &fs.PathError{Op: "read", Path: name, Err: ErrNotRegular}
	}
	if info.Size() > FileLimit {
		return nil, TooLarge(name)
	}
	return io.ReadAll(f)
}
