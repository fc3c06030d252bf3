// Package atomicfile writes files. All of chant writes files by this package. A reader
// sees the old bytes or the new ones, never a mixture; so does everybody after a crash
// or a kill -9 at any moment.
//
// New bytes are written to a temporary file in the target's own folder and synced. The
// temporary file then replaces the target in one step, and the folder is synced. A
// temporary file is hidden and named after its target: a dot, the target's name, and
// a number (".002.md1234567890"). It is removed after every error. Only a process that
// is killed leaves one behind. Nothing removes it automatically, because it may be the
// last copy of what another program saved at the moment of the kill. Look at it, and
// then delete it.
//
// If a path is a symbolic link, the file that it leads to is replaced, and the link
// stays. An existing file keeps its permission bits, but not its owner, its hard links
// or its extended attributes. Only regular files are replaced.
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

// ErrNotRegular is returned if the path leads to a folder, a device or anything else
// that is not a regular file.
var ErrNotRegular = errors.New("not a regular file")

// Write replaces the content of the file at path by data, and creates the file if it does
// not exist. A new file gets the permissions perm, minus the umask. After an error the
// file is unchanged, with one exception: if the last step fails, which syncs the
// folder, the file has the new content, but a power loss may take it back.
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

// Create writes a new file. If path exists, even as a dangling link, nothing changes and
// the error is fs.ErrExist. Permissions and errors are as for Write.
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
	// Unlike rename, link never replaces an existing file.
	if err := os.Link(s.temp, path); err != nil {
		return err
	}
	return s.syncFolder()
}

// resolve follows links to the file that is to be replaced. A path that does not exist
// resolves to itself. A dangling link is an error.
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

// staged is a temporary file with the new bytes, in the folder of its target.
type staged struct {
	temp     string
	folder   *os.File
	keepTemp bool // temp may be the only copy of somebody else's bytes
}

// stage writes data to a temporary file and syncs it. It opens the folder first, so that
// a folder that cannot be opened for the sync is an error before anything has changed.
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

// discard removes the temporary file if it still exists, closes the folder, and adds its
// own errors to *err.
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

// syncFolder makes the new name durable. The package renameio does not do this.
func (s *staged) syncFolder() error {
	err := s.folder.Sync()
	// Some network file systems cannot sync a folder, and return one of these errors.
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}
