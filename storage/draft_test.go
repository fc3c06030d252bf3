package storage

import (
	"errors"
	"path/filepath"
	"testing"
)

// If a draft cannot be renamed, it is removed and its file closed.
func TestDraftThatCanNotBeRenamed(t *testing.T) {
	t.Parallel()
	failing := map[string]error{"rename store.1.log": errDisk}
	closed := 0
	s := openHooked(t, t.TempDir(), func(what string) error {
		if what == "close store.1.repair" {
			closed++
		}
		return failing[what]
	})
	if err := s.Put("key", nil); !errors.Is(err, errDisk) {
		t.Errorf("Put: %v, want %v", err, errDisk)
	}
	if names, err := filepath.Glob(filepath.Join(s.Dir(), "store.*")); len(names) > 0 || err != nil {
		t.Errorf("%q, %v", names, err)
	}
	if closed != 1 {
		t.Errorf("the file was closed %d times", closed)
	}
	failing = nil
	mustPut(t, s, "key", "")
}
