package storage

import (
	"context"
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

// Close does not wait for who waits for a lock of the store, who gets ErrClosed.
func TestCloseEndsTheWaitForALock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.TempDir(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		release, err := s.Lock(t.Context(), "name", Holder{PID: 1})
		if err != nil {
			t.Fatal(err)
		}
		waits := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := s.Lock(ctx, "name", Holder{PID: 2})
			waits <- err
		}()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-waits; !errors.Is(err, ErrClosed) {
			t.Errorf("Lock: %v, want %v", err, ErrClosed)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
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
