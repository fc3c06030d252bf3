package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// writeLock lets one writer at a time into the folder: the slot among the
// goroutines of a Store, which share an open file and so a kernel lock, and the
// kernel's lock among Stores and processes.
type writeLock struct {
	slot      chan struct{}
	timeout   time.Duration
	closed    <-chan struct{}
	file      file      // open from one holder to the next; guarded by the slot
	abandoned *waiter   // by one who gave up; likewise
	deadline  time.Time // the holder would have waited, where it has, in the kernel; likewise
}

// waiter waits in the kernel for the lock, which can't be cancelled. Whoever gives
// up leaves it to the next one: a thread for each that gave up would add up.
type waiter struct {
	file   file
	state  atomic.Int32
	result chan error // of flock, where somebody waits
}

// The states of a waiter. It is over when the kernel has answered: then the one
// who waits has the answer, or the lock was given back and the file closed.
const (
	waiterWanted int32 = iota
	waiterAbandoned
	waiterDone
)

// More of lockSpins tries serve writers that do not sync, and take the time of those
// that do: at 16 processes with 40 a third of their speed.
const lockSpins = 10

const writeLockName = "lock"

// acquire waits for the lock until ctx ends or the time-out is over.
func (l *writeLock) acquire(ctx context.Context, open func() (file, error)) error {
	select {
	case l.slot <- struct{}{}: // the usual case needs no timer
	default:
		timeout, cancel := context.WithTimeout(ctx, l.timeout)
		defer cancel()
		ctx = timeout
		select {
		case l.slot <- struct{}{}:
		case <-ctx.Done():
			return lockedError(ctx)
		case <-l.closed:
			return ErrClosed
		}
	}
	err := l.acquireFile(ctx, open)
	if err != nil {
		<-l.slot
	}
	return err
}

// acquireFile tries again as long as it gets the lock of a file that has lost its
// name meanwhile, for the next one comes by another file.
func (l *writeLock) acquireFile(ctx context.Context, open func() (file, error)) error {
	for {
		if err := ctx.Err(); err != nil {
			return lockedError(ctx)
		}
		if err := l.lockFile(ctx, open); err != nil {
			return err
		}
		_, named, err := l.file.stat()
		if err == nil && named {
			return nil
		}
		if err := errors.Join(err, l.close()); err != nil {
			return err
		}
	}
}

func (l *writeLock) lockFile(ctx context.Context, open func() (file, error)) error {
	l.deadline = time.Time{}
	if w := l.abandoned; w != nil {
		l.abandoned = nil
		if w.resume() {
			return l.await(ctx, w)
		}
	}
	if l.file == nil {
		f, err := open()
		if err != nil {
			return err
		}
		l.file = f
	}
	// It is held for some microseconds: most often it is free after a few tries.
	for range lockSpins {
		err := l.file.lock(syscall.LOCK_EX | syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return lockFailure(err)
		}
		runtime.Gosched()
	}
	w := &waiter{file: l.file, result: make(chan error, 1)}
	l.file = nil
	go w.wait()
	return l.await(ctx, w)
}

func (w *waiter) wait() {
	err := w.file.lock(syscall.LOCK_EX)
	for {
		if w.state.CompareAndSwap(waiterWanted, waiterDone) {
			w.result <- err
			return
		}
		if w.state.CompareAndSwap(waiterAbandoned, waiterDone) {
			_ = unlock(w.file) // nobody is left to hear of an error
			_ = w.file.Close()
			return
		}
	}
}

// resume takes up a waiter that was left. It does not where that is over, nor where
// the lock's file was removed: others have come by another one since.
func (w *waiter) resume() bool {
	_, named, err := w.file.stat()
	return err == nil && named && w.state.CompareAndSwap(waiterAbandoned, waiterWanted)
}

// await waits with w until the lock is there, and takes over its file.
func (l *writeLock) await(ctx context.Context, w *waiter) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	l.deadline, _ = ctx.Deadline()
	var gaveUp error
	select {
	case err := <-w.result:
		l.file = w.file
		return lockFailure(err)
	case <-ctx.Done():
		gaveUp = lockedError(ctx)
	case <-l.closed:
		gaveUp = ErrClosed
	}
	if w.state.CompareAndSwap(waiterWanted, waiterAbandoned) {
		l.abandoned = w
		return gaveUp
	}
	l.file = w.file // it came at the last instant
	return lockFailure(<-w.result)
}

func lockedError(ctx context.Context) error {
	return fmt.Errorf("waiting for another writer: %w: %w", ErrLocked, context.Cause(ctx))
}

// lockFailure names the errors by which file systems say that they have no locks.
func lockFailure(err error) error {
	if errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return fmt.Errorf("%w: %w", ErrNoLocks, err)
	}
	return err
}

func (l *writeLock) release() error {
	err := unlock(l.file)
	if err != nil {
		err = errors.Join(err, l.close()) // better late than as long as the Store lives
	}
	<-l.slot
	return err
}

// unlock is a call of its own: to close the file would not do while a child
// process that was forked meanwhile still has it open.
func unlock(f file) error { return f.lock(syscall.LOCK_UN) }

// close is for who holds the slot.
func (l *writeLock) close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

func kernelLock(f *os.File, how int) error {
	return withDescriptor(f, "flock", func(fd int) error { return syscall.Flock(fd, how) })
}
