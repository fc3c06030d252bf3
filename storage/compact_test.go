package storage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The log's growth is bounded even if every program opens the store for one write only,
// because Close waits for a compaction.
func TestGrowthIsBoundedForShortLives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	largest := int64(0)
	for range 80 { // 40 MB in all, of which half of one stays
		s, err := Open(dir, Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, "key", strings.Repeat("x", 500_000))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		n, err := newest(mustOpenFolder(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, logName(n)))
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	if largest > 3*compactMin {
		t.Errorf("the log grew to %d bytes", largest)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 4 {
		t.Errorf("%v, %v", entries, err)
	}
}

func mustOpenFolder(t *testing.T, dir string) folder {
	t.Helper()
	f, err := openDiskFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.close() })
	return f
}

// observed is a folder that reports when a draft is synced for the first time: all
// current records have been copied by then.
type observed struct {
	folder
	copied func()
}

type observedFile struct {
	file
	copied func()
}

func (f observed) open(name string, how access) (file, error) {
	opened, err := f.folder.open(name, how)
	if err == nil && strings.HasSuffix(name, draftSuffix) {
		opened = &observedFile{opened, f.copied}
	}
	return opened, err
}

func (f *observedFile) sync() error {
	if f.copied != nil {
		f.copied()
		f.copied = nil
	}
	return f.file.sync()
}

// Other processes, and goroutines of the process that compacts, read and write meanwhile.
// What they write is in the new log.
func TestWritersGoOnBesideARewriting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other, err := Open(dir, Options{LockTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var s *Store
	meanwhile := 0
	s, err = openStore(dir, Options{LockTimeout: time.Minute}, func(dir string) (folder, error) {
		f, err := openDiskFolder(dir)
		return observed{f, func() {
			for _, one := range []*Store{s, other} {
				mustPut(t, one, "key", "new")
				mustPut(t, one, "more", "1")
				if err := one.Delete("gone"); err != nil {
					t.Error(err)
				}
				if value, err := one.Get("kept"); string(value) != "1" || err != nil {
					t.Errorf("Get: %q, %v", value, err)
				}
				meanwhile++
			}
		}}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"key", "kept", "gone"} {
		mustPut(t, s, key, "1")
	}
	if err := s.compactNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if meanwhile != 2 || s.gen.generation != 2 {
		t.Errorf("%d stores wrote meanwhile; generation %d", meanwhile, s.gen.generation)
	}
	for _, one := range []*Store{s, other} {
		got := ""
		for e, err := range one.Scan("") {
			if err != nil {
				t.Fatal(err)
			}
			got += e.Key + "=" + string(e.Value) + ";"
		}
		if got != "kept=1;key=new;more=1;" {
			t.Errorf("there is %s", got)
		}
		if err := one.Close(); err != nil {
			t.Error(err)
		}
	}
}

// If another process holds the lock, Close does not wait for it to compact: a later write
// compacts.
func TestCloseDoesNotWaitToRewrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other, err := Open(dir, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, Options{NoSync: true, LockTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "key", "1")
	if err := other.Update(t.Context(), "other", func([]byte) ([]byte, error) {
		s.mu.Lock()
		s.beginCompaction()
		s.mu.Unlock()
		return nil, s.Close()
	}); err != nil {
		t.Fatal(err)
	}
	if report, err := other.Check(); err != nil || !report.OK() || report.Generation != 1 {
		t.Errorf("Check: %+v, %v", report, err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}
