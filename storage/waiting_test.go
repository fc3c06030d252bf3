package storage

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// The timeout is for a whole write, also if it releases the lock and waits again.
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
				<-time.After(defaultLockTimeout * 2 / 3) // on the bubble's clock
				return other.Put("key", make([]byte, farBehind))
			}
			return nil
		})
		mustPut(t, s, "other", "")
		busy = true
		if err := s.Put("other", nil); !errors.Is(err, ErrLocked) {
			t.Errorf("Put: %v, want %v", err, ErrLocked)
		}
		<-time.After(defaultLockTimeout) // until no goroutine waits in the kernel
	})
}

// If unlocking fails, the lock's file is closed. Else the lock would be held as long as
// the store is open.
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
