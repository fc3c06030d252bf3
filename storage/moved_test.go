package storage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// As long as there is no log, a store uses the folder that currently has its name. A
// writer that holds the lock of the folder that had the name before must not write.
func TestMovedBeforeTheFirstWrite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	first := map[string]error{"open store.1.repair": errDisk}
	s := openHooked(t, dir, func(what string) error { return first[what] })
	if err := s.Put("a", nil); !errors.Is(err, errDisk) {
		t.Fatalf("Put: %v, want %v", err, errDisk)
	}
	first = nil
	if err := os.Rename(dir, dir+"2"); err != nil {
		t.Fatal(err)
	}
	other := openHooked(t, dir, unhooked)
	if err := other.Update(t.Context(), "b", func([]byte) ([]byte, error) {
		if err := s.Put("a", nil); !errors.Is(err, ErrRemoved) {
			t.Errorf("with the lock of the folder that was moved: %v, want %v", err, ErrRemoved)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Update(ended, "a", nil); !errors.Is(err, ErrLocked) {
			t.Errorf("again: %v, want %v", err, ErrLocked)
		}
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "a", "")
	if keys, err := other.List(""); len(keys) != 2 || err != nil {
		t.Errorf("%q, %v", keys, err)
	}
}
