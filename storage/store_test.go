package storage_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/storage"
)

func open(t *testing.T, dir string, opts storage.Options) *storage.Store {
	t.Helper()
	s, err := storage.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestValues(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "store")
	s := open(t, dir, storage.Options{})
	if _, err := s.Get("run/1"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a key without a value: %v", err)
	}
	for _, key := range []string{"run/2", "run/1", "Run/1", "other"} {
		if err := s.Put(key, []byte("value of "+key)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Update(t.Context(), "run/1", func(old []byte) ([]byte, error) { return append(old, "!"...), nil }); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, storage.Options{ReadOnly: true})
	if value, err := again.Get("run/1"); string(value) != "value of run/1!" || err != nil {
		t.Errorf("got %q, %v", value, err)
	}
	keys, err := again.List("run/")
	if diff := cmp.Diff([]string{"run/1", "run/2"}, keys); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := again.Put("run/3", nil); !errors.Is(err, storage.ErrReadOnly) {
		t.Errorf("a write to a store that is read-only: %v", err)
	}
	if err := s.Delete("run/1"); err != nil {
		t.Error(err)
	}
	if err := s.Delete("run/1"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("deleting twice: %v", err)
	}
}

// An update that fails leaves the value.
func TestUpdateFails(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), storage.Options{})
	if err := s.Put("key", []byte("old")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	if err := s.Update(t.Context(), "key", func([]byte) ([]byte, error) { return []byte("new"), boom }); !errors.Is(err, boom) {
		t.Errorf("got %v, want %v", err, boom)
	}
	if value, err := s.Get("key"); string(value) != "old" || err != nil {
		t.Errorf("got %q, %v", value, err)
	}
}
