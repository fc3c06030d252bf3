package storage

import (
	"errors"
	"syscall"
	"testing"
)

// If Repair fails, the store stays as it was: it still refuses to read what a failed sync
// may have lost, and to write.
func TestRepairFails(t *testing.T) {
	t.Parallel()
	var failing map[string]error
	s := openHooked(t, t.TempDir(), func(what string) error { return failing[what] })
	mustPut(t, s, "key", "old")
	// The sync mark is on the same disk, so recording the failure may fail too.
	failing = map[string]error{"sync store.1.log": errDisk, "write store.1.mark": errDisk}
	if err := s.Put("key", []byte("new")); !errors.Is(err, ErrSync) {
		t.Fatalf("Put: %v, want %v", err, ErrSync)
	}
	failing = map[string]error{"open store.1.damaged": syscall.ENOSPC}
	if _, err := s.Repair(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Repair: %v, want %v", err, syscall.ENOSPC)
	}
	if value, err := s.Get("key"); !errors.Is(err, ErrSync) {
		t.Errorf("Get: %q, %v, want %v", value, err, ErrSync)
	}
	if err := s.Put("key", nil); !errors.Is(err, ErrSync) {
		t.Errorf("Put: %v, want %v", err, ErrSync)
	}
	failing = nil
	if report, err := s.Repair(t.Context()); !report.SyncFailed || err != nil {
		t.Errorf("Repair: %+v, %v", report, err)
	}
	if value, err := s.Get("key"); string(value) != "old" || err != nil {
		t.Errorf("Get: %q, %v", value, err)
	}
	mustPut(t, s, "key", "new")
}
