package atomicfile

import (
	"errors"

	"golang.org/x/sys/unix"
)

// exchange swaps two files in one step. The error is errors.ErrUnsupported where
// the file system can't.
func exchange(a, b string) error {
	err := unix.RenamexNp(a, b, unix.RENAME_SWAP)
	if errors.Is(err, unix.EINVAL) {
		return errors.ErrUnsupported
	}
	return err
}

// openForWriting says no: macOS does not tell.
func openForWriting(string) bool { return false }
