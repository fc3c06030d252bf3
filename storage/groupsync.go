package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
)

// Those who wait for the disk at the same time share a sync. The goroutines of a
// Store take turns by a mutex. Among Stores and processes one leads, who holds the
// kernel's lock on the mark file: it reads what all have appended so far, syncs,
// writes the mark, and only then, the lock given back, rings the bell. The others
// sleep on the bell, and look at the mark when they wake.
//
// All of it is about time alone. What is on the disk is told by the mark, which
// only who has read the log and synced it raises. Where there is no bell, or it
// does not ring in time because a leader was killed or the disk is slow, everybody
// syncs for himself.

// maxLeaders is how many leaders are waited for. The first may have begun too early to
// cover what is waited for; the second does, unless a woken process is slow to
// become the leader.
const maxLeaders = 3

// waitDurable returns when the log is on the disk up to end. catchUp reads what others
// have appended.
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

// lead syncs for all. It is for who holds the lock on the mark file.
func (g *generation) lead(catchUp func() error) error {
	err := catchUp()
	if err == nil {
		err = g.sync()
	}
	// Who is woken before the lock is free would find no leader, nor become one.
	err = errors.Join(err, unlock(g.syncMark.file))
	if g.syncMark.setWord(rand.Uint32()) == nil {
		g.waker.wake()
	}
	return err
}

// sync makes the log durable as far as it was read, and tells so.
func (g *generation) sync() error {
	covers := g.written.Load()
	if err := g.file.sync(); err != nil {
		g.failed.Store(true)
		return errors.Join(fmt.Errorf("%w: %w", ErrSync, err), g.syncMark.poison())
	}
	// Another process may have been told of a failure that this sync did not see.
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

// reload takes over what other processes have written into the mark file, but for
// what the Store's mutex guards.
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
