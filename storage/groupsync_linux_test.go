package storage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// probe is a file that records the calls of its methods, and can replace some of them.
type probe struct {
	file
	name   string
	done   *[]string
	lockIt func(how int) error // if not nil, called instead of file's method
	syncIt func() error        // the same
}

func (p *probe) note(what string) { *p.done = append(*p.done, p.name+" "+what) }

func (p *probe) lock(how int) error {
	p.note(map[int]string{syscall.LOCK_EX | syscall.LOCK_NB: "lock", syscall.LOCK_UN: "unlock"}[how])
	if p.lockIt != nil {
		return p.lockIt(how)
	}
	return p.file.lock(how)
}

func (p *probe) sync() error {
	p.note("sync")
	if p.syncIt != nil {
		return p.syncIt()
	}
	return p.file.sync()
}

func (p *probe) WriteAt(b []byte, at int64) (int, error) {
	p.note(fmt.Sprint("write ", at))
	return p.file.WriteAt(b, at)
}

// waiting is a store that has appended a record, and not synced it yet.
type waiting struct {
	*Store
	g         *generation
	end       int64
	done      []string
	log, mark *probe
}

func openStores(t *testing.T, n int) []*Store {
	t.Helper()
	dir := t.TempDir()
	stores := make([]*Store, n)
	for i := range stores {
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		stores[i] = s
	}
	mustPut(t, stores[0], "key", "old")
	return stores
}

func wait(t *testing.T, s *Store) *waiting {
	t.Helper()
	w := &waiting{Store: s}
	if err := s.locked(t.Context(), func(g *generation) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.g = g
		err := g.append([]record{{kind: put, key: "key", value: []byte("new")}})
		w.end = g.log.end
		return err
	}); err != nil {
		t.Fatal(err)
	}
	w.log = &probe{file: w.g.file, name: "log", done: &w.done}
	w.mark = &probe{file: w.g.syncMark.file, name: "mark", done: &w.done}
	w.g.file, w.g.syncMark.file = w.log, w.mark
	return w
}

func (w *waiting) waitDurable() error { return w.Store.waitDurable(w.g, w.end) }

func (w *waiting) syncs() int {
	n := 0
	for _, what := range w.done {
		if what == "log sync" {
			n++
		}
	}
	return n
}

// One sync covers all records that were appended before it, even those that the leader
// had not read.
func TestOneSyncForAll(t *testing.T) {
	t.Parallel()
	stores := openStores(t, 3)
	a, b, leader := wait(t, stores[0]), wait(t, stores[1]), wait(t, stores[2])
	stores[2].mu.Lock()
	behind := leader.end
	stores[2].mu.Unlock()
	c := wait(t, stores[0]) // the leader has not read it
	if c.end <= behind {
		t.Fatal("the leader knows of all")
	}
	if err := leader.waitDurable(); err != nil {
		t.Fatal(err)
	}
	for i, w := range []*waiting{a, b, c} {
		if err := w.waitDurable(); err != nil || w.syncs() > 0 {
			t.Errorf("%d: %v; it did %q", i, err, w.done)
		}
	}
	if leader.syncs() != 1 {
		t.Errorf("the leader did %q", leader.done)
	}
}

// A leader writes the sync mark before it releases the lock, and releases the lock before
// it wakes the others. A process that is woken earlier sleeps again, and nobody wakes it.
func TestUnlockBeforeWake(t *testing.T) {
	t.Parallel()
	w := wait(t, openStores(t, 1)[0])
	if err := w.waitDurable(); err != nil {
		t.Fatal(err)
	}
	want := []string{"mark lock", "log sync", "mark write 0", "mark unlock", fmt.Sprint("mark write ", wordAt)}
	if !slices.Equal(w.done, want) {
		t.Errorf("the leader did %q, want %q", w.done, want)
	}
}

// A woken process relies on the sync mark only. The wake itself means nothing.
func TestWaiterLooksAtTheMark(t *testing.T) {
	t.Parallel()
	for what, tt := range map[string]struct {
		lead  func(w *waiting, other *Store) error // while the waiter is about to sleep
		syncs int
		want  error
	}{
		"a leader that covers it": {func(_ *waiting, other *Store) error {
			_, err := other.Get("key")
			return err
		}, 0, nil},
		"a wake without a sync": {func(w *waiting, _ *Store) error {
			return syncMark{file: w.mark.file}.setWord(uint32(len(w.done)))
		}, 1, nil},
		"a leader that began too early": {func(w *waiting, _ *Store) error {
			m := w.g.syncMark
			m.file = w.mark.file
			return errors.Join(m.write(w.end-1), m.setWord(uint32(len(w.done))))
		}, 1, nil},
		"a leader whose sync failed": {func(w *waiting, _ *Store) error {
			m := w.g.syncMark
			m.file = w.mark.file
			return errors.Join(m.poison(), m.setWord(uint32(len(w.done))))
		}, 0, ErrSync},
		"a leader that was killed, or is slow": {func(*waiting, *Store) error { return nil }, 1, nil},
	} {
		stores := openStores(t, 2)
		w := wait(t, stores[0])
		w.mark.lockIt = func(int) error { return errors.Join(syscall.EWOULDBLOCK, tt.lead(w, stores[1])) }
		if err := w.waitDurable(); !errors.Is(err, tt.want) || w.syncs() != tt.syncs {
			t.Errorf("%s: %v, want %v; it did %q", what, err, tt.want, w.done)
		}
		if tt.want == nil && w.g.durable.Load() < w.end {
			t.Errorf("%s: durable up to %d of %d", what, w.g.durable.Load(), w.end)
		}
	}
}

// If the leader's sync fails, the leader, those who wait and those who come later get an
// error. The leader releases the lock.
func TestLeaderFails(t *testing.T) {
	t.Parallel()
	stores := openStores(t, 3)
	leader, follower := wait(t, stores[0]), wait(t, stores[1])
	leader.log.syncIt = func() error { return errDisk }
	follower.mark.lockIt = func(int) error {
		if err := leader.waitDurable(); !errors.Is(err, ErrSync) || !errors.Is(err, errDisk) {
			t.Errorf("the leader: %v", err)
		}
		return syscall.EWOULDBLOCK
	}
	if err := follower.waitDurable(); !errors.Is(err, ErrSync) || follower.syncs() > 0 {
		t.Errorf("who waited: %v; it did %q", err, follower.done)
	}
	if _, err := stores[2].Get("key"); !errors.Is(err, ErrSync) {
		t.Errorf("who came later: %v", err)
	}
	if !slices.Contains(leader.done, "mark unlock") {
		t.Errorf("the leader did %q", leader.done)
	}
}

// A leader raises the sync mark to the end of the last whole record. If the mark covered
// an unfinished record, which the next writer removes, the log would seem damaged.
func TestLeaderCoversWhatIsWhole(t *testing.T) {
	t.Parallel()
	stores := openStores(t, 2)
	w := wait(t, stores[0])
	frame, _ := appendRecord(nil, record{kind: put, version: 9, key: "key"}, w.g.salt, w.end, w.g.log.prev)
	if _, err := w.log.file.WriteAt(frame[:len(frame)-1], w.end); err != nil {
		t.Fatal(err)
	}
	if err := w.waitDurable(); err != nil {
		t.Fatal(err)
	}
	if now, err := w.g.syncMark.read(); err != nil || now.synced != w.end {
		t.Errorf("the mark is %d, %v, want %d", now.synced, err, w.end)
	}
	mustPut(t, stores[1], "key", "newer")
	if report, err := stores[1].Check(); err != nil || !report.OK() {
		t.Errorf("%+v, %v", report, err)
	}
}

// A writer that has waited for the lock releases it once if it has to read much that was
// appended meanwhile.
func TestReadsWithoutTheLock(t *testing.T) {
	t.Parallel()
	for appended, unlocks := range map[int]int{farBehind: 2, 10: 1} {
		stores := openStores(t, 2)
		mustPut(t, stores[1], "other", "old") // opens the lock's file
		var done []string
		waits := make(chan bool, 1)
		lock := &probe{file: stores[1].lock.file, name: "lock", done: &done}
		lock.lockIt = func(how int) error {
			if how == syscall.LOCK_EX {
				waits <- true
			}
			return lock.file.lock(how)
		}
		stores[1].lock.file = lock
		result := make(chan error, 1)
		if err := stores[0].Update(t.Context(), "key", func([]byte) ([]byte, error) {
			go func() { result <- stores[1].Put("other", []byte("new")) }()
			<-waits
			return make([]byte, appended), nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, what := range done {
			if what == "lock unlock" {
				got++
			}
		}
		if got != unlocks {
			t.Errorf("%d bytes: unlocked %d times, want %d: %q", appended, got, unlocks, done)
		}
		if value, err := stores[0].Get("other"); string(value) != "new" || err != nil {
			t.Errorf("%d bytes: %q, %v", appended, value, err)
		}
	}
}

// If a log is replaced while a process waits for its sync, the process goes on with the
// old files, and does not create files with the old names.
func TestWaiterOfReplacedLog(t *testing.T) {
	t.Parallel()
	stores := openStores(t, 2)
	w := wait(t, stores[0])
	g := w.g.acquire()
	w.mark.lockIt = func(int) error {
		return errors.Join(syscall.EWOULDBLOCK, stores[1].compactNow(t.Context()))
	}
	if value, err := stores[0].Get("key"); string(value) != "new" || err != nil {
		t.Errorf("Get: %q, %v", value, err)
	}
	if err := errors.Join(stores[0].waitDurable(g, w.end), g.release()); err != nil {
		t.Error(err)
	}
	if names, err := filepath.Glob(filepath.Join(stores[0].Dir(), "store.*")); err != nil || len(names) != 2 {
		t.Errorf("%q, %v", names, err)
	}
}

// If the sync mark's file is damaged, a wait ends with a sync. A truncated file kills no
// process, and foreign content is not a sync mark.
func TestWaitWithABrokenMark(t *testing.T) {
	t.Parallel()
	for what, data := range map[string][]byte{
		"empty": nil, "short": make([]byte, 10), "zeros": make([]byte, markSize),
		"ones": bytes.Repeat([]byte{0xff}, markSize), "long": bytes.Repeat([]byte("foreign\n"), 1000),
	} {
		stores := openStores(t, 2)
		w := wait(t, stores[0])
		path := filepath.Join(stores[0].Dir(), markName(1))
		w.mark.lockIt = func(int) error { return errors.Join(syscall.EWOULDBLOCK, os.WriteFile(path, data, 0o600)) }
		if err := w.waitDurable(); err != nil || w.syncs() != 1 {
			t.Errorf("%s: %v; it did %q", what, err, w.done)
		}
		w.mark.lockIt = nil
		mustPut(t, stores[0], "key", "newer")
		if value, err := stores[1].Get("key"); string(value) != "newer" || err != nil {
			t.Errorf("%s: %q, %v", what, value, err)
		}
	}
}
