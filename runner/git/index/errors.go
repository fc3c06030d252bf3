package index

import (
	"errors"
	"fmt"
)

var (
	// ErrVersion is returned when the file is of a format version other than
	// 2, 3 and 4.
	ErrVersion = errors.New("unknown version of git's index")
	// ErrChecksum is returned when the file's trailing checksum isn't that of
	// its content: it is damaged, or of a SHA-256 repository.
	ErrChecksum = errors.New("the checksum of git's index is wrong")
	// ErrSplit is returned for a split index, which keeps most of its entries
	// in another file.
	ErrSplit = errors.New("git's index is split over two files")
	// ErrSparse is returned for a sparse index, in which whole folders stand
	// as single entries.
	ErrSparse = errors.New("git's index is sparse")
	// ErrExtension is returned when the file has an extension that must be
	// understood to read it, and isn't.
	ErrExtension = errors.New("git's index has an extension that is not understood")
	// ErrChange is returned by Edit for a change that no index can hold, or
	// for two that contradict each other.
	ErrChange = errors.New("not a change that git's index can hold")
)

// A CorruptError is returned for a file that isn't a whole, well-formed index.
type CorruptError struct {
	Offset int    // in bytes from the file's start
	Reason string // what is wrong there
}

// Error names the place and what is wrong there.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("git's index is corrupt at byte %d: %s", e.Offset, e.Reason)
}
