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

// A log is rewritten when it is larger than compactMin and less than one part in
// compactShare of it is current. A larger compactMin makes writers wait less often
// for a rewriting's syncs, and a program that opens the store read more.
const (
	compactMin   = 8 << 20
	compactShare = 2

	// The lock is taken when no more than this is left to copy.
	lastCopy  = 256 << 10
	maxCopies = 8
)

// compactIfDue begins a compaction where the log has grown enough. One that has
// failed is not tried again: Close tells of it.
func (s *Store) compactIfDue(g *generation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.compactDue() && g == s.gen && !g.log.damaged() && !s.closed && !s.compact && s.compactErr == nil {
		s.beginCompaction()
	}
}

// beginCompaction is for who holds s.mu.
func (s *Store) beginCompaction() {
	s.compact = true
	s.compacting.Go(func() {
		err := s.compactNow(context.Background())
		if errors.Is(err, ErrClosed) || errors.Is(err, ErrLocked) {
			err = nil // there will be another occasion
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.compact, s.compactErr = false, err
	})
}

// compactDue tells whether the log has grown enough to be rewritten.
func (g *generation) compactDue() bool {
	return g.log.end > compactMin && g.log.end > compactShare*g.log.live
}

// compactNow rewrites the log. All but the end is done beside readers and
// writers; of several processes one does it, and the others return at once.
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

// lockCompaction keeps other processes from compacting, unless one does already.
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

// fill copies what is current in g, then what was written meanwhile, and at last,
// under the lock, the little that came since, and puts the draft in g's place.
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

// finishCompaction finishes what a compaction has begun that died after it had sealed the
// log. The caller holds the lock.
func (s *Store) finishCompaction() error {
	g := s.gen
	return writeDraft(s.folder, g.generation+1, repairSuffix, func(d *draft) error {
		if err := d.copyValues(g, g.log.current()); err != nil {
			return err
		}
		return s.replace(g, d, g.lastVersion())
	})
}

// replace puts d in the place of g. The caller holds the lock and s.mu.
//
// g is sealed before d gets its name: from then on nobody appends to g, and who
// finds the seal waits for, or becomes, the one to make the next log.
//
// No version up to base is given again.
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

// current gives the entries in the order of their versions.
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

// copyRecords copies the records between two places of g as they are.
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
