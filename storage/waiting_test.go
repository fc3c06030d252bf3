package storage

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// The time-out is for the whole of a write, also where it gives the lock back in the
// middle and waits once more.
func TestLockTimeoutOfAWriteThatWaitsTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		other := openHooked(t, dir, unhooked)
		mustPut(t, other, "key", "old")
		busy := false
		s := openHooked(t, dir, func(what string) error {
			switch {
			case busy && what == "try lock":
				return syscall.EWOULDBLOCK
			case busy && what == "wait for lock":
				<-time.After(defaultLockTimeout * 2 / 3) // by the bubble's clock
				return other.Put("key", make([]byte, farBehind))
			}
			return nil
		})
		mustPut(t, s, "other", "")
		busy = true
		if err := s.Put("other", nil); !errors.Is(err, ErrLocked) {
			t.Errorf("Put: %v, want %v", err, ErrLocked)
		}
		<-time.After(defaultLockTimeout) // until nobody waits in the kernel any more
	})
}

// A lock that can't be given back is given up with its file, or it would be held as
// long as the store lives.
func TestUnlockFails(t *testing.T) {
	t.Parallel()
	failing, closed := map[string]error{}, false
	s := openHooked(t, t.TempDir(), func(what string) error {
		closed = closed || what == "close lock"
		return failing[what]
	})
	mustPut(t, s, "key", "value")
	failing["unlock lock"], closed = errDisk, false
	if err := s.Put("key", nil); !errors.Is(err, errDisk) || !closed {
		t.Errorf("Put: %v, want %v; is the lock's file closed? %t", err, errDisk, closed)
	}
	delete(failing, "unlock lock")
	mustPut(t, s, "key", "new")
}
