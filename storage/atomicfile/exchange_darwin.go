package atomicfile

import (
	"errors"

	"golang.org/x/sys/unix"
)

// exchange swaps two files in one step. The error is errors.ErrUnsupported if the file
// system cannot do this.
func exchange(a, b string) error {
	err := unix.RenamexNp(a, b, unix.RENAME_SWAP)
	if errors.Is(err, unix.EINVAL) {
		return errors.ErrUnsupported
	}
	return err
}

// openForWriting returns false: macOS has no way to find out.
func openForWriting(string) bool { return false }
