package storage

import (
	"errors"
	"testing"
)

// A batch sees its own changes, the last of each key.
func TestBatchSeesItself(t *testing.T) {
	t.Parallel()
	s := openHooked(t, t.TempDir(), unhooked)
	mustPut(t, s, "a", "0")
	want := map[string]string{"a": "0"}
	if err := s.Batch(t.Context(), func(tx *Tx) error {
		for _, change := range []struct {
			key, value string
			del        bool
		}{
			{"b", "1", false}, {"a", "", true}, {"b", "2", false}, {"a", "", true},
			{"a", "3", false}, {"c", "", true}, {"b", "", true}, {"c", "4", false},
		} {
			var err error
			if change.del {
				delete(want, change.key)
				err = tx.Delete(change.key)
			} else {
				want[change.key] = change.value
				err = tx.Put(change.key, []byte(change.value))
			}
			if err != nil {
				return err
			}
			for _, key := range []string{"a", "b", "c"} {
				value, err := tx.Get(key)
				if wanted, ok := want[key]; string(value) != wanted || errors.Is(err, ErrNotFound) == ok {
					t.Errorf("after %+v: %s is %q, %v, want %q", change, key, value, err, wanted)
				}
			}
		}
		if len(tx.changes) != 6 { // deleting a missing key adds nothing
			t.Errorf("%d changes, want 6", len(tx.changes))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b", "c"} {
		value, err := s.Get(key)
		if wanted, ok := want[key]; string(value) != wanted || errors.Is(err, ErrNotFound) == ok {
			t.Errorf("%s is %q, %v, want %q", key, value, err, wanted)
		}
	}
}

// Delete does not read the value.
func TestDeleteReadsNoValue(t *testing.T) {
	t.Parallel()
	reads := 0
	s := openHooked(t, t.TempDir(), func(what string) error {
		if what == "read store.1.log" {
			reads++
		}
		return nil
	})
	mustPut(t, s, "key", "value")
	mustPut(t, s, "other", "value") // else "key" would be in the remembered piece
	reads = 0
	if err := s.Delete("key"); err != nil || reads > 0 {
		t.Errorf("%v; read %d times", err, reads)
	}
}
