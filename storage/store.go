// Package storage is a key-value store in a folder that processes share, and
// named locks between those processes. It knows nothing of specs.
//
// Each value is a file of its own, named after its key (key.go) and replaced as a
// whole: a reader sees the old value or the new one. Writers exclude one another
// (writelock.go); readers wait for nobody.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"chant/storage/atomicfile"
)

var (
	// ErrNotFound is returned for a key that has no value.
	ErrNotFound = errors.New("no such key")
	// ErrLocked is returned when a lock is not free in time.
	ErrLocked = errors.New("locked")
	// ErrReadOnly is returned for a write to a store that was opened read-only.
	ErrReadOnly = errors.New("the store is open for reading only")
	// ErrInvalidKey is returned for a key that is empty, is not UTF-8 or is too
	// long for a file name.
	ErrInvalidKey = errors.New("invalid key")
	// ErrNoLocks is returned on a file system that has no locks, where processes
	// can't share a store.
	ErrNoLocks = errors.New("the file system has no locks")
)

// Options change how a store is opened.
type Options struct {
	// ReadOnly makes a store that refuses every write with ErrReadOnly.
	ReadOnly bool
}

// Store keeps values by key. It is safe for concurrent use by goroutines, and
// several Stores and processes may share one folder.
type Store struct {
	dir  string
	opts Options
}

// Open gives the store in the folder dir. It writes nothing: the folder is made
// by the first write, and until then the store is empty.
func Open(dir string, opts Options) (*Store, error) {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", dir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening store: %w", err)
	}
	return &Store{dir: dir, opts: opts}, nil
}

// Close ends the use of the store.
func (s *Store) Close() error { return nil }

// Get gives the key's value, or ErrNotFound.
func (s *Store) Get(key string) ([]byte, error) {
	path, err := s.valuePath(key)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", key, err)
	}
	value, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", key, err)
	}
	return value, nil
}

// Put sets the key's value. It waits for other writers.
func (s *Store) Put(key string, value []byte) (err error) {
	path, err := s.valuePath(key)
	if err != nil {
		return fmt.Errorf("writing %q: %w", key, err)
	}
	release, err := s.alone(context.Background())
	if err != nil {
		return fmt.Errorf("writing %q: %w", key, err)
	}
	defer func() { err = errors.Join(err, release()) }()
	return put(path, key, value)
}

// put is for who has the store alone.
func put(path, key string, value []byte) error {
	if err := atomicfile.Write(path, value, 0o644); err != nil {
		return fmt.Errorf("writing %q: %w", key, err)
	}
	return nil
}

// Update sets the key's value to what f makes of the old one, which is nil where
// there is none. No other write of the store comes between: it waits for other
// writers until ctx ends, and f must not write to the store itself. An error of f
// leaves the old value and is returned.
func (s *Store) Update(ctx context.Context, key string, f func(old []byte) ([]byte, error)) (err error) {
	path, err := s.valuePath(key)
	if err != nil {
		return fmt.Errorf("updating %q: %w", key, err)
	}
	release, err := s.alone(ctx)
	if err != nil {
		return fmt.Errorf("updating %q: %w", key, err)
	}
	defer func() { err = errors.Join(err, release()) }()
	old, err := s.Get(key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	value, err := f(old)
	if err != nil {
		return fmt.Errorf("updating %q: %w", key, err)
	}
	return put(path, key, value)
}

// Delete removes the key. A key that has no value is ErrNotFound. It waits for
// other writers.
func (s *Store) Delete(key string) (err error) {
	path, err := s.valuePath(key)
	if err != nil {
		return fmt.Errorf("deleting %q: %w", key, err)
	}
	release, err := s.alone(context.Background())
	if err != nil {
		return fmt.Errorf("deleting %q: %w", key, err)
	}
	defer func() { err = errors.Join(err, release()) }()
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("deleting %q: %w", key, err)
	}
	return nil
}

// List gives the keys that begin with prefix, in order.
func (s *Store) List(prefix string) ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing keys: %w", err)
	}
	var keys []string
	for _, e := range entries {
		encoded, ok := strings.CutSuffix(e.Name(), valueSuffix)
		if !ok || !e.Type().IsRegular() {
			continue
		}
		if key, ok := decodeKey(encoded); ok && strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

func (s *Store) valuePath(key string) (string, error) {
	name, err := encodeKey(key)
	if err != nil {
		return "", err
	}
	return filepath.Join(s.dir, name+valueSuffix), nil
}
