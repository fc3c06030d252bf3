package storage

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// watchStep is how often a watch looks for changes by other processes. To look
// costs about a microsecond.
const watchStep = 20 * time.Millisecond

// Change is a change of one key. A key that was deleted has neither value nor
// version.
type Change struct {
	Entry
	Deleted bool
}

// Watch gives the changes of keys that begin with prefix, by whatever process,
// from the call of Watch on, until ctx ends; it then ends without an error. What
// it gives leads to what the store holds: a key that changes several times at
// once may come but once, with its last value. Changes of values come in the
// order of their versions, after what was deleted. An error about the value of
// one key comes with that key, and the watch goes on; any other one ends it.
func (s *Store) Watch(ctx context.Context, prefix string) iter.Seq2[Change, error] {
	seen, err := s.versions(prefix)
	return func(yield func(Change, error) bool) {
		step := time.NewTicker(watchStep)
		defer step.Stop()
		for err == nil {
			select {
			case <-ctx.Done():
				return
			case <-step.C:
			}
			var goOn bool
			if goOn, err = s.yieldChanges(prefix, seen, yield); !goOn && err == nil {
				return
			}
		}
		yield(Change{}, err)
	}
}

func (s *Store) versions(prefix string) (*watched, error) {
	w := &watched{versions: map[string]Version{}}
	g, err := s.look(func(log *replay) int64 {
		for _, key := range s.keys(prefix) {
			w.versions[key] = log.entries[key].version
		}
		w.at = place{s.gen, log.end}
		return log.end
	})
	if err != nil {
		return nil, err
	}
	return w, g.release()
}

// watched is what a watch has told of.
type watched struct {
	versions map[string]Version
	at       place
}

type place struct {
	gen *generation
	end int64
}

// yieldChanges tells what differs from what was told so far.
func (s *Store) yieldChanges(prefix string, w *watched, yield func(Change, error) bool) (goOn bool, err error) {
	var gone []string
	var changed []located
	var damaged map[string]error
	g, err := s.look(func(log *replay) int64 {
		if now := (place{s.gen, log.end}); now != w.at {
			w.at = now
			gone, changed, damaged = w.compare(log, s.keys(prefix))
		}
		return log.end
	})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, g.release()) }()
	for _, key := range gone {
		if !yield(Change{Entry: Entry{Key: key}, Deleted: true}, nil) {
			return false, nil
		}
	}
	return g.yield(changed, damaged, func(e Entry, err error) bool { return yield(Change{Entry: e}, err) }), nil
}

// compare takes over how things are, and gives what that has changed.
func (w *watched) compare(log *replay, keys []string) (gone []string, changed []located, damaged map[string]error) {
	entries, damaged := log.locate(keys)
	now := make(map[string]Version, len(entries))
	for _, e := range entries {
		now[e.key] = e.version
		if w.versions[e.key] != e.version {
			changed = append(changed, e)
		}
	}
	for key := range w.versions {
		if _, ok := now[key]; !ok {
			gone = append(gone, key)
		}
	}
	slices.Sort(gone)
	slices.SortFunc(changed, func(a, b located) int { return cmp.Compare(a.version, b.version) })
	w.versions = now
	return gone, changed, damaged
}
