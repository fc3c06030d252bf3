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

// ErrNotRegular is returned for a pipe, a socket or a device.
var ErrNotRegular = errors.New("not a regular file")

// FileLimit is the size in bytes of the largest file that is read. An agent can easily make
// a sparse file that is larger than the memory.
const FileLimit = 1 << 30

// ReadIn is like ReadRegular, for a slash-separated path relative to root.
func ReadIn(root *os.Root, name string) ([]byte, error) {
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return readRegular(f, name)
}

// ReadRegular is like os.ReadFile, but returns an error for a pipe, a socket, a device and a
// very large file. An agent may have made one, and reading a pipe may never end.
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
	if !info.Mode().IsRegular() && !info.IsDir() { // reading a folder returns another error
		return nil, &fs.PathError{Op: "read", Path: name, Err: ErrNotRegular}
	}
	if info.Size() > FileLimit {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, FileLimit>>20)
	}
	return io.ReadAll(f)
}
