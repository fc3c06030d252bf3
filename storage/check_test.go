package storage

import (
	"errors"
	"testing"
)

// If the store is closed during Check, the error says so.
func TestCheckBesideClose(t *testing.T) {
	t.Parallel()
	var s *Store
	checks := false
	s = openHooked(t, t.TempDir(), func(what string) error {
		if checks && what == "open store.1.log" {
			return s.Close()
		}
		return nil
	})
	mustPut(t, s, "key", "value")
	checks = true
	if report, err := s.Check(); !errors.Is(err, ErrClosed) {
		t.Errorf("%+v, %v, want %v", report, err, ErrClosed)
	}
}
