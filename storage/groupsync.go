package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
)

// All who wait for the disk at the same time share a sync. The goroutines of a Store take
// turns by a mutex. Among Stores and processes, the leader is the one that gets the
// kernel's lock on the sync mark's file. It reads what all have appended so far, syncs, writes
// the sync mark, releases the lock, and only then wakes the others. They sleep on the
// futexWaker, and read the sync mark when they wake.
//
// This only saves time. Correctness depends on the sync mark alone, and a process raises
// the mark only after it has read the log and synced it. If there is no futexWaker, or nobody
// wakes the others in time because the leader was killed or the disk is slow, each
// syncs for itself.

// maxLeaders is how many leaders a process waits for. The first may have begun too early
// to cover its record. The second covers it, unless a woken process is slow to become
// the leader.
const maxLeaders = 3

// waitDurable returns when the log is on the disk up to end. Function catchUp reads what
// others have appended.
func (g *generation) waitDurable(end int64, catchUp func() error) error {
	if g.durable.Load() >= end {
		return nil
	}
	g.syncing.Lock()
	defer g.syncing.Unlock()
	for range maxLeaders {
		now, err := g.reload()
		if err != nil || g.durable.Load() >= end {
			return err
		}
		if g.failed.Load() {
			return ErrSync
		}
		if g.waker == nil {
			if g.waker, err = g.syncMark.file.waker(); err != nil {
				break
			}
		}
		err = g.syncMark.file.lock(syscall.LOCK_EX | syscall.LOCK_NB)
		if err == nil {
			return g.lead(catchUp)
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || !g.waker.wait(now.word) {
			break
		}
	}
	return g.sync()
}

// lead syncs for all. The caller holds the lock on the sync mark's file.
func (g *generation) lead(catchUp func() error) error {
	err := catchUp()
	if err == nil {
		err = g.sync()
	}
	// A process that is woken before the lock is free cannot become the leader, and would
	// sleep again without anybody to wake it.
	err = errors.Join(err, unlock(g.syncMark.file))
	if g.syncMark.setWord(rand.Uint32()) == nil {
		g.waker.wake()
	}
	return err
}

// sync makes the log durable as far as it was read, and raises the sync mark.
func (g *generation) sync() error {
	covers := g.written.Load()
	if err := g.file.sync(); err != nil {
		g.failed.Store(true)
		return errors.Join(fmt.Errorf("%w: %w", ErrSync, err), g.syncMark.poison())
	}
	// The kernel may have reported a failure to another process, and not to this one.
	now, err := g.reload()
	if err == nil && now.poisoned {
		err = ErrSync
	}
	if err == nil && now.synced < covers {
		err = g.syncMark.write(covers)
	}
	if err == nil {
		raise(&g.durable, covers)
	}
	return err
}

// reload reads the sync mark, and takes over what other processes have written there,
// except for the fields that the Store's mutex guards.
func (g *generation) reload() (syncState, error) {
	now, err := g.syncMark.read()
	if err != nil {
		return syncState{}, err
	}
	raise(&g.durable, now.synced)
	if now.poisoned {
		g.failed.Store(true)
	}
	return now, nil
}
