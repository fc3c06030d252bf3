package storage

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// folder is the store's view of the file system. Tests use their own, which loses power
// or fails.
type folder interface {
	names() ([]string, error)
	open(name string, how access) (file, error)
	rename(from, to string) error
	remove(name string) error
	sync() error // makes names durable
	// narrow leaves the folder to its owner, as far as the file system can.
	narrow() error
	close() error
}

// access is how a file is opened.
type access int

const (
	reading    access = iota
	writing           // and reading
	truncating        // like creating, and empties an existing file
	creating          // like writing, and creates a missing file
)

type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	// sync makes the content durable.
	sync() error
	// stat returns the size in bytes, and whether the file still has a name.
	stat() (size int64, named bool, err error)
	// identity returns what os.SameFile compares.
	identity() (os.FileInfo, error)
	// lock takes or releases the kernel's lock on the file. See flock(2) for how.
	lock(how int) error
	// waker returns the means to wait for others who have the file open.
	waker() (*futexWaker, error)
}

// diskFolder is a folder of the file system. It remains the same folder if that is moved.
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
	// Without O_NONBLOCK, opening a named pipe would wait for its writer.
	f, err := d.root.OpenFile(name, flags[how]|syscall.O_NONBLOCK, 0o600)
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

func (d diskFolder) narrow() error {
	info, err := d.root.Stat(".")
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		// Not every file system has modes, and another user may own the folder.
		_ = d.root.Chmod(".", info.Mode()&^0o077)
	}
	return err
}

// syncFolder makes the names in a folder durable.
func syncFolder(f *os.File) error {
	err := f.Sync()
	// Some file systems cannot sync a folder, and return one of these errors.
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

// withDescriptor makes a system call, and repeats it if a signal interrupts it. f stays
// open meanwhile; with a bare descriptor, the garbage collector might close it.
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

// makeFolder is like os.MkdirAll for folders that only their owner may read. It also makes
// the new names durable.
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
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.Open(parent)
	if err != nil {
		return err
	}
	return errors.Join(syncFolder(f), f.Close())
}
