package storage_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/storage"
)

func TestOpenWritesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "yet")
	s := open(t, dir)
	if _, err := s.Get("key"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Get: %v, want %v", err, storage.ErrNotFound)
	}
	if keys, err := s.List(""); len(keys) > 0 || err != nil {
		t.Errorf("List: %q, %v, want none", keys, err)
	}
	if report, err := s.Check(); report.Keys != 0 || !report.OK() || err != nil {
		t.Errorf("Check: %+v, %v", report, err)
	}
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
	if err := s.Delete("key"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	put(t, s, "key", "1")
	if got := get(t, open(t, dir), "key"); got != "1" {
		t.Errorf("another store on the folder reads %q", got)
	}
}

func TestOpenRefusesAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	writeFile(t, path, "")
	if _, err := storage.Open(path, storage.Options{}); err == nil {
		t.Error("Open took a file for a folder")
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writer := open(t, dir)
	put(t, writer, "key", "1")
	before := files(t, dir)
	s, err := storage.Open(dir, storage.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, putIf := s.PutIf("key", nil, 1)
	_, repair := s.Repair(t.Context())
	for call, err := range map[string]error{
		"Put": s.Put("key", nil), "PutIf": putIf, "Delete": s.Delete("key"), "Repair": repair,
		"Update": s.Update(t.Context(), "key", func([]byte) ([]byte, error) { return nil, nil }),
		"Batch":  s.Batch(t.Context(), func(*storage.Tx) error { return nil }),
	} {
		if !errors.Is(err, storage.ErrReadOnly) {
			t.Errorf("%s: %v, want %v", call, err, storage.ErrReadOnly)
		}
	}
	if got := get(t, s, "key"); got != "1" {
		t.Errorf("the value is %q", got)
	}
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
	put(t, writer, "key", "2")
	if got := get(t, s, "key"); got != "2" {
		t.Errorf("after a write by another the value is %q", got)
	}
}

func TestInvalidKeys(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	keep := func(old []byte) ([]byte, error) {
		t.Error("f was called")
		return old, nil
	}
	for _, key := range []string{"", "\xff", "a\xc3", strings.Repeat("a", storage.MaxKey+1)} {
		_, getErr := s.Get(key)
		_, putIf := s.PutIf(key, nil, 0)
		for call, err := range map[string]error{
			"Get": getErr, "Put": s.Put(key, nil), "PutIf": putIf, "Delete": s.Delete(key),
			"Update": s.Update(t.Context(), key, keep),
			"Batch":  s.Batch(t.Context(), func(tx *storage.Tx) error { return tx.Put(key, nil) }),
		} {
			if !errors.Is(err, storage.ErrInvalidKey) {
				t.Errorf("%s(%.20q): %v, want %v", call, key, err, storage.ErrInvalidKey)
			}
			if tooLarge := len(key) > storage.MaxKey; errors.Is(err, storage.ErrTooLarge) != tooLarge {
				t.Errorf("%s(%.20q): %v; is it ErrTooLarge? want %t", call, key, err, tooLarge)
			}
		}
	}
}

// Keys differ if their bytes differ, also if a file system would treat them as equal.
func TestOddKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	odd := []string{
		"a", "A", "\u00e9", "e\u0301", "..", "/", "a/../b", "a\x00", "\x00", "CON", "con", "nul.txt", "dot.", "dot", " ", "\n", "%2f", "%61",
		"store.1.log", "lock", strings.Repeat("k", storage.MaxKey), "\U0010ffff",
	}
	for i := range 3000 {
		odd = append(odd, fmt.Sprintf("%s/%d", strings.Repeat("shared", i%7), i))
	}
	err := s.Batch(t.Context(), func(tx *storage.Tx) error {
		for _, key := range odd {
			if err := tx.Put(key, []byte("value of "+key)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*storage.Store{s, open(t, dir)} {
		keys, err := s.List("")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(odd)), keys); diff != "" {
			t.Fatalf("keys (-want +got):\n%s", diff)
		}
		for _, key := range odd {
			if got := get(t, s, key); got != "value of "+key {
				t.Errorf("%q holds %q", key, got)
			}
		}
	}
}

func TestValuesOfAnySize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := storage.Open(dir, storage.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, size := range []int{0, 1, 4095, 1 << 20, 1<<20 + 1, 5 << 20, storage.MaxValue} {
		want := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		put(t, s, "key", want)
		again := open(t, dir)
		if got := get(t, again, "key"); got != want {
			t.Errorf("%d bytes come back as %d", size, len(got))
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.Put("key", make([]byte, storage.MaxValue+1)); !errors.Is(err, storage.ErrTooLarge) {
		t.Errorf("Put: %v, want %v", err, storage.ErrTooLarge)
	}
	value, err := s.Get("empty")
	if err == nil || value != nil {
		t.Errorf("an absent value is %v, %v", value, err)
	}
	put(t, s, "empty", "")
	if value, err = s.Get("empty"); value == nil || err != nil {
		t.Errorf("an empty value is %v, %v", value, err)
	}
}

// A scan shows the store at one moment, also if it is written meanwhile.
func TestScan(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for _, key := range []string{"b/2", "a", "b/1", "c"} {
		put(t, s, key, "old")
	}
	var got []string
	for e, err := range s.Scan("b/") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Key+"="+string(e.Value))
		if err := s.Batch(t.Context(), func(tx *storage.Tx) error {
			return errors.Join(tx.Put("b/1", []byte("new")), tx.Put("b/2", []byte("new")), tx.Put("b/3", []byte("new")))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"b/1=old", "b/2=old"}, got); diff != "" {
		t.Errorf("scan (-want +got):\n%s", diff)
	}
	for range s.Scan("") {
		break // Close would find what is left open
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	put(t, s, "key", "1")
	scan := s.Scan("")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, get := s.Get("key")
	_, list := s.List("")
	_, check := s.Check()
	calls := map[string]error{"Get": get, "List": list, "Check": check, "Put": s.Put("key", nil)}
	for _, err := range scan {
		calls["Scan"] = err
	}
	if len(calls) != 5 {
		t.Errorf("%d calls were made", len(calls))
	}
	for call, err := range calls {
		if !errors.Is(err, storage.ErrClosed) {
			t.Errorf("%s: %v, want %v", call, err, storage.ErrClosed)
		}
	}
}

func TestClosedUnderUse(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for {
				err := s.Put(fmt.Sprint(i), []byte("value"))
				if err == nil {
					_, err = s.Get(fmt.Sprint(i))
				}
				if errors.Is(err, storage.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for !strings.Contains(fmt.Sprint(contents(t, s)), "0:value") {
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	group.Wait()
}

// As long as there is no log, every reader looks for the folder again, also while the
// first writer creates it.
func TestFirstWriteUnderReaders(t *testing.T) {
	t.Parallel()
	for range 100 {
		s := open(t, t.TempDir())
		var readers sync.WaitGroup
		written := make(chan struct{})
		for range 4 {
			readers.Go(func() {
				for {
					if _, err := s.Get("key"); err != nil && !errors.Is(err, storage.ErrNotFound) {
						t.Error(err)
						return
					}
					select {
					case <-written:
						return
					default:
					}
				}
			})
		}
		put(t, s, "key", "value")
		close(written)
		readers.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Stats returns the same figures as Check.
func TestStats(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, reader := open(t, dir), open(t, dir)
	if stats, err := s.Stats(); stats != (storage.Stats{}) || err != nil {
		t.Errorf("without a store there are %+v, %v", stats, err)
	}
	for i := range 3 {
		put(t, s, "key", strings.Repeat("x", 1000*(i+1)))
	}
	put(t, s, "gone", "")
	if err := s.Delete("gone"); err != nil {
		t.Fatal(err)
	}
	want := storage.Stats{Format: 1, File: "store.1.log", Generation: 1, Keys: 1, Version: 5}
	check := func(what string) {
		t.Helper()
		report, err := reader.Check()
		if err != nil {
			t.Fatal(err)
		}
		got, err := reader.Stats()
		if err != nil || got != report.Stats {
			t.Errorf("%s: %+v, %v, and Check finds %+v", what, got, err, report.Stats)
		}
		info, err := os.Stat(filepath.Join(dir, want.File))
		if err != nil || got.Bytes != info.Size() || got.OnDisk != got.Bytes || got.Current <= 3000 || got.Current > 3100 {
			t.Errorf("%s: %+v of %d bytes, %v", what, got, info.Size(), err)
		}
		got.Bytes, got.Current, got.OnDisk = 0, 0, 0
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: stats (-want +got):\n%s", what, diff)
		}
	}
	check("overwritten")
	if err := storage.Compact(s); err != nil {
		t.Fatal(err)
	}
	// No version is used again, not even that of a deleted key.
	want.File, want.Generation = "store.2.log", 2
	check("rewritten")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stats(); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Stats: %v, want %v", err, storage.ErrClosed)
	}
}
