package storage_test

import (
	"context"
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
	"pgregory.net/rapid"

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

// Whatever file systems make of such names, keys are kept apart byte for byte.
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

func TestUpdate(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var seen []string
	for _, value := range []string{"1", "2"} {
		err := s.Update(t.Context(), "key", func(old []byte) ([]byte, error) {
			seen = append(seen, string(old))
			if len(seen) == 1 && old != nil {
				t.Errorf("an absent value is %q, want nil", old)
			}
			return []byte(value), nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"", "1"}, seen); diff != "" {
		t.Errorf("old values (-want +got):\n%s", diff)
	}
	mine := errors.New("mine")
	err := s.Update(t.Context(), "key", func(old []byte) ([]byte, error) {
		old[0] = 'x' // it is f's own
		return old, mine
	})
	if !errors.Is(err, mine) {
		t.Errorf("Update: %v, want f's error", err)
	}
	if got := get(t, s, "key"); got != "2" {
		t.Errorf("the value is %s, want 2", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Update(ctx, "key", func(old []byte) ([]byte, error) { return nil, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update: %v, want %v", err, context.Canceled)
	}
}

// A panic in the function gives the lock back.
func TestUpdatePanics(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		s.Update(t.Context(), "key", func([]byte) ([]byte, error) { panic("mine") })
	}()
	put(t, s, "key", "1")
}

func TestPutIf(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	first, err := s.PutIf("key", []byte("1"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := s.Entry("key"); err != nil || cmp.Diff(storage.Entry{Key: "key", Value: []byte("1"), Version: first}, e) != "" {
		t.Errorf("Entry: %+v, %v", e, err)
	}
	second, err := s.PutIf("key", []byte("2"), first)
	if err != nil || second <= first {
		t.Fatalf("PutIf: %d, %v, want more than %d", second, err, first)
	}
	for _, stale := range []storage.Version{0, first, second + 1} {
		_, err := s.PutIf("key", []byte("3"), stale)
		if conflict, ok := errors.AsType[*storage.ConflictError](err); !ok || conflict.Have != second || !errors.Is(err, storage.ErrConflict) {
			t.Errorf("PutIf(%d): %v, want a conflict with %d", stale, err, second)
		}
	}
	if err := s.Delete("key"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutIf("key", []byte("3"), second); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("PutIf after Delete: %v, want a conflict", err)
	}
	third, err := s.PutIf("key", []byte("3"), 0)
	if err != nil || third <= second {
		t.Errorf("PutIf: %d, %v, want more than %d", third, err, second)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "a", "1")
	put(t, s, "b", "1")
	mine := errors.New("mine")
	change := func(result error) func(tx *storage.Tx) error {
		return func(tx *storage.Tx) error {
			value, err := tx.Get("a")
			if err != nil {
				return err
			}
			if err := errors.Join(tx.Put("a", append(value, '+')), tx.Delete("b"), tx.Delete("none"), tx.Put("c", nil), tx.Put("d", nil), tx.Delete("d")); err != nil {
				return err
			}
			if value, err := tx.Get("a"); string(value) != "1+" || err != nil {
				t.Errorf("the batch sees %q, %v of its own", value, err)
			}
			for _, key := range []string{"b", "d", "e"} {
				if _, err := tx.Get(key); !errors.Is(err, storage.ErrNotFound) {
					t.Errorf("the batch sees %v of %s", err, key)
				}
			}
			if got := get(t, s, "a"); got != "1" {
				t.Errorf("others see %q of the batch", got)
			}
			return result
		}
	}
	if err := s.Batch(t.Context(), change(mine)); !errors.Is(err, mine) {
		t.Errorf("Batch: %v, want f's error", err)
	}
	if got := contents(t, s); cmp.Diff(map[string]string{"a": "1", "b": "1"}, got) != "" {
		t.Errorf("after a failed batch there is %v", got)
	}
	if err := s.Batch(t.Context(), change(nil)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*storage.Store{s, open(t, dir)} {
		if diff := cmp.Diff(map[string]string{"a": "1+", "c": ""}, contents(t, s)); diff != "" {
			t.Errorf("after the batch (-want +got):\n%s", diff)
		}
	}
}

func TestBatchTooLarge(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	value := make([]byte, storage.MaxValue/2)
	err := s.Batch(t.Context(), func(tx *storage.Tx) error {
		for {
			if err := tx.Put("key", value); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, storage.ErrTooLarge) {
		t.Errorf("Batch: %v, want %v", err, storage.ErrTooLarge)
	}
	if got := contents(t, s); len(got) > 0 {
		t.Errorf("there is %v", got)
	}
}

// A scan shows one instant, whatever is written while it goes on.
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
		break // what is left open would be found by Close
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

// As long as there is no log every reader looks for the folder anew, also while
// the first writer makes it.
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

// Two stores on one folder behave like one map, across compactions too.
func TestStoreIsAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "storage") //nolint:usetesting // one folder a case, and rapid's T gives none
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		stores := make([]*storage.Store, 2)
		for i := range stores {
			if stores[i], err = storage.Open(dir, storage.Options{NoSync: true}); err != nil {
				t.Fatal(err)
			}
			defer stores[i].Close()
		}
		model := map[string]string{}
		var last storage.Version
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			s := stores[rapid.IntRange(0, 1).Draw(t, "store")]
			key := rapid.SampledFrom([]string{"a", "A", "b", "b/c", "é"}).Draw(t, "key")
			value := rapid.StringN(0, 20, -1).Draw(t, "value")
			switch rapid.SampledFrom([]string{"put", "update", "delete", "batch", "compact"}).Draw(t, "call") {
			case "put":
				put(t, s, key, value)
				model[key] = value
				e, err := s.Entry(key)
				if err != nil || e.Version <= last {
					t.Fatalf("version %d after %d, %v", e.Version, last, err)
				}
				last = e.Version
			case "update":
				if err := s.Update(context.Background(), key, func(old []byte) ([]byte, error) {
					if want, had := model[key]; had != (old != nil) || want != string(old) {
						t.Fatalf("%q was %q, want %q", key, old, want)
					}
					return []byte(value), nil
				}); err != nil {
					t.Fatal(err)
				}
				model[key] = value
			case "delete":
				if err := s.Delete(key); err != nil {
					t.Fatal(err)
				}
				delete(model, key)
			case "batch":
				if err := s.Batch(context.Background(), func(tx *storage.Tx) error {
					return errors.Join(tx.Put(key, []byte(value)), tx.Delete("b"), tx.Put("c", []byte(value)))
				}); err != nil {
					t.Fatal(err)
				}
				model[key] = value
				delete(model, "b")
				model["c"] = value
			case "compact":
				if err := storage.Compact(s); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range stores {
				if diff := cmp.Diff(model, contents(t, s)); diff != "" {
					t.Fatalf("contents (-want +got):\n%s", diff)
				}
			}
		}
		report, err := stores[0].Check()
		if err != nil || !report.OK() || report.Keys != len(model) {
			t.Fatalf("Check: %+v, %v", report, err)
		}
	})
}

// The figures are those that Check finds, and cost no look at the values.
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
	// No version is given again, also that of a key that is gone.
	want.File, want.Generation = "store.2.log", 2
	check("rewritten")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stats(); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Stats: %v, want %v", err, storage.ErrClosed)
	}
}

// A fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// open opens a store until the test ends, with a Close that must find nothing wrong.
func open(t *testing.T, dir string) *storage.Store {
	t.Helper()
	s, err := storage.Open(dir, storage.Options{})
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

func put(t fataler, s *storage.Store, key, value string) {
	t.Helper()
	if err := s.Put(key, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func get(t fataler, s *storage.Store, key string) string {
	t.Helper()
	value, err := s.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

// contents reads everything.
func contents(t fataler, s *storage.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for e, err := range s.Scan("") {
		if err != nil {
			t.Fatal(err)
		}
		all[e.Key] = string(e.Value)
	}
	return all
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// files gives what is in a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for path, entry := range walk(t, dir) {
		if entry.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[path] = string(data)
		}
	}
	return all
}

func walk(t *testing.T, dir string) map[string]fs.DirEntry {
	t.Helper()
	all := map[string]fs.DirEntry{}
	if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		all[path] = entry
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
