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
	// With the pauses between them these tries take about a second.
	transformTries = 100
	maxPause       = 10 * time.Millisecond

	// commitPatience bounds the wait for the folder's lock, which every
	// Transform holds for a few system calls only.
	commitPatience = 10 * time.Second
	commitStep     = time.Millisecond
)

// ErrChanged is returned when others kept changing the file for about a second.
var ErrChanged = errors.New("the file keeps changing")

// Transform replaces the content of the file at path by what f makes of it,
// provided that the file still holds what f was given; else it reads again and
// calls f again. So f may be called several times, and must be a function of its
// argument alone. Where f returns what it was given nothing is written. An error
// of f ends it, and so does a file that is absent (fs.ErrNotExist).
//
// Concurrent Transforms of one file lose nothing of each other. Neither do they
// lose what an editor saves meanwhile, whether by rename or in place: the two
// files are exchanged in one step, and if what came out is not what was read, or
// on Linux is still open for writing, it is put back. Gaps remain for saves in
// place: of two within the exchange the first may win, and one is lost if the
// editor is stopped inside its open call, the file found but not yet open, until
// the exchange is over. Where the file system can't exchange two files (NFS, for
// one) the file is compared right before it is replaced, which leaves some
// microseconds in which any save is lost.
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

// compareAndSwap replaces the content of target by data if it is old. It gives
// false, with the file as others left it, where it is not.
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

// lockFolder keeps other Transforms out between compare and swap. The lock is on
// the folder itself, so that it leaves no file in it.
func lockFolder(dir string) (unlock func() error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), commitPatience)
	defer cancel()
	lock := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	_, err = lock.TryLockContext(ctx, commitStep)
	if err != nil && !lockless(err) {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return lock.Unlock, nil
}

// lockless tells that err comes from a file system that can't lock a folder.
// There the exchange alone has to do. NFS is one: its locks need a descriptor
// open for writing, which a folder can't have.
func lockless(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK) ||
		errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.EBADF)
}

// commit puts the staged file durably in target's place if that still holds old.
func (s *staged) commit(target string, old []byte) (bool, error) {
	// Looking first spares readers the sight of a file that is to be put back.
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
		return false, nil // removed under our hands: the next read will say so
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

// verifyExchange follows an exchange that has put the file placed at target, where aside
// had been seen. It gives true if aside it was that came out. Else somebody had
// saved, and what came out is put back. If then placed does not come out again
// somebody has saved once more, which is newer and so is put back in turn, until
// nobody interferes.
func (s *staged) verifyExchange(target string, placed, aside fileState) (bool, error) {
	for try := range transformTries {
		out, err := readMoved(s.temp)
		if err != nil {
			return false, err
		}
		if out.same(aside) {
			// An editor may have found the file just before it was moved, and be
			// about to open it. The sync leaves it the time to do so.
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

// fileState is what stood at a path at one time.
type fileState struct {
	info    fs.FileInfo // nil where there was nothing
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

// readMoved looks at a file that was just moved aside, and tells besides whether
// somebody who opened it before can still write to it. That is asked first: if
// nobody can, the bytes that are read then are the last.
func readMoved(path string) (fileState, error) {
	written := openForWriting(path)
	s, err := readState(path)
	s.written = written
	return s, err
}

func (s fileState) holds(data []byte) bool {
	return s.info != nil && s.info.Mode().IsRegular() && bytes.Equal(s.data, data)
}

// same tells that s is the file other, with its bytes, and with these for good.
func (s fileState) same(other fileState) bool {
	return os.SameFile(s.info, other.info) && bytes.Equal(s.data, other.data) && !s.written
}
