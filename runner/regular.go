package runner

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// ErrNotRegular is returned where a pipe, a socket or a device is in place of a
// file.
var ErrNotRegular = errors.New("not a regular file")

// ReadRegular reads a file as os.ReadFile does, and waits for nobody where an
// agent, say, has put a pipe in its place.
func ReadRegular(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() { // reading a folder gives an error of its own
		return nil, &fs.PathError{Op: "read", Path: name, Err: ErrNotRegular}
	}
	return io.ReadAll(f)
}
