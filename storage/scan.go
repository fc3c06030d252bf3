package storage

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sort"
	"strings"
)

// List returns the keys that begin with prefix at one moment, sorted by their bytes. Keys
// with damaged values are included. If damage may hide keys, List returns the other
// keys and an ErrCorrupt.
func (s *Store) List(prefix string) ([]string, error) {
	var keys []string
	var hidden error
	g, err := s.view(func(log *replay) int64 {
		keys, hidden = slices.Clone(s.keys(prefix)), log.hidden()
		return log.end
	})
	if err == nil {
		err = errors.Join(hidden, g.release())
	}
	if err != nil {
		return keys, fmt.Errorf("listing keys: %w", err)
	}
	return keys, nil
}

// Scan yields the entries whose keys begin with prefix, sorted by their bytes, as they are
// when the loop begins; later writes do not change them. An error about one key comes
// with that key, and the scan goes on. If damage may hide keys, the scan ends with an
// ErrCorrupt.
func (s *Store) Scan(prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		whole, err := s.scan(prefix, yield)
		if whole && err != nil { // after a break in the loop nothing may be yielded
			yield(Entry{}, fmt.Errorf("scanning keys: %w", err))
		}
	}
}

func (s *Store) scan(prefix string, yield func(Entry, error) bool) (whole bool, err error) {
	var entries []located
	damaged := map[string]error{}
	var hidden error
	g, err := s.view(func(log *replay) int64 {
		for _, key := range s.keys(prefix) {
			e, _, err := log.find(key)
			entries = append(entries, located{key, e})
			if err != nil {
				damaged[key] = err
			}
		}
		hidden = log.hidden()
		return log.end
	})
	if err != nil {
		return true, err
	}
	defer func() { err = errors.Join(err, g.release()) }()
	for _, e := range entries {
		err := damaged[e.key]
		var value []byte
		if err == nil {
			value, err = g.value(e.key, e.entry)
		}
		if err != nil {
			err = fmt.Errorf("reading key %q: %w", e.key, err)
		}
		if !yield(Entry{Key: e.key, Value: value, Version: e.version}, err) {
			return false, nil
		}
	}
	return true, hidden
}

// keys returns the keys that begin with prefix. The caller holds s.mu, and may use the
// result only until it releases s.mu.
func (s *Store) keys(prefix string) []string {
	log := s.gen.log
	if s.sorted == nil || s.changes != log.changes {
		s.sorted = slices.SortedFunc(maps.Keys(log.entries), strings.Compare)
		s.changes = log.changes
	}
	from := sort.SearchStrings(s.sorted, prefix)
	rest := s.sorted[from:]
	n := sort.Search(len(rest), func(i int) bool { return !strings.HasPrefix(rest[i], prefix) })
	return rest[:n:n]
}

// hidden returns an error if damage may hide keys.
func (r *replay) hidden() error {
	if r.suspectBefore == 0 && len(r.lost) == 0 {
		return nil
	}
	return &CorruptError{File: r.file, Offset: r.problems[0].Offset, What: "records whose keys are unknown"}
}
