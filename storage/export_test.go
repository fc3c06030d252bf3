package storage

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"syscall"
)

// Compact compacts s now.
func Compact(s *Store) error { return s.compactNow(context.Background()) }

// LockFile returns the open file of the write lock. The caller holds the lock.
func LockFile(s *Store) *os.File { return s.lock.file.(diskFile).File }

func isErr(err, target error) bool { return errors.Is(err, target) }

// OpenDoomed opens a store that kills its process before the n-th operation that changes
// a file, or in the middle of it if torn is set.
func OpenDoomed(dir string, n int64, torn bool) (*Store, error) {
	d := &doom{n: n, torn: torn}
	return openStore(dir, Options{}, func(dir string) (folder, error) {
		f, err := openDiskFolder(dir)
		return doomedFolder{f, d}, err
	})
}

type doom struct {
	n    int64
	torn bool
	done atomic.Int64
}

// next counts an operation. At the n-th it kills the process, after part if torn is set.
func (d *doom) next(part func()) {
	if d.done.Add(1) != d.n {
		return
	}
	if d.torn {
		part()
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		panic(err)
	}
	select {} // the signal is on its way
}

type doomedFolder struct {
	folder
	*doom
}

func (f doomedFolder) open(name string, how access) (file, error) {
	if how == truncating || how == creating {
		f.next(func() {})
	}
	opened, err := f.folder.open(name, how)
	if err != nil {
		return nil, err
	}
	return doomedFile{opened, f.doom}, nil
}

func (f doomedFolder) rename(from, to string) error {
	f.next(func() {})
	return f.folder.rename(from, to)
}

func (f doomedFolder) remove(name string) error {
	f.next(func() {})
	return f.folder.remove(name)
}

func (f doomedFolder) sync() error {
	f.next(func() {})
	return f.folder.sync()
}

type doomedFile struct {
	file
	*doom
}

func (f doomedFile) WriteAt(b []byte, at int64) (int, error) {
	f.next(func() { f.file.WriteAt(b[:len(b)/2], at) })
	return f.file.WriteAt(b, at)
}

func (f doomedFile) Truncate(size int64) error {
	f.next(func() {})
	return f.file.Truncate(size)
}

func (f doomedFile) sync() error {
	f.next(func() {})
	return f.file.sync()
}

func (f doomedFile) lock(how int) error {
	f.next(func() { _ = f.file.lock(how) })
	return f.file.lock(how)
}
