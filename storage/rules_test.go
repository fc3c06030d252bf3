package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// After a failed sync every process refuses to write, and to read what may be lost. The
// next sync could succeed without having written it. Repair goes back to what was on the
// disk.
func TestFailedSyncPoisons(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s, other := mustOpen(t, d), mustOpen(t, d)
	mustPut(t, s, "key", "durable")
	before, err := s.Entry("key")
	if err != nil {
		t.Fatal(err)
	}
	d.failSync = true
	if err := s.Put("key", []byte("lost")); !errors.Is(err, ErrSync) || !errors.Is(err, errDisk) {
		t.Fatalf("Put: %v, want %v and the disk's error", err, ErrSync)
	}
	later := mustOpen(t, d)
	for name, s := range map[string]*Store{"the same": s, "another": other, "a later": later} {
		if err := s.Put("other", nil); !errors.Is(err, ErrSync) {
			t.Errorf("%s store: Put: %v, want %v", name, err, ErrSync)
		}
		if value, err := s.Get("key"); !errors.Is(err, ErrSync) {
			t.Errorf("%s store: Get: %q, %v, want %v", name, value, err, ErrSync)
		}
		if report, err := s.Check(); report.OK() || err != nil {
			t.Errorf("%s store: Check: %+v, %v", name, report, err)
		}
		if stats, err := s.Stats(); !stats.SyncFailed || err != nil {
			t.Errorf("%s store: Stats: %+v, %v", name, stats, err)
		}
	}
	report, err := other.Repair(t.Context())
	if err != nil || !report.SyncFailed {
		t.Fatalf("Repair: %+v, %v", report, err)
	}
	for _, s := range []*Store{s, other, later} {
		if value, err := s.Get("key"); string(value) != "durable" || err != nil {
			t.Errorf("after Repair: %q, %v", value, err)
		}
	}
	version, err := s.PutIf("key", []byte("new"), before.Version)
	if err != nil || version <= before.Version+1 { // the lost write had the next version
		t.Errorf("PutIf: %d, %v, want more than %d", version, err, before.Version+1)
	}
	after := mustOpen(t, d.loss(func() bool { return false }))
	if value, err := after.Get("key"); string(value) != "new" || err != nil {
		t.Errorf("after a power loss: %q, %v", value, err)
	}
}

// While a writer waits for the sync of a value, readers of the value wait too.
func TestReaderWaitsForTheDisk(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s, reader := mustOpen(t, d), mustOpen(t, d)
	mustPut(t, s, "key", "old")
	if err := s.locked(t.Context(), func(g *generation) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return g.append([]record{{kind: put, key: "key", value: []byte("new")}})
	}); err != nil {
		t.Fatal(err)
	}
	if value, err := reader.Get("key"); string(value) != "new" || err != nil {
		t.Fatalf("Get: %q, %v", value, err)
	}
	after := mustOpen(t, d.loss(func() bool { return false }))
	if value, err := after.Get("key"); string(value) != "new" || err != nil {
		t.Errorf("a power loss has taken back what was read: %q, %v", value, err)
	}
}

// If a process dies after it has sealed the log and before it has renamed the new one,
// nobody appends to the sealed log. The next writer makes the new log. Readers go on
// meanwhile.
func TestSealWithoutSuccessor(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s, reader := mustOpen(t, d), mustOpen(t, d)
	mustPut(t, s, "a", "1")
	mustPut(t, s, "b", "1")
	if err := s.locked(t.Context(), func(g *generation) error { return g.seal() }); err != nil {
		t.Fatal(err)
	}
	size := len(d.names["store.1.log"].data)
	if value, err := reader.Get("a"); string(value) != "1" || err != nil {
		t.Errorf("Get: %q, %v", value, err)
	}
	sealed := d.names["store.1.log"]
	mustPut(t, mustOpen(t, d), "a", "2")
	if len(sealed.data) != size {
		t.Error("something was appended to a sealed log")
	}
	for name, s := range map[string]*Store{"the sealer": s, "a reader": reader} {
		for key, want := range map[string]string{"a": "2", "b": "1"} {
			if value, err := s.Get(key); string(value) != want || err != nil {
				t.Errorf("%s: %s is %q, %v, want %q", name, key, value, err, want)
			}
		}
	}
	mustPut(t, s, "b", "2")
	if value, err := reader.Get("b"); string(value) != "2" || err != nil {
		t.Errorf("Get: %q, %v", value, err)
	}
}

// If a process dies before it has synced the name of a new log, the next writer syncs it.
// Else a power loss could remove the new log and bring back the old one.
func TestNameIsMadeDurableByTheNextWriter(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := mustOpen(t, d)
	mustPut(t, s, "key", "1")
	dead := d.loss(func() bool { return true })
	g := mustOpen(t, dead)
	if err := g.compactNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The rename was done and not synced: the durable names are the old ones.
	mid := &disk{
		dir:   d.dir,
		names: map[string]*inode{"store.2.log": dead.names["store.2.log"]},
		kept:  map[string]*inode{"store.1.log": d.names["store.1.log"]},
		done:  map[string]int{},
	}
	mid.pending = append(mid.pending, func(names map[string]*inode) {
		clear(names)
		names["store.2.log"] = dead.names["store.2.log"]
	})
	mustPut(t, mustOpen(t, mid), "key", "2")
	after := mustOpen(t, mid.loss(func() bool { return false }))
	if value, err := after.Get("key"); string(value) != "2" || err != nil {
		t.Errorf("after the power loss: %q, %v", value, err)
	}
}

// A process that is killed during an append leaves a part of a record. Readers ignore it,
// and the next writer overwrites it.
func TestUnfinishedAppend(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s, other := mustOpen(t, d), mustOpen(t, d)
	mustPut(t, s, "a", "1")
	log := d.names["store.1.log"]
	whole, _ := appendRecord(nil, record{kind: put, version: 2, key: "b", value: make([]byte, 600)}, s.gen.salt, s.gen.log.end, s.gen.log.prev)
	for size := range len(whole) {
		log.data = append(log.data[:s.gen.log.end:s.gen.log.end], whole[:size]...)
		if keys, err := other.List(""); fmt.Sprint(keys) != "[a]" || err != nil {
			t.Fatalf("%d bytes: %q, %v", size, keys, err)
		}
	}
	mustPut(t, other, "c", "1")
	if keys, err := s.List(""); fmt.Sprint(keys) != "[a c]" || err != nil {
		t.Errorf("%q, %v", keys, err)
	}
	if report, err := s.Check(); err != nil || !report.OK() || report.Bytes != int64(len(log.data)) {
		t.Errorf("%+v of %d bytes, %v", report, len(log.data), err)
	}
}

// A process that has an old log open learns from the seal that there is a newer log. A
// missing name of the file is not enough: a backup by hard links gives it another name.
func TestLogWithASecondName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var stores [2]*Store
	for i := range stores {
		var err error
		if stores[i], err = Open(dir, Options{}); err != nil {
			t.Fatal(err)
		}
		mustPut(t, stores[i], "key", "old")
	}
	if err := os.Link(filepath.Join(dir, "store.1.log"), filepath.Join(t.TempDir(), "backup")); err != nil {
		t.Skip("no hard links here: ", err)
	}
	if err := stores[0].compactNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustPut(t, stores[1], "key", "new")
	for i, s := range stores {
		if value, err := s.Get("key"); string(value) != "new" || err != nil {
			t.Errorf("store %d: %q, %v", i, value, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A scan goes on in the file of the old log while the log is rewritten.
func TestScanOutlivesCompaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(dir, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		mustPut(t, s, fmt.Sprintf("%03d", i), strings.Repeat("x", 5000))
	}
	first := s.gen
	n := 0
	for e, err := range s.Scan("") {
		if err != nil || len(e.Value) != 5000 {
			t.Fatal(e.Key, err)
		}
		if n%10 == 0 {
			mustPut(t, s, e.Key, "overwritten")
			if err := s.compactNow(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		n++
	}
	if n != 100 {
		t.Errorf("%d keys", n)
	}
	if refs := first.refs.Load(); refs != 0 {
		t.Errorf("the first log is still held %d times", refs)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The space of overwritten values is reclaimed while others read and write.
func TestGrowthIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stores := make([]*Store, 2)
	for i := range stores {
		var err error
		if stores[i], err = Open(dir, Options{NoSync: true}); err != nil {
			t.Fatal(err)
		}
	}
	const size, keys = 10_000, 10
	largest := int64(0)
	for i := range 4000 { // 40 MB in all, 100 kB of them current
		s := stores[i%2]
		mustPut(t, s, fmt.Sprint(i%keys), strings.Repeat(fmt.Sprint(i%10), size))
		if value, err := stores[(i+1)%2].Get(fmt.Sprint(i % keys)); err != nil || value[0] != byte('0'+i%10) {
			t.Fatal(err)
		}
		s.mu.Lock()
		largest = max(largest, s.gen.log.end)
		busy := s.compact
		s.mu.Unlock()
		if busy {
			s.compacting.Wait() // how much is written during a compaction depends on the machine
		}
	}
	if stats, err := stores[0].Stats(); err != nil || stats.CompactDue {
		t.Errorf("after all of this: %+v, %v", stats, err)
	}
	if largest > 3*compactMin {
		t.Errorf("the log grew to %d bytes", largest)
	}
	for _, s := range stores {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 4 {
		t.Errorf("%v, %v", entries, err)
	}
}

func mustOpen(t *testing.T, d *disk) *Store {
	t.Helper()
	s, err := d.store(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func mustPut(t *testing.T, s *Store, key, value string) {
	t.Helper()
	if err := s.Put(key, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

// Files with a log's name that a newer program or somebody else has written.
func TestForeignLogs(t *testing.T) {
	t.Parallel()
	newer := header{generation: 1, initial: logStart}.encode()
	for _, b := range [][]byte{newer[:headerCopy], newer[headerCopy:]} {
		b[8] = format + 1
		sum := checksum(0, b[:60])
		b[60], b[61], b[62], b[63] = byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24)
	}
	for what, tt := range map[string]struct {
		data []byte
		want error
	}{"newer": {newer, ErrNewerFormat}, "foreign": {[]byte("Jan 1 00:00:00 started\n"), ErrCorrupt}, "empty": {nil, ErrCorrupt}} {
		dir := t.TempDir()
		path := filepath.Join(dir, "store.1.log")
		if err := os.WriteFile(path, tt.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", what, err, tt.want)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != string(tt.data) {
			t.Errorf("%s: the file was changed", what)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "store.1.log"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil {
		t.Error("a folder is taken for a log")
	}
}
