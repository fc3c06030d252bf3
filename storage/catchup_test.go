package storage

import (
	"os"
	"path/filepath"
	"testing"
)

// litter appends what a writer may leave that was killed.
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

// A writer may cut off an unfinished end between a reader's look at the size and
// its reading.
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
			return errDisk // it would go on for ever
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
