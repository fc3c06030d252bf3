package storage

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// folder is what the store asks of the file system. A test that loses power puts
// its own in between.
type folder interface {
	names() ([]string, error)
	// open opens a file for reading, or as create or change say.
	open(name string, how access) (file, error)
	rename(from, to string) error
	remove(name string) error
	sync() error // makes names durable
	close() error
}

type access int

const (
	reading access = iota
	writing
	truncating // an empty file, be there one or not
	creating   // as it is, or an empty one
)

type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	// sync makes the content durable.
	sync() error
	// stat gives the size in bytes, and whether the file still has a name.
	stat() (size int64, named bool, err error)
	// identity is what os.SameFile compares.
	identity() (os.FileInfo, error)
	// lock takes or gives back the kernel's lock on the file, as flock(2) has it.
	lock(how int) error
	// waker gives what those who have the file open can wait for together.
	waker() (*futexWaker, error)
}

// diskFolder is a folder of the file system. It stays the same folder when that
// is moved.
type diskFolder struct{ root *os.Root }

func openDiskFolder(dir string) (folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return diskFolder{root}, nil
}

func (d diskFolder) names() ([]string, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

func (d diskFolder) open(name string, how access) (file, error) {
	flags := map[access]int{
		reading:    os.O_RDONLY,
		writing:    os.O_RDWR,
		truncating: os.O_RDWR | os.O_CREATE | os.O_TRUNC,
		creating:   os.O_RDWR | os.O_CREATE,
	}
	// A named pipe would be waited for.
	f, err := d.root.OpenFile(name, flags[how]|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return diskFile{f}, nil
}

func (d diskFolder) rename(from, to string) error { return d.root.Rename(from, to) }
func (d diskFolder) remove(name string) error     { return d.root.Remove(name) }
func (d diskFolder) close() error                 { return d.root.Close() }

func (d diskFolder) sync() error {
	f, err := d.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(syncFolder(f), f.Close())
}

// syncFolder makes the names in a folder durable.
func syncFolder(f *os.File) error {
	err := f.Sync()
	// Some file systems can't sync a folder and say so by these.
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

type diskFile struct{ *os.File }

func (f diskFile) sync() error                    { return datasync(f.File) }
func (f diskFile) identity() (os.FileInfo, error) { return f.Stat() }
func (f diskFile) lock(how int) error             { return kernelLock(f.File, how) }
func (f diskFile) waker() (*futexWaker, error)    { return newFutexWaker(f.File) }

func (f diskFile) stat() (size int64, named bool, err error) {
	size, links, err := sizeAndLinks(f.File)
	return size, links > 0, err
}

func fstat(f *os.File) (size int64, links uint64, err error) {
	var stat syscall.Stat_t
	err = withDescriptor(f, "fstat", func(fd int) error { return syscall.Fstat(fd, &stat) })
	return stat.Size, uint64(stat.Nlink), err
}

// withDescriptor makes a call of the kernel, again where a signal interrupts it. It
// keeps f open meanwhile: a bare descriptor would not keep the file from being
// collected, and closed, in the middle.
func withDescriptor(f *os.File, name string, call func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var callErr error
	err = raw.Control(func(fd uintptr) {
		for {
			if callErr = call(int(fd)); !errors.Is(callErr, syscall.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, os.NewSyscallError(name, callErr))
}

// makeFolder is os.MkdirAll that also makes the new names durable.
func makeFolder(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.Open(parent)
	if err != nil {
		return err
	}
	return errors.Join(syncFolder(f), f.Close())
}
