package storage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// litter appends what a killed writer may leave.
func litter(t *testing.T, dir string, size int) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "store.1.log"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// A writer may truncate an unfinished end after a reader has got the size, and before it
// reads.
func TestEndIsCutOffWhileItIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writer := openHooked(t, dir, unhooked)
	mustPut(t, writer, "key", "old")
	reads := -1
	reader := openHooked(t, dir, func(what string) error {
		if what != "read store.1.log" || reads < 0 {
			return nil
		}
		if reads++; reads == 1 {
			return writer.Put("key", []byte("new"))
		}
		if reads > 9 {
			return errDisk // else it would not end
		}
		return nil
	})
	litter(t, dir, 10_000)
	reads = 0
	if _, err := reader.Get("key"); err != nil {
		t.Fatal(err)
	}
	if value, err := reader.Get("key"); string(value) != "new" || err != nil {
		t.Errorf("%q, %v", value, err)
	}
}

// An unfinished end that cannot be decoded is not read completely with every Get.
func TestUnfinishedEndIsNotReadWhole(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]func(t *testing.T, s *Store){
		"no record": func(t *testing.T, s *Store) { litter(t, s.Dir(), 3*chunk) },
		"the beginning of a record": func(t *testing.T, s *Store) {
			mustPut(t, s, "long", strings.Repeat("v", 4*chunk))
			if err := s.gen.file.Truncate(s.gen.log.end - chunk); err != nil {
				t.Fatal(err)
			}
		},
	} {
		dir := t.TempDir()
		s, err := Open(dir, Options{NoSync: true}) // which writes no sync mark
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, "key", "value")
		end(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		reads := 0
		reader := openHooked(t, dir, func(what string) error {
			if what == "read store.1.log" {
				reads++
			}
			return nil
		})
		reads = 0
		if value, err := reader.Get("key"); string(value) != "value" || err != nil {
			t.Errorf("%s: %q, %v", what, value, err)
		}
		if reads > 3 { // the first chunk of the end, and once more to sync, and the value
			t.Errorf("%s: read %d times, want 3", what, reads)
		}
	}
}
