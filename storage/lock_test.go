package storage_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/storage"
)

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, "holder", dir)
	_, err := storage.Lock(t.Context(), dir, "002", holder(1))
	locked, ok := errors.AsType[*storage.LockedError](err)
	if !ok || !errors.Is(err, storage.ErrLocked) {
		t.Fatalf("Lock: %v, want a LockedError", err)
	}
	if diff := cmp.Diff(&storage.LockedError{Name: "002", Holder: holder(first.pid)}, locked); diff != "" {
		t.Errorf("LockedError (-want +got):\n%s", diff)
	}
	wantHeld(t, dir, "002", holder(first.pid))

	lock(t, dir, "003") // another name is another lock
	if err := first.in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		t.Fatal(err)
	}
	wantFree(t, dir, "002")
	lock(t, dir, "002")
}

func TestKillFreesTheLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, "holder", dir)
	kill(t, p)
	wantFree(t, dir, "002")
	release := rlock(t, dir, "002")
	// The killed process is still named in the file, but is not reported as the holder.
	_, err := storage.Lock(t.Context(), dir, "002", holder(1))
	locked, ok := errors.AsType[*storage.LockedError](err)
	if !ok || locked.Holder != (storage.Holder{}) {
		t.Errorf("Lock: %v, want a LockedError without a holder", err)
	}
	unlock(t, release)
	lock(t, dir, "002")
}

func TestChildInheritsNoLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, "parent", dir)
	kill(t, p)
	lock(t, dir, "002")
	// The child is still alive: it answers.
	if _, err := io.WriteString(p.in, "there?\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := p.out.ReadString('\n'); answer != "there?\n" {
		t.Errorf("the child has ended: %q, %v", answer, err)
	}
	if err := p.in.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReleaseTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release, err := storage.Lock(t.Context(), dir, "002", holder(1))
	if err != nil {
		t.Fatal(err)
	}
	wantHeld(t, dir, "002", holder(1))
	unlock(t, release)
	wantFree(t, dir, "002")
	next, err := storage.Lock(t.Context(), dir, "002", holder(2))
	if err != nil {
		t.Fatal(err)
	}
	unlock(t, release)
	wantHeld(t, dir, "002", holder(2))
	unlock(t, next)
}

// If a lock's folder was removed, its release does not change the file that another
// process has created since.
func TestReleaseAfterRemoval(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "store")
		release, err := storage.Lock(t.Context(), dir, "002", holder(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if !again {
			unlock(t, release)
			continue
		}
		next, err := storage.Lock(t.Context(), dir, "002", holder(2))
		if err != nil {
			t.Fatal(err)
		}
		unlock(t, release)
		wantHeld(t, dir, "002", holder(2))
		unlock(t, next)
	}
}

func TestHeldWritesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	wantFree(t, dir, "002")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Held made the folder: %v", err)
	}
	lock(t, dir, "001")
	wantFree(t, dir, "002")
	if _, err := os.Stat(filepath.Join(dir, "locks", "002.lock")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Held made the file: %v", err)
	}
}

func TestHolders(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	check := func(want map[string]storage.Holder) {
		t.Helper()
		got, err := storage.Holders(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	check(map[string]storage.Holder{})
	for i, name := range []string{"spec/001", "Ünlike", "free"} {
		release, err := storage.Lock(t.Context(), dir, name, holder(i))
		if err != nil {
			t.Fatal(err)
		}
		if name == "free" {
			unlock(t, release)
		} else {
			t.Cleanup(func() { unlock(t, release) })
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "locks", "A name of nobody's.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check(map[string]storage.Holder{"spec/001": holder(0), "Ünlike": holder(1)})
}

func TestHeldKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	probed := make(chan error)
	go func() {
		for ctx.Err() == nil {
			if _, _, err := storage.Held(dir, "002"); err != nil {
				probed <- err
				return
			}
		}
		probed <- nil
	}()
	for range 200 {
		release, err := storage.Lock(ctx, dir, "002", holder(1))
		if err != nil {
			t.Error(err)
			break
		}
		unlock(t, release)
	}
	cancel()
	if err := <-probed; err != nil {
		t.Error(err)
	}
}

func TestSharedLocks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := rlock(t, dir, "checks"), rlock(t, dir, "checks")
	wantFree(t, dir, "checks")
	if _, err := storage.Lock(t.Context(), dir, "checks", holder(1)); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("Lock beside shared locks: %v, want %v", err, storage.ErrLocked)
	}
	unlock(t, a)
	if _, err := storage.LockWait(soon(t), dir, "checks", holder(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("LockWait beside a shared lock: %v, want %v", err, context.DeadlineExceeded)
	}

	exclusive := make(chan func() error)
	go func() {
		defer close(exclusive)
		release, err := storage.LockWait(t.Context(), dir, "checks", holder(2))
		if err != nil {
			t.Error(err)
			return
		}
		exclusive <- release
	}()
	unlock(t, b)
	release := <-exclusive
	if release == nil {
		t.FailNow()
	}
	wantHeld(t, dir, "checks", holder(2))
	if _, err := storage.RLock(soon(t), dir, "checks"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("RLock beside an exclusive lock: %v, want %v", err, context.DeadlineExceeded)
	}
	unlock(t, release)
	unlock(t, rlock(t, dir, "checks"))
}

func TestLockEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock(t, dir, "002")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := storage.Lock(ctx, dir, "002", holder(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Lock: %v, want %v", err, context.Canceled)
	}
}

func TestLockedErrorText(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"002 is locked by process 7 on host since 2026-01-02T03:04:05Z": &storage.LockedError{Name: "002", Holder: holder(7)},
		"002 is locked by another process":                              &storage.LockedError{Name: "002"},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLockNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock(t, dir, "../Up")
	if _, err := os.Stat(filepath.Join(dir, "locks", "%2e.%2f%55p.lock")); err != nil {
		t.Error(err)
	}
	_, lockErr := storage.Lock(t.Context(), dir, "", holder(1))
	_, rlockErr := storage.RLock(t.Context(), dir, "")
	_, _, heldErr := storage.Held(dir, "")
	for _, err := range []error{lockErr, rlockErr, heldErr} {
		if !errors.Is(err, storage.ErrInvalidKey) {
			t.Errorf("the empty name: %v, want %v", err, storage.ErrInvalidKey)
		}
	}
}

func kill(t *testing.T, p process) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Do not call Wait: it would close the pipes, which a child still uses.
	if _, err := p.Process.Wait(); err != nil {
		t.Fatal(err)
	}
}

// soon returns a context that ends during a wait for a lock.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// lock takes a lock, which must be free, until the end of the test.
func lock(t *testing.T, dir, name string) {
	t.Helper()
	release, err := storage.Lock(t.Context(), dir, name, holder(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unlock(t, release) })
}

func rlock(t *testing.T, dir, name string) func() error {
	t.Helper()
	release, err := storage.RLock(t.Context(), dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func unlock(t *testing.T, release func() error) {
	t.Helper()
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

func wantHeld(t *testing.T, dir, name string, want storage.Holder) {
	t.Helper()
	got, held, err := storage.Held(dir, name)
	if err != nil || !held {
		t.Fatalf("Held: %t, %v, want true", held, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("holder (-want +got):\n%s", diff)
	}
}

func wantFree(t *testing.T, dir, name string) {
	t.Helper()
	if got, held, err := storage.Held(dir, name); held || err != nil || got != (storage.Holder{}) {
		t.Errorf("Held: %+v, %t, %v, want false", got, held, err)
	}
}
