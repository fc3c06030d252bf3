// Package atomicfile is chant's one way to write a file. A reader, a crash and
// a kill -9 at any instant see the old bytes or the new ones, never a mixture.
//
// New bytes go to a temporary file in the target's own folder, are synced, and
// take the target's place in one step; then the folder is synced. A temporary
// file is hidden and named after its target: a dot, the target's name, and a
// number (".002.md1234567890"). Every error removes it. Only a process that is
// killed leaves its own behind. Nothing removes a leftover by itself, because it
// may be the last copy of what another program saved at the instant of the kill:
// look at it, then delete it.
//
// A path may be a symbolic link: the file that it leads to is replaced and the
// link stays. An existing file keeps its permission bits, but not its owner,
// its hard links or its extended attributes. Only regular files are replaced.
//
// All functions are safe for concurrent use by goroutines and processes.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// ErrNotRegular is returned when the path leads to a folder, a device or
// anything else that is no regular file.
var ErrNotRegular = errors.New("not a regular file")

// Write makes data the content of the file at path, which it creates where
// there is none. A new file gets perm less the umask. After an error the file
// is as it was, except that an error of the last step, syncing the folder,
// leaves the new content in place but not safe from a power loss.
func Write(path string, data []byte, perm fs.FileMode) error {
	target, err := resolve(path)
	if err == nil {
		err = replace(target, data, perm)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func replace(target string, data []byte, perm fs.FileMode) (err error) {
	s, err := stage(target, data, perm)
	if err != nil {
		return err
	}
	defer s.discard(&err)
	if err := s.rename(target); err != nil {
		return err
	}
	return s.syncFolder()
}

// Create writes a new file that is whole or absent. Where path exists already,
// be it as a dangling link, nothing changes and the error is fs.ErrExist.
func Create(path string, data []byte, perm fs.FileMode) error {
	if err := create(path, data, perm); err != nil {
		return fmt.Errorf("creating %s: %w", path, err)
	}
	return nil
}

func create(path string, data []byte, perm fs.FileMode) (err error) {
	s, err := stage(path, data, perm)
	if err != nil {
		return err
	}
	defer s.discard(&err)
	// Unlike rename, link never replaces what is there.
	if err := os.Link(s.temp, path); err != nil {
		return err
	}
	return s.syncFolder()
}

// resolve follows links to the file that is to be replaced. A path with
// nothing at it resolves to itself; a dangling link is an error.
func resolve(path string) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	info, err := os.Lstat(target)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", ErrNotRegular
	}
	return target, nil
}

// staged is a temporary file that holds the new bytes, beside its target.
type staged struct {
	temp     string
	folder   *os.File
	keepTemp bool // temp may be the only copy of somebody else's bytes
}

// stage writes data to a temporary file and syncs it. The folder is opened
// first: one that can't be synced is found out before anything has changed.
func stage(target string, data []byte, perm fs.FileMode) (*staged, error) {
	folder, err := os.Open(filepath.Dir(target))
	if err != nil {
		return nil, err
	}
	temp, err := writeTemp(target, data, perm)
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return &staged{temp: temp, folder: folder}, nil
}

func writeTemp(target string, data []byte, perm fs.FileMode) (string, error) {
	temp, err := renameio.NewPendingFile(target,
		renameio.WithTempDir(filepath.Dir(target)),
		renameio.WithPermissions(perm),
		renameio.WithExistingPermissions())
	if err != nil {
		return "", err
	}
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	if err != nil {
		return "", errors.Join(err, temp.Cleanup())
	}
	return temp.Name(), temp.Close()
}

// discard removes the temporary file where it still exists, closes the folder,
// and adds what goes wrong to *err.
func (s *staged) discard(err *error) {
	if !s.keepTemp {
		if e := os.Remove(s.temp); !errors.Is(e, fs.ErrNotExist) {
			*err = errors.Join(*err, e)
		}
	}
	*err = errors.Join(*err, s.folder.Close())
}

func (s *staged) rename(target string) error {
	return os.Rename(s.temp, target) //nolint:forbidigo // this is the one atomic writer
}

// syncFolder makes the new name durable, which renameio leaves to its caller.
func (s *staged) syncFolder() error {
	err := s.folder.Sync()
	// Some network file systems can't sync a folder and say so by these.
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}
