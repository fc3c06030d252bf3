package storage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// lockless is a folder of a file system on which every lock fails with err.
type lockless struct {
	folder
	err error
}

type locklessFile struct {
	file
	err error
}

func (f lockless) open(name string, how access) (file, error) {
	opened, err := f.folder.open(name, how)
	if err != nil {
		return nil, err
	}
	return locklessFile{opened, f.err}, nil
}

func (f locklessFile) lock(int) error { return os.NewSyscallError("flock", f.err) }

// On a file system without locks, reads work, and writes fail with ErrNoLocks.
func TestFileSystemWithoutLocks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, first, "key", "1")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for _, none := range []error{syscall.ENOLCK, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS} {
		s, err := openStore(dir, Options{}, func(dir string) (folder, error) {
			f, err := openDiskFolder(dir)
			return lockless{f, none}, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if value, err := s.Get("key"); string(value) != "1" || err != nil {
			t.Errorf("%v: Get: %q, %v", none, value, err)
		}
		if err := s.Put("key", []byte("2")); !errors.Is(err, ErrNoLocks) || !errors.Is(err, none) {
			t.Errorf("%v: Put: %v, want %v", none, err, ErrNoLocks)
		}
		if _, err := s.Repair(t.Context()); !errors.Is(err, ErrNoLocks) {
			t.Errorf("%v: Repair: %v, want %v", none, err, ErrNoLocks)
		}
		if value, err := s.Get("key"); string(value) != "1" || err != nil {
			t.Errorf("%v: after Put: %q, %v", none, value, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := lockFailure(syscall.EIO); !errors.Is(err, syscall.EIO) || errors.Is(err, ErrNoLocks) {
		t.Errorf("another failure is %v", err)
	}
}

// counted counts how often the write lock's file is opened.
type counted struct {
	folder
	opened *int
}

func (f counted) open(name string, how access) (file, error) {
	if name == writeLockName {
		*f.opened++
	}
	return f.folder.open(name, how)
}

// Calls that give up waiting leave one thread and one open file in all, and the next call
// uses them.
func TestGivingUpDoesNotAddUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	holder, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	s, err := openStore(dir, Options{LockTimeout: time.Millisecond}, func(dir string) (folder, error) {
		f, err := openDiskFolder(dir)
		return counted{f, &opened}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	hold := func(meanwhile func()) {
		t.Helper()
		if err := holder.Update(t.Context(), "key", func([]byte) ([]byte, error) {
			meanwhile()
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	const times = 50
	giveUp := func() {
		for range times {
			if err := s.Put("key", nil); !errors.Is(err, ErrLocked) {
				t.Errorf("Put: %v, want %v", err, ErrLocked)
			}
		}
	}
	s.lock.timeout = time.Millisecond
	hold(giveUp)
	if opened != 1 {
		t.Errorf("%d times given up, the lock's file was opened %d times", times, opened)
	}
	s.lock.timeout = time.Minute // because the machine may be busy
	mustPut(t, s, "key", "1")
	mustPut(t, holder, "key", "2") // so the waiter does not hold the lock

	// The lock's file is removed. The waiter for the old file is not used any more.
	s.lock.timeout = time.Millisecond
	hold(func() {
		giveUp()
		if err := os.Remove(filepath.Join(dir, writeLockName)); err != nil {
			t.Fatal(err)
		}
		s.lock.timeout = time.Minute
		mustPut(t, s, "key", "3")
	})
	if err := errors.Join(s.Close(), holder.Close()); err != nil {
		t.Error(err)
	}
}

// A link with a log's name that is dangling, or leads out of the folder, is an error, and
// no endless loop.
func TestLinksAreNoLogs(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(outside, header{generation: 1, initial: logStart}.encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"nowhere", outside} {
		dir := t.TempDir()
		if err := os.Symlink(target, filepath.Join(dir, logName(1))); err != nil {
			t.Skip("no links here: ", err)
		}
		if s, err := Open(dir, Options{}); err == nil {
			t.Errorf("a link to %s is taken for a log", target)
			s.Close()
		}
	}
}

// Only the owner can read the store and its locks, also if the folder was wider before.
func TestModes(t *testing.T) {
	t.Parallel()
	wide := t.TempDir()
	if err := os.Chmod(wide, 0o755); err != nil {
		t.Fatal(err)
	}
	made, locks := filepath.Join(t.TempDir(), "a", "b"), filepath.Join(t.TempDir(), "c")
	for _, dir := range []string{wide, made} {
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, "key", "1")
		if err := errors.Join(s.compactNow(t.Context()), s.Close()); err != nil {
			t.Error(err)
		}
	}
	for _, dir := range []string{made, locks} {
		release, err := Lock(t.Context(), dir, "name", Holder{})
		if err != nil {
			t.Fatal(err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
	}
	for _, dir := range []string{wide, made, locks} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s is %v", path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
