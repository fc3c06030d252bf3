package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
)

// A log is rewritten when it is larger than compactMin, and more than compactShare times
// as large as its current records. With a larger compactMin, writers wait less often for
// the syncs of a compaction, and a program that opens the store has to read more.
const (
	compactMin   = 8 << 20
	compactShare = 2

	lastCopy  = 256 << 10 // take the lock when less than this is left to copy,
	maxCopies = 8         // or after so many rounds
)

// compactIfDue begins a compaction if the log has grown enough. After a failed compaction
// there is no other one, and Close returns its error.
func (s *Store) compactIfDue(g *generation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.compactDue() && g == s.gen && len(g.log.problems) == 0 && !s.closed && !s.compact && s.compactErr == nil {
		s.beginCompaction()
	}
}

// beginCompaction compacts in the background. The caller holds s.mu.
func (s *Store) beginCompaction() {
	s.compact = true
	s.compacting.Go(func() {
		err := s.compactNow(context.Background())
		if errors.Is(err, ErrClosed) || errors.Is(err, ErrLocked) {
			err = nil // a later write tries again
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.compact, s.compactErr = false, err
	})
}

// compactDue reports whether the log has grown enough to be rewritten.
func (g *generation) compactDue() bool {
	return g.log.end > compactMin && g.log.end > compactShare*g.log.live
}

// compactNow rewrites the log. Readers and writers go on meanwhile, except for the last
// step. If another process compacts already, it returns at once.
func (s *Store) compactNow(ctx context.Context) (err error) {
	g, err := s.view(func(log *replay) int64 { return log.end })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.release()) }()
	if g.generation == 0 {
		return nil
	}
	free, release, err := lockCompaction(s.folder)
	if err != nil || !free {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	err = writeDraft(s.folder, g.generation+1, draftSuffix, func(d *draft) error { return s.fill(ctx, d, g) })
	if err != nil {
		return fmt.Errorf("rewriting the log: %w", err)
	}
	return nil
}

const compactLockName = "compact"

// lockCompaction takes the lock for compacting. It is not free if another process
// compacts.
func lockCompaction(f folder) (free bool, release func() error, err error) {
	lock, err := f.open(compactLockName, creating)
	if err != nil {
		return false, nil, err
	}
	err = lock.lock(syscall.LOCK_EX | syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil, lock.Close()
	}
	if err != nil {
		return false, nil, errors.Join(err, lock.Close())
	}
	return true, func() error { return errors.Join(unlock(lock), lock.Close()) }, nil
}

// fill copies the current records of g, and then the records that were appended
// meanwhile. At last it takes the lock, copies the few records that are left, and
// replaces g by the draft.
func (s *Store) fill(ctx context.Context, d *draft, g *generation) error {
	s.mu.Lock()
	current, copied := g.log.current(), g.log.end
	s.mu.Unlock()
	if err := d.copyValues(g, current); err != nil {
		return err
	}
	for range maxCopies {
		s.mu.Lock()
		end := g.log.end
		s.mu.Unlock()
		if err := d.copyRecords(g, copied, end); err != nil {
			return err
		}
		short := end-copied < lastCopy
		copied = end
		if short {
			break
		}
	}
	if err := d.sync(); err != nil {
		return err
	}
	return s.locked(ctx, func(now *generation) error {
		if now != g {
			return d.discard() // another process has rewritten the log
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := d.copyRecords(g, copied, g.log.end); err != nil {
			return err
		}
		return s.replace(g, d, g.lastVersion())
	})
}

// finishCompaction replaces a log that was sealed by a process that died before it could
// rename the new one. The caller holds the lock.
func (s *Store) finishCompaction() error {
	g := s.gen
	return writeDraft(s.folder, g.generation+1, repairSuffix, func(d *draft) error {
		if err := d.copyValues(g, g.log.current()); err != nil {
			return err
		}
		return s.replace(g, d, g.lastVersion())
	})
}

// replace makes d the log in the place of g. New records get versions above base. The
// caller holds the lock and s.mu.
//
// g is sealed before d gets its name. From then on nobody appends to g. The next writer
// that finds a sealed log without a newer one makes the newer one.
func (s *Store) replace(g *generation, d *draft, base Version) error {
	if err := d.complete(base); err != nil {
		return err
	}
	if err := g.seal(); err != nil {
		return err
	}
	if err := d.rename(); err != nil {
		return err
	}
	if err := s.removeGeneration(g.generation); err != nil {
		return err
	}
	if err := s.openNewest(); err != nil {
		return err
	}
	s.gen.prepared = g.prepared
	return s.gen.syncMark.setNameDurable()
}

func (s *Store) removeGeneration(n uint64) error {
	return errors.Join(s.folder.remove(logName(n)), s.folder.remove(markName(n)))
}

// located is an entry with its key.
type located struct {
	key string
	entry
}

// current returns the entries in the order of their versions.
func (r *replay) current() []located {
	all := make([]located, 0, len(r.entries))
	for key, e := range r.entries {
		all = append(all, located{key, *e})
	}
	slices.SortFunc(all, func(a, b located) int { return cmp.Compare(a.at, b.at) })
	return all
}

func (d *draft) copyValues(g *generation, entries []located) error {
	for _, e := range entries {
		value, err := g.value(e.key, e.entry)
		if err != nil {
			return err
		}
		if err := d.add(record{kind: put, version: e.version, key: e.key, value: value}); err != nil {
			return err
		}
	}
	return nil
}

// copyRecords copies the records of g between two offsets.
func (d *draft) copyRecords(g *generation, from, to int64) error {
	start := make([]byte, headSize+MaxKey)
	for from < to {
		n, err := g.file.ReadAt(start, from)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		h, whole, _ := decodeHead(start[:n], g.salt, from)
		if !whole {
			return &CorruptError{File: g.log.file, Offset: from, What: "a record"}
		}
		e := entry{at: from, size: uint32(h.valueSize), sum: h.valueSum}
		value, err := g.value(string(h.key), e)
		if err != nil {
			return err
		}
		r := record{kind: h.kind, more: h.more, version: h.version, key: string(h.key), value: value}
		if err := d.add(r); err != nil {
			return err
		}
		from += h.size()
	}
	return nil
}
