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
				time.Sleep(defaultLockTimeout * 2 / 3)
				return other.Put("key", make([]byte, farBehind))
			}
			return nil
		})
		mustPut(t, s, "other", "")
		busy = true
		if err := s.Put("other", nil); !errors.Is(err, ErrLocked) {
			t.Errorf("Put: %v, want %v", err, ErrLocked)
		}
		time.Sleep(defaultLockTimeout) // of the bubble's clock: until nobody waits in the kernel any more
	})
}
