package git

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// lockSuffix is what git appends to a file's name to lock it.
const lockSuffix = ".lock"

// lockFile is a file that is locked as git does it: its new content waits
// under the lock's name, and a rename publishes it.
type lockFile struct {
	target string
	held   bool
}

// path is the lock's own name.
func (l *lockFile) path() string { return l.target + lockSuffix }

// errLocked is what a LockedError wraps where this package met the lock.
var errLocked = errors.New("it exists")

// take makes the lock a hard link of a pending file, by which a later run can
// prove that it is ours. The error is a LockedError where it exists already.
func (l *lockFile) take(d *disk, pending string) error {
	err := os.Link(pending, l.path())
	// A concurrent pack-refs removes folders that it finds empty.
	for try := 0; try < 3 && errors.Is(err, fs.ErrNotExist); try++ {
		if err := d.mkdirAll(filepath.Dir(l.path())); err != nil {
			return err
		}
		err = os.Link(pending, l.path())
	}
	if linkless(err) {
		err = copyNew(d, pending, l.path())
	}
	if errors.Is(err, fs.ErrExist) {
		return &LockedError{Path: l.path(), Err: errLocked}
	}
	l.held = err == nil
	return err
}

// linkless tells whether the file system has no hard links, or none between
// the two folders.
func linkless(err error) bool {
	for _, sign := range []error{
		syscall.EPERM, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EXDEV, syscall.EMLINK,
	} {
		if errors.Is(err, sign) {
			return true
		}
	}
	return false
}

// copyNew is the lock for file systems without hard links. One that a killed
// run leaves behind has to be removed by hand, as git's own.
func copyNew(d *disk, from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	err = errors.Join(err, target.Chmod(info.Mode().Perm()), d.syncFile(target), target.Close())
	if err != nil {
		err = errors.Join(err, os.Remove(to))
	}
	return err
}

// publish puts the new content into the target's place and so ends the lock.
func (l *lockFile) publish() error {
	err := os.Rename(l.path(), l.target) //nolint:forbidigo // a lock file's rename is how git itself publishes
	l.held = l.held && err != nil
	return err
}

// release gives the lock up, if it is still held.
func (l *lockFile) release() error {
	if !l.held {
		return nil
	}
	l.held = false
	return os.Remove(l.path())
}
