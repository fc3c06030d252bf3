package project

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"chant/spec"
)

// These errors are returned for a file that is not read.
var (
	// ErrNotRegular is returned for a pipe, a socket or a device.
	ErrNotRegular = errors.New("not a regular file")
	// ErrOutside is returned for a path that leads out of the project.
	ErrOutside = errors.New("leads out of the project")
	// ErrTooLarge is returned for a file that is larger than its limit, or has no end.
	ErrTooLarge = errors.New("too large")
)

// Sizes in bytes of the largest files that are read. It is easy to make a sparse file that
// is larger than the memory.
const (
	FileLimit = 1 << 30        // that an agent changes
	TextLimit = spec.FileLimit // that is parsed: a spec, a prompt, the config
)

// ReadIn reads the regular file at a slash-separated path relative to root, if it has at most
// limit bytes. Symbolic links are followed inside root alone. An agent or a strange
// repository may have a pipe there, which never ends, or a link to a private file.
func ReadIn(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, Outside(err)
	}
	return readRegular(f, name, limit)
}

// Outside returns ErrOutside for the error that a method of os.Root returns if the path leads
// out of it, which has no value of its own, and any other error as it is.
func Outside(err error) error {
	failed, isPath := errors.AsType[*fs.PathError](err)
	_, isSystem := errors.AsType[syscall.Errno](err)
	if isPath && !isSystem {
		return &fs.PathError{Op: "read", Path: failed.Path, Err: ErrOutside}
	}
	return err
}

// Mend says what to do about an error of ReadIn, or "" where that is clear.
func Mend(err error) string {
	switch {
	case errors.Is(err, ErrOutside):
		return "replace the symbolic link by what it leads to"
	case errors.Is(err, ErrTooLarge):
		return "shorten it; the output of agents in it can go"
	case errors.Is(err, ErrNotRegular):
		return "replace it by a file"
	}
	return ""
}

// ReadText is like ReadIn for a file that is parsed and is named relative to the folder root.
func ReadText(root, name string) ([]byte, error) {
	top, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	return ReadIn(top, name, TextLimit)
}

// ReadRegular reads a text that the user names, wherever it is. Like ReadIn, it never waits
// for a pipe, and returns an error for a file of more than TextLimit bytes.
func ReadRegular(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return readRegular(f, name, TextLimit)
}

func errTooLarge(name string, limit int64) error {
	return &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%w (more than %d MiB)", ErrTooLarge, limit>>20)}
}

func readRegular(f *os.File, name string, limit int64) ([]byte, error) {
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() { // reading a folder returns another error
		return nil, &fs.PathError{Op: "read", Path: name, Err: ErrNotRegular}
	}
	large := info.Mode().IsRegular() && info.Size() > limit
	var data []byte
	if !large {
		data, err = io.ReadAll(io.LimitReader(f, limit+1)) // a file of /proc has the size 0
		large = int64(len(data)) > limit
	}
	if large {
		return nil, errTooLarge(name, limit)
	}
	return data, err
}
