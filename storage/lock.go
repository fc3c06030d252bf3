package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

const (
	// lockTries is how often Lock tries, with a pause of lockStep: often enough to
	// outlast the probes of Held, which hold the lock for some microseconds. Lock
	// counts tries, not time: a process that was stopped for long still tries again.
	lockTries = 40
	lockStep  = 5 * time.Millisecond
)

// Holder describes the holder of a lock, for people to read.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
	Command string    `json:"command"`
}

// LockedError is returned if somebody else holds the lock. It is an ErrLocked.
type LockedError struct {
	Name   string // of the lock
	Holder Holder // zero if unknown: RLock writes no holder, and Lock writes it after locking
}

// Error names the lock, and the process, the host and the start of its holder.
func (e *LockedError) Error() string {
	if e.Holder == (Holder{}) {
		return e.Name + " is locked by another process"
	}
	return fmt.Sprintf("%s is locked by process %d on %s since %s",
		e.Name, e.Holder.PID, e.Holder.Host, e.Holder.Since.UTC().Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// Lock takes the exclusive lock name in the store's folder dir, and writes info into the
// lock's file for others to read. If somebody else holds the lock, shared or
// exclusive, the error is a *LockedError after 0.2 seconds, or the error of ctx if ctx
// ends earlier.
//
// It is a lock of the kernel: it ends with release or with the process, even if that is
// killed, and child processes do not inherit it. Release may be called more than once
// and by any goroutine. The lock's file is not removed, because then two processes
// could hold the lock at once.
func Lock(ctx context.Context, dir, name string, info Holder) (release func() error, err error) {
	l, err := newLock(dir, name)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", name, err)
	}
	for range lockTries {
		locked, err := l.TryLock()
		if err != nil {
			return nil, fmt.Errorf("locking %s: %w", name, lockFailure(err))
		}
		if locked {
			return hold(l, name, info)
		}
		step := time.NewTimer(lockStep)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("locking %s: %w", name, ctx.Err())
		case <-step.C:
		}
	}
	holder, err := readHolder(l.Path())
	if err != nil {
		return nil, fmt.Errorf("reading the holder of %s: %w", name, err)
	}
	return nil, &LockedError{Name: name, Holder: holder}
}

// LockWait is like Lock, but waits for the lock until ctx ends, and then returns the
// error of ctx. Waiting calls are not queued: while holders of RLock follow one another
// without a gap, LockWait waits on.
func LockWait(ctx context.Context, dir, name string, info Holder) (release func() error, err error) {
	l, err := newLock(dir, name)
	if err == nil {
		_, err = l.TryLockContext(ctx, lockStep)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", name, lockFailure(err))
	}
	return hold(l, name, info)
}

// hold writes info into the file of a lock that was taken, and returns its release.
func hold(l *flock.Flock, name string, info Holder) (release func() error, err error) {
	if err := writeHolder(l.Path(), info); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", name, err), l.Unlock())
	}
	return unlocksOnce(name, func() error {
		ours, err := hasName(l)
		if ours {
			err = clearHolder(l.Path())
		}
		return errors.Join(err, l.Unlock())
	}), nil
}

// unlocksOnce returns a release that calls unlock at its first call only.
func unlocksOnce(name string, unlock func() error) (release func() error) {
	return sync.OnceValue(func() error {
		if err := unlock(); err != nil {
			return fmt.Errorf("unlocking %s: %w", name, err)
		}
		return nil
	})
}

// RLock takes the lock shared, together with any number of other holders of RLock. It
// waits until ctx ends while somebody holds the lock by Lock or LockWait. See Lock.
func RLock(ctx context.Context, dir, name string) (release func() error, err error) {
	l, err := newLock(dir, name)
	if err == nil {
		_, err = l.TryRLockContext(ctx, lockStep)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", name, lockFailure(err))
	}
	// If the last holder was killed, it is still named in the file.
	if err := clearHolder(l.Path()); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", name, err), l.Unlock())
	}
	return unlocksOnce(name, l.Unlock), nil
}

// Held reports whether somebody holds the lock by Lock or LockWait, and who. The holder
// is zero if it has not written its name yet. Holders of RLock do not count. Held
// writes nothing, and does not make a concurrent Lock fail.
func Held(dir, name string) (holder Holder, held bool, err error) {
	path, err := lockPath(dir, name)
	if err != nil {
		return Holder{}, false, fmt.Errorf("probing lock %s: %w", name, err)
	}
	probe := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := probe.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Holder{}, false, nil
	case err != nil:
		return Holder{}, false, fmt.Errorf("probing lock %s: %w", name, lockFailure(err))
	case !free:
		holder, err := readHolder(path)
		return holder, true, err
	}
	if err := probe.Unlock(); err != nil {
		return Holder{}, false, fmt.Errorf("probing lock %s: %w", name, err)
	}
	return Holder{}, false, nil
}

// Holders returns the holders of all locks in the folder dir that are held by Lock or
// LockWait, by the name of the lock. See Held.
func Holders(dir string) (map[string]Holder, error) {
	files, err := os.ReadDir(filepath.Join(dir, "locks"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing locks: %w", err)
	}
	holders := map[string]Holder{}
	for _, file := range files {
		base, isLock := strings.CutSuffix(file.Name(), lockSuffix)
		name, ours := decodeLockName(base)
		if !isLock || !ours {
			continue
		}
		holder, held, err := Held(dir, name)
		if err != nil {
			return nil, err
		}
		if held {
			holders[name] = holder
		}
	}
	return holders, nil
}

func lockPath(dir, name string) (string, error) {
	file, err := encodeLockName(name)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "locks", file+lockSuffix), nil
}

// newLock creates the folder of the locks. The lock's file is created by the first try.
func newLock(dir, name string) (*flock.Flock, error) {
	path, err := lockPath(dir, name)
	if err != nil {
		return nil, err
	}
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	// NFS requires that the file is open for writing.
	return flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600)), nil
}
