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
	// lockTries, lockStep apart, is how often Lock tries: enough to outlast the
	// probes of Held, each of which lasts some microseconds. They are counted, not
	// timed, so that a stalled process does not take its own delay for a holder.
	lockTries = 40
	lockStep  = 5 * time.Millisecond
)

// Holder says who holds a lock, for people to read.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
	Command string    `json:"command"`
}

// LockedError tells that another holds the lock; it is an ErrLocked. Holder is zero where that is
// not known: shared holders leave no name, and an exclusive one needs an
// instant to write its own.
type LockedError struct {
	Name   string
	Holder Holder
}

// Error names the lock, and the holder's process, host and start.
func (e *LockedError) Error() string {
	if e.Holder == (Holder{}) {
		return e.Name + " is locked by another process"
	}
	return fmt.Sprintf("%s is locked by process %d on %s since %s",
		e.Name, e.Holder.PID, e.Holder.Host, e.Holder.Since.UTC().Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// Lock takes the lock of that name in the store's folder dir for itself alone,
// and leaves info for those that it keeps out. Where another holds it, shared
// or not, the error is a *LockedError after a fifth of a second, or that of ctx
// if it ends before.
//
// The lock is the kernel's: it ends with release or with the process, however
// that ends, and no child process inherits it. Release may be called more than
// once. The lock's file stays, for removing it would let in two holders at once.
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

// LockWait is Lock, but waits for the lock until ctx ends; the error is then
// that of ctx. Those who wait are not queued: where holders of RLock follow one
// another without a gap it can wait for long.
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

// hold signs a lock that was taken and gives its release.
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

// unlocksOnce makes a release of unlock: it unlocks at the first call only.
func unlocksOnce(name string, unlock func() error) (release func() error) {
	return sync.OnceValue(func() error {
		if err := unlock(); err != nil {
			return fmt.Errorf("unlocking %s: %w", name, err)
		}
		return nil
	})
}

// RLock takes the lock together with any other holder of RLock, and waits until
// ctx ends while Lock or LockWait holds it. For the rest see Lock.
func RLock(ctx context.Context, dir, name string) (release func() error, err error) {
	l, err := newLock(dir, name)
	if err == nil {
		_, err = l.TryRLockContext(ctx, lockStep)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", name, lockFailure(err))
	}
	// A holder that was killed left its name, which is wrong from now on.
	if err := clearHolder(l.Path()); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", name, err), l.Unlock())
	}
	return unlocksOnce(name, l.Unlock), nil
}

// Held tells whether the lock is held by Lock or LockWait now, and by whom; the
// holder is zero while it has not yet written its name. Holders of RLock do not
// count. Held writes nothing and does not get in the way of Lock.
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

// Holders gives those who hold a lock of the folder dir now by Lock or LockWait,
// by its name; see Held.
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

// newLock makes the lock's folder, and the handle whose tries make its file.
func newLock(dir, name string) (*flock.Flock, error) {
	path, err := lockPath(dir, name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	// NFS wants a lock's file open for writing.
	return flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o644)), nil
}
