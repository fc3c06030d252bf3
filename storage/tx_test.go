package storage_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/storage"
)

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
		old[0] = 'x' // f may change it
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

// A panic in the function releases the lock.
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
			err = errors.Join(tx.Put("a", append(value, '+')), tx.Delete("b"), tx.Delete("none"),
				tx.Put("c", nil), tx.Put("d", nil), tx.Delete("d"))
			if err != nil {
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
