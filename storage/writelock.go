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

// writeLock lets one writer at a time into the folder. The slot excludes the other
// goroutines of the Store, which share an open file and so the kernel's lock on it. The
// kernel's lock excludes other Stores and processes. The slot guards file, abandoned
// and deadline.
type writeLock struct {
	slot      chan struct{}
	timeout   time.Duration
	closed    <-chan struct{}
	file      file      // stays open from one holder to the next
	abandoned *waiter   // of a caller that gave up
	deadline  time.Time // of the holder's wait in the kernel; zero if it did not wait
}

// waiter waits for the lock in the kernel. This wait cannot be cancelled and takes a
// thread. A caller that gives up leaves its waiter to the next caller, so that
// there is never more than one thread.
type waiter struct {
	file   file
	state  atomic.Int32
	result chan error // of flock, if the waiter was not abandoned
}

// The states of a waiter. It is done when the kernel has answered. Then its caller gets
// the result, or, if there is none, the lock is released and the file closed.
const (
	waiterWanted int32 = iota
	waiterAbandoned
	waiterDone
)

// lockSpins is how often a writer tries to get the lock before it waits in the kernel.
// More tries help writers that do not sync, and slow down writers that do: 40 tries
// cost 16 processes a third of their speed.
const lockSpins = 10

const writeLockName = "lock"

// acquire waits for the lock until ctx ends, the timeout is over or the store is closed.
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

// acquireFile takes the kernel's lock. If the lock's file was removed meanwhile it tries
// again, because the next process creates and locks another file.
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
	// It is usually held for some microseconds, and free after a few tries.
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
			_ = unlock(w.file) // there is no caller to report an error to
			_ = w.file.Close()
			return
		}
	}
}

// resume takes over an abandoned waiter. It returns false if the waiter is done, or if
// the lock's file was removed: others use another file then.
func (w *waiter) resume() bool {
	_, named, err := w.file.stat()
	return err == nil && named && w.state.CompareAndSwap(waiterAbandoned, waiterWanted)
}

// await waits until w has the lock, and takes over its file.
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
	l.file = w.file // w was done at the last moment
	return lockFailure(<-w.result)
}

func lockedError(ctx context.Context) error {
	return fmt.Errorf("waiting for another writer: %w: %w", ErrLocked, context.Cause(ctx))
}

// lockFailure adds ErrNoLocks to the errors by which a file system says that it has no
// locks.
func lockFailure(err error) error {
	if errors.Is(err, syscall.ENOLCK) || errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("%w: %w", ErrNoLocks, err)
	}
	return err
}

func (l *writeLock) release() error {
	err := unlock(l.file)
	if err != nil {
		err = errors.Join(err, l.close()) // else it stays locked until the Store is closed
	}
	<-l.slot
	return err
}

// unlock releases the lock explicitly. Closing the file would not release it if a child
// process that was forked meanwhile has it open.
func unlock(f file) error { return f.lock(syscall.LOCK_UN) }

// close closes the file. The caller holds the slot.
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
