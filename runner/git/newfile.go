package git

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// newFile is a file that was just created, by its descriptor: to make an
// os.File of it takes system calls of its own, a good part of the time that a
// small file takes.
type newFile int

// create does what os.Root's OpenFile does in a folder for a name without a
// separator. O_EXCL follows no symlink.
func create(folder *os.File, name string, perm uint32) (f newFile, err error) {
	err = retry(func() error {
		fd, err := unix.Openat(int(folder.Fd()), name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, perm)
		f = newFile(fd)
		return err
	})
	return f, err
}

// Write writes all of p.
func (f newFile) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		err = retry(func() error {
			wrote, err := unix.Write(int(f), p[n:])
			if err == nil {
				n += wrote
				if wrote == 0 {
					err = io.ErrShortWrite
				}
			}
			return err
		})
	}
	return n, err
}

// Close closes the file. After a signal it is closed, too.
func (f newFile) Close() error {
	if err := unix.Close(int(f)); !errors.Is(err, unix.EINTR) {
		return err
	}
	return nil
}

// retry repeats a system call that a signal interrupts.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
