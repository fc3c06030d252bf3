package storage_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"chant/storage"
)

// A fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// open opens a store for the test. At its end Close must succeed.
func open(t *testing.T, dir string) *storage.Store {
	t.Helper()
	s, err := storage.Open(dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t fataler, s *storage.Store, key, value string) {
	t.Helper()
	if err := s.Put(key, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func get(t fataler, s *storage.Store, key string) string {
	t.Helper()
	value, err := s.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

// contents returns all keys and values.
func contents(t fataler, s *storage.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for e, err := range s.Scan("") {
		if err != nil {
			t.Fatal(err)
		}
		all[e.Key] = string(e.Value)
	}
	return all
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// files returns the regular files under dir, by path.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for path, entry := range walk(t, dir) {
		if entry.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[path] = string(data)
		}
	}
	return all
}

func walk(t *testing.T, dir string) map[string]fs.DirEntry {
	t.Helper()
	all := map[string]fs.DirEntry{}
	if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		all[path] = entry
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
