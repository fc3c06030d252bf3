package storage

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound is returned for a key that has no value.
	ErrNotFound = errors.New("no such key")
	// ErrConflict is returned by PutIf if the key has another version. See
	// ConflictError.
	ErrConflict = errors.New("the key has changed")
	// ErrLocked is returned if a lock does not become free in time. If a context ended
	// the wait, its error is wrapped as well.
	ErrLocked = errors.New("locked")
	// ErrCorrupt is returned for data that fails its checksum. See CorruptError.
	ErrCorrupt = errors.New("damaged")
	// ErrClosed is returned by every call on a closed store.
	ErrClosed = errors.New("the store is closed")
	// ErrReadOnly is returned for a write to a store that was opened read-only.
	ErrReadOnly = errors.New("the store is open for reading only")
	// ErrTooLarge is returned for a key or value that is larger than MaxKey or
	// MaxValue, and for a batch that is larger than MaxBatch.
	ErrTooLarge = errors.New("too large")
	// ErrInvalidKey is returned for a key that is empty, not UTF-8 or too large, and
	// for the name of a lock that is too long for a file name.
	ErrInvalidKey = errors.New("invalid key")
	// ErrSync is returned if a sync fails. It is unknown whether the write reached the
	// disk. The store refuses every later write and read of unsynced data, because a
	// later sync can succeed without having written the data. Repair goes back to
	// what is known to be on the disk.
	ErrSync = errors.New("the disk failed to keep what was written; Repair goes back to what it kept")
	// ErrNewerFormat is returned for a store that was written by a newer version of
	// the program.
	ErrNewerFormat = errors.New("written by a newer version of this program")
	// ErrRemoved is returned if the store's files were removed while it was open.
	ErrRemoved = errors.New("the store was removed while it was open")
	// ErrNoLocks is returned on a file system without locks. Processes cannot share a
	// store there.
	ErrNoLocks = errors.New("the file system has no locks")
)

// CorruptError describes damaged data. It is an ErrCorrupt.
type CorruptError struct {
	File   string // the name of the file in the store's folder
	Offset int64  // in bytes
	What   string
}

// Error names the file and the offset.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("damaged: %s in %s at byte %d", e.What, e.File, e.Offset)
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// ConflictError is returned by PutIf if the key has another version than the caller
// expects. It is an ErrConflict.
type ConflictError struct {
	Have Version // of the key; 0 if it has no value
}

// Error names the version.
func (e *ConflictError) Error() string {
	if e.Have == 0 {
		return "the key has no value"
	}
	return fmt.Sprintf("the key has changed: it is at version %d", e.Have)
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }
