package atomicfile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchange swaps two files in one step. The error is errors.ErrUnsupported if the file
// system cannot do this.
func exchange(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) {
		return errors.ErrUnsupported
	}
	return err
}

// openForWriting reports whether somebody has the file open for writing: then the kernel
// refuses a read lease on it. If the file has another owner, or the file system has no
// leases, it is unknown, and openForWriting returns false.
func openForWriting(path string) bool {
	// Without O_NONBLOCK, opening a named pipe would wait for its writer.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false // the next read of the file returns the same error
	}
	_, err = unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	return errors.Join(err, file.Close()) != nil && errors.Is(err, unix.EAGAIN)
}
