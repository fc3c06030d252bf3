package storage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// The draft of a killed process is removed. A draft that another process is writing is
// not.
func TestTidyLeavesADraftAtWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := openHooked(t, dir, unhooked)
	mustPut(t, other, "key", "value")
	draft := filepath.Join(dir, generationName(2, draftSuffix))
	if err := os.WriteFile(draft, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	removed := 0
	s := openHooked(t, dir, func(what string) error {
		if what == "remove store.2.draft" {
			removed++
			free, release, err := lockCompaction(other.folder)
			if free {
				t.Error("another may compact while its draft is removed")
				err = release()
			}
			return err
		}
		return nil
	})
	mustPut(t, s, "key", "new")
	if _, err := os.Stat(draft); !errors.Is(err, fs.ErrNotExist) || removed != 1 {
		t.Errorf("removed %d times: %v", removed, err)
	}

	if err := os.WriteFile(draft, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, release, err := lockCompaction(other.folder)
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, openHooked(t, dir, unhooked), "key", "newer")
	if _, err := os.Stat(draft); err != nil {
		t.Errorf("a draft at work: %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

// Files that are not from the store are not removed.
func TestTidyLeavesForeignFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := []string{"README.md", "key.json", "store.log", "store.01.log", "store.0.log.bak", ".store.1.mark"}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("foreign"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustPut(t, openHooked(t, dir, unhooked), "key", "value")
	for _, name := range names {
		if data, err := os.ReadFile(filepath.Join(dir, name)); string(data) != "foreign" || err != nil {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}
