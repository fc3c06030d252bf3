package storage

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound is returned for a key that has no value.
	ErrNotFound = errors.New("no such key")
	// ErrConflict is returned by PutIf when the key's version is another one than
	// was named. See ConflictError.
	ErrConflict = errors.New("the key has changed")
	// ErrLocked is returned when a lock is not free in time. It comes together with
	// the error of the context, where that ended the waiting.
	ErrLocked = errors.New("locked")
	// ErrCorrupt is returned for what fails its checksum. See CorruptError.
	ErrCorrupt = errors.New("damaged")
	// ErrClosed is returned by every call on a closed store.
	ErrClosed = errors.New("the store is closed")
	// ErrReadOnly is returned for a write to a store that was opened read-only.
	ErrReadOnly = errors.New("the store is open for reading only")
	// ErrTooLarge is returned for a key or value that is larger than MaxKey or
	// MaxValue, and for a batch that is larger than MaxBatch.
	ErrTooLarge = errors.New("too large")
	// ErrInvalidKey is returned for a key that is empty, is not UTF-8 or is too
	// large, and for the name of a lock that is too long for a file name.
	ErrInvalidKey = errors.New("invalid key")
	// ErrSync is returned when the disk failed to take what was written. What
	// becomes of that write is unknown, and no write is taken any more: after such
	// an error a later sync that succeeds proves nothing. Repair goes back to what
	// is known to be on the disk.
	ErrSync = errors.New("the disk failed to keep what was written; Repair goes back to what it kept")
	// ErrNewerFormat is returned for a store that a newer version of the program
	// has written.
	ErrNewerFormat = errors.New("written by a newer version of this program")
	// ErrRemoved is returned when the store's files were removed while it was open.
	ErrRemoved = errors.New("the store was removed while it was open")
	// ErrNoLocks is returned on a file system that has no locks, where processes
	// can't share a store.
	ErrNoLocks = errors.New("the file system has no locks")
)

// CorruptError says what is damaged. It is an ErrCorrupt.
type CorruptError struct {
	File   string // its name in the store's folder
	Offset int64  // in bytes
	What   string
}

// Error names the place.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("damaged: %s in %s at byte %d", e.What, e.File, e.Offset)
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// ConflictError gives the version that stood in the way of PutIf, 0 where the
// key has no value. It is an ErrConflict.
type ConflictError struct{ Have Version }

// Error gives the version.
func (e *ConflictError) Error() string {
	if e.Have == 0 {
		return "the key has no value"
	}
	return fmt.Sprintf("the key has changed: it is at version %d", e.Have)
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }
