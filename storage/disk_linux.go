package storage

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// datasync makes the content and the size of a file durable. It does not wait for
// other metadata such as times, as fsync does.
func datasync(f *os.File) error { return withDescriptor(f, "fdatasync", syscall.Fdatasync) }

// sizeAndLinks does not ask for times, as fstat(2) does: after somebody has asked for
// them, the next write must record exact times and takes twice as long.
func sizeAndLinks(f *os.File) (size int64, links uint64, err error) {
	var stat unix.Statx_t
	err = withDescriptor(f, "statx", func(fd int) error {
		return unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_SIZE|unix.STATX_NLINK, &stat)
	})
	// Kernels before 4.11 do not have statx, and sandboxes may forbid it.
	if errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EPERM) {
		return fstat(f)
	}
	return int64(stat.Size), uint64(stat.Nlink), err
}
