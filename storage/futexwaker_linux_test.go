package storage

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Only a store that syncs maps the sync mark, and Close unmaps it.
func TestMarkIsMapped(t *testing.T) {
	t.Parallel()
	dir := openStores(t, 1)[0].Dir()
	var stores []*Store
	for _, opts := range []Options{{}, {NoSync: true}, {ReadOnly: true}} {
		s, err := Open(dir, opts)
		if err != nil {
			t.Fatal(err)
		}
		if !opts.ReadOnly {
			mustPut(t, s, "key", "new")
		}
		if _, err := s.Get("key"); err != nil {
			t.Error(err)
		}
		if mapped := s.gen.waker != nil; mapped != (opts == Options{}) {
			t.Errorf("%+v: is it mapped? %t", opts, mapped)
		}
		stores = append(stores, s)
	}
	for _, s := range stores {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	other, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, other, "key", "1")
	before := mapsOf(t, other.Dir())
	if err := other.compactNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustPut(t, other, "key", "2")
	if during := mapsOf(t, other.Dir()); before != 1 || during != 1 {
		t.Errorf("mapped %d times, after a compaction %d times, want once", before, during)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if after := mapsOf(t, other.Dir()); after != 0 {
		t.Errorf("mapped %d times after Close", after)
	}
}

func mapsOf(t *testing.T, dir string) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip("no list of what is mapped here: ", err)
	}
	return strings.Count(string(data), dir)
}

// A wake reaches another mapping of the file, as other processes have.
func TestFutexWaker(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mark")
	if err := os.WriteFile(path, make([]byte, markSize), 0o600); err != nil {
		t.Fatal(err)
	}
	var wakers [2]*futexWaker
	for i := range wakers {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if wakers[i], err = newFutexWaker(f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	hears(t, func() syscall.Errno { return listen(wakers[0], 0) }, wakers[1].wake)
	errno := listen(wakers[0], 0)
	for errno == syscall.EINTR { // the runtime sends signals of its own
		errno = listen(wakers[0], 0)
	}
	if errno != syscall.ETIMEDOUT {
		t.Errorf("without a wake the wait ended with %v, want %v", errno, syscall.ETIMEDOUT)
	}
	if !wakers[0].wait(1) {
		t.Error("an earlier wake is waited for")
	}
	for _, b := range wakers {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}
}

// A leader wakes the others.
func TestLeaderWakes(t *testing.T) {
	t.Parallel()
	stores := openStores(t, 2)
	mustPut(t, stores[1], "key", "new")
	sleeper, err := stores[1].gen.syncMark.file.waker()
	if err != nil {
		t.Fatal(err)
	}
	hears(t, func() syscall.Errno {
		now, err := stores[1].gen.syncMark.read()
		if err != nil {
			t.Error(err)
		}
		return listen(sleeper, now.word)
	}, func() { mustPut(t, stores[0], "key", "new") })
	if err := sleeper.close(); err != nil {
		t.Error(err)
	}
}

// listen is wait, but returns the error number.
func listen(b *futexWaker, rung uint32) syscall.Errno {
	timeout := syscall.NsecToTimespec(int64(wakeTimeout))
	return b.futex(futexWait, rung, &timeout)
}

// hears calls listen and wake repeatedly, and fails the test if listen is never woken.
func hears(t *testing.T, listen func() syscall.Errno, wake func()) {
	t.Helper()
	heard := make(chan bool)
	go func() {
		for range 500 { // on a slow machine the wake may be late
			if listen() == 0 {
				heard <- true
				return
			}
		}
		heard <- false
	}()
	for {
		wake()
		select {
		case woken := <-heard:
			if !woken {
				t.Error("the sleeper was not woken")
			}
			return
		default:
		}
	}
}
