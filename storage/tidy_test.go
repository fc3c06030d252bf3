package storage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A draft that a killed process has left is removed, and not the one that somebody
// begins in its place meanwhile.
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
