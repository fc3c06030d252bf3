package atomicfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

const (
	// The tries, with the pauses between them, take about a second.
	transformTries = 100
	maxPause       = 10 * time.Millisecond

	// lockTimeout is the longest wait for the folder's lock. Every Transform holds it
	// for a few system calls only.
	lockTimeout = 10 * time.Second
	lockStep    = time.Millisecond
)

// ErrChanged is returned if others keep changing the file for about a second.
var ErrChanged = errors.New("the file keeps changing")

// Transform replaces the content of the file at path by the result of f, if the file
// still has the content that f got. Else it reads the file and calls f again. So f may
// be called several times, and its result must depend on its argument alone. If f
// returns its argument unchanged, nothing is written. Transform returns an error of f,
// and fs.ErrNotExist if the file does not exist.
//
// Concurrent Transforms of one file never lose each other's changes. They also keep
// what an editor saves meanwhile, by rename or in place: Transform exchanges the two
// files in one step, and compares the file that it got with the one that it read. If
// they differ, or if on Linux the file is still open for writing, it puts the file
// back. Three gaps remain. If an editor saves in place twice during the exchange, the
// first save may win. A save in place is lost if the editor is stopped inside its open
// call, between finding and opening the file, until the exchange is over. If the file
// system cannot exchange two files (for example NFS), Transform compares the file right
// before it replaces it, and loses a save in the microseconds between.
func Transform(path string, f func(old []byte) ([]byte, error)) error {
	if err := transform(path, f); err != nil {
		return fmt.Errorf("changing %s: %w", path, err)
	}
	return nil
}

func transform(path string, f func(old []byte) ([]byte, error)) error {
	for try := range transformTries {
		target, err := resolve(path)
		if err != nil {
			return err
		}
		old, err := os.ReadFile(target)
		if err != nil {
			return err
		}
		data, err := f(bytes.Clone(old))
		if err != nil {
			return err
		}
		if bytes.Equal(old, data) {
			return nil
		}
		done, err := compareAndSwap(target, old, data)
		if done || err != nil {
			return err
		}
		pause := time.NewTimer(min(time.Duration(try)*time.Millisecond, maxPause))
		<-pause.C
	}
	return ErrChanged
}

// compareAndSwap replaces the content of target by data if the content is old. Else it
// returns false, and leaves the file to others unchanged.
func compareAndSwap(target string, old, data []byte) (done bool, err error) {
	s, err := stage(target, data, 0o600)
	if err != nil {
		return false, err
	}
	defer s.discard(&err)
	unlock, err := lockFolder(s.folder.Name())
	if err != nil {
		return false, err
	}
	done, err = s.commit(target, old)
	return done, errors.Join(err, unlock())
}

// lockFolder excludes other Transforms between compare and swap. It locks the folder
// itself, so that no lock file is needed.
func lockFolder(dir string) (unlock func() error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	lock := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	_, err = lock.TryLockContext(ctx, lockStep)
	if err != nil && !lockless(err) {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return lock.Unlock, nil
}

// lockless reports whether err is from a file system that cannot lock a folder. There
// Transform relies on the exchange alone. One example is NFS: its locks need a
// descriptor that is open for writing, and a folder cannot be opened for writing.
func lockless(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK) ||
		errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.EBADF)
}

// commit replaces target by the staged file, durably, if target still has the content
// old.
func (s *staged) commit(target string, old []byte) (bool, error) {
	// Compare first, so that readers seldom see a new file that is then taken back.
	now, err := readState(target)
	if err != nil || !now.holds(old) {
		return false, err
	}
	mine, err := readState(s.temp)
	if err != nil {
		return false, err
	}
	err = exchange(s.temp, target)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return true, errors.Join(s.rename(target), s.syncFolder())
	case errors.Is(err, fs.ErrNotExist):
		return false, nil // target was just removed: the next read returns the error
	case err != nil:
		return false, err
	}
	s.keepTemp = true
	done, err := s.verifyExchange(target, mine, now)
	if err != nil {
		return false, fmt.Errorf("%w (what the file held before is in %s)", err, s.temp)
	}
	s.keepTemp = false
	return done, nil
}

// verifyExchange completes an exchange that has put the file placed at target. It
// returns true if the file that came out is aside, which was read there before. Else
// somebody has saved in between, and verifyExchange puts that file back. If placed does
// not come out this time, somebody has saved again. That save is newer, so it is put
// back too, and so on until nobody saves in between.
func (s *staged) verifyExchange(target string, placed, aside fileState) (bool, error) {
	for try := range transformTries {
		out, err := readMoved(s.temp)
		if err != nil {
			return false, err
		}
		if out.same(aside) {
			// An editor may have found the file just before it was moved, and may be
			// about to open it. The sync gives it the time to do so.
			if err := s.syncFolder(); err != nil {
				return false, err
			}
			if out, err = readMoved(s.temp); err != nil {
				return false, err
			}
		}
		if out.same(aside) {
			return try == 0, nil
		}
		if err := exchange(s.temp, target); err != nil {
			return false, err
		}
		placed, aside = out, placed
	}
	return false, ErrChanged
}

// fileState is the file at a path at one time.
type fileState struct {
	info    fs.FileInfo // nil if there was no file
	data    []byte      // of a regular file
	written bool        // see readMoved
}

func readState(path string) (fileState, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fileState{}, nil
	}
	if err != nil || !info.Mode().IsRegular() {
		return fileState{info: info}, err
	}
	data, err := os.ReadFile(path)
	return fileState{info: info, data: data}, err
}

// readMoved reads a file that was just moved aside, and finds out whether somebody who
// opened it before can still write to it. It finds that out first: if nobody can, the
// bytes that it reads are final.
func readMoved(path string) (fileState, error) {
	written := openForWriting(path)
	s, err := readState(path)
	s.written = written
	return s, err
}

func (s fileState) holds(data []byte) bool {
	return s.info != nil && s.info.Mode().IsRegular() && bytes.Equal(s.data, data)
}

// same reports whether s is the same file as other with the same bytes, and nobody can
// write to it any more.
func (s fileState) same(other fileState) bool {
	return os.SameFile(s.info, other.info) && bytes.Equal(s.data, other.data) && !s.written
}
