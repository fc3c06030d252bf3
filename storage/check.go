package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Stats are figures about a store.
type Stats struct {
	Format     int     `json:"format"`     // of the log; 0 if there is no log
	File       string  `json:"file"`       // the log's name; "" if there is no log
	Generation uint64  `json:"generation"` // of the log: 1 for the first one, plus 1 for each rewrite; 0 if there is no log
	Keys       int     `json:"keys"`
	Bytes      int64   `json:"bytes"`   // the size of the log
	Current    int64   `json:"current"` // how many of them belong to current values
	OnDisk     int64   `json:"on_disk"` // how many of them surely survive a power loss
	Version    Version `json:"version"` // of the last write
	CompactDue bool    `json:"compact_due"`
	SyncFailed bool    `json:"sync_failed"`
}

// Stats returns the current figures. It reads no values, and writes nothing.
func (s *Store) Stats() (Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.refresh()
	if err == nil {
		_, err = s.gen.readSyncMark()
	}
	if err != nil {
		return Stats{}, fmt.Errorf("reading the store's figures: %w", err)
	}
	return s.gen.stats(), nil
}

func (g *generation) stats() Stats {
	if g.generation == 0 {
		return Stats{}
	}
	return Stats{
		Format: format, File: g.log.file, Generation: g.generation, Keys: len(g.log.entries), Bytes: g.log.end, Current: g.log.live,
		OnDisk: g.log.synced, Version: g.lastVersion(), CompactDue: g.compactDue(), SyncFailed: g.failed.Load(),
	}
}

// Report is what Check found.
type Report struct {
	Stats
	Problems []Problem `json:"problems"` // sorted by offset; none if the log is sound
}

// OK reports whether the store is sound.
func (r Report) OK() bool { return len(r.Problems) == 0 && !r.SyncFailed }

// Check reads the whole store again and verifies every checksum. Damage is in the report;
// it is not an error. Check writes nothing.
func (s *Store) Check() (Report, error) {
	report, err := s.check()
	if err != nil {
		return Report{}, fmt.Errorf("checking the store: %w", err)
	}
	return report, nil
}

func (s *Store) check() (report Report, err error) {
	for {
		g, err := s.view(func(*replay) int64 {
			report = s.gen.report()
			return 0
		})
		if err != nil || g.generation == 0 {
			return report, err
		}
		fresh, err := openGeneration(s.folder, g.generation, true, 0)
		if err := errors.Join(err, g.release()); err != nil {
			replaced, now := s.replaced(g)
			if !replaced {
				return Report{}, errors.Join(now, err)
			}
			continue
		}
		return fresh.report(), fresh.release()
	}
}

// replaced reports whether there is a newer log than g.
func (s *Store) replaced(g *generation) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.refresh()
	return err == nil && s.gen.generation != g.generation, err
}

func (g *generation) report() Report {
	return Report{Stats: g.stats(), Problems: g.log.problems}
}

// Repair gives up what is damaged and what a failed sync may have lost, and writes the
// rest into a new log. It returns what it found, and does not change a sound store. A
// key whose newest value is lost is removed. A key whose newest value may be lost gets
// the newest value that can be read. A copy of the old log stays in the folder, with
// the suffix ".damaged".
func (s *Store) Repair(ctx context.Context) (Report, error) {
	if s.opts.ReadOnly {
		return Report{}, fmt.Errorf("repairing the store: %w", ErrReadOnly)
	}
	report, err := s.repair(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("repairing the store: %w", err)
	}
	return report, nil
}

func (s *Store) repair(ctx context.Context) (report Report, err error) {
	if err := s.lock.acquire(ctx, s.openLock); err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, s.lock.release()) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refreshFrom(true); err != nil || s.gen.generation == 0 {
		return s.gen.report(), err
	}
	if s.gen.writeErr != nil {
		return Report{}, s.gen.writeErr
	}
	now, err := s.gen.readSyncMark()
	if err != nil {
		return Report{}, err
	}
	var limit int64
	if now.poisoned || s.gen.failed.Load() {
		limit = s.gen.log.synced
	}
	last := s.gen
	fresh, err := openGeneration(s.folder, last.generation, false, limit)
	if err != nil {
		return Report{}, err
	}
	report = fresh.report()
	report.SyncFailed = limit > 0
	if report.OK() {
		s.gen, s.sorted = fresh, nil
		return report, last.release()
	}
	// If this fails, the Store goes on with the old generation, which knows of the failed
	// sync.
	return report, errors.Join(s.rebuild(fresh, last.log.version), fresh.release())
}

// rebuild writes a new log with everything that can be read in g.
func (s *Store) rebuild(g *generation, given Version) error {
	if err := s.keepDamaged(g); err != nil {
		return err
	}
	var readable []located
	for _, e := range g.log.current() {
		_, gone := g.log.lost[keyHash([]byte(e.key))]
		if !e.unusable && !gone {
			readable = append(readable, e)
		}
	}
	// The versions of lost records are unknown. There were at most as many records as
	// fit into the log.
	lost := Version(max(g.size, g.log.synced) / (headSize + tailSize))
	return writeDraft(s.folder, g.generation+1, repairSuffix, func(d *draft) error {
		if err := d.copyValues(g, readable); err != nil {
			return err
		}
		if g.size > g.log.end {
			if err := g.file.Truncate(g.log.end); err != nil {
				return err
			}
		}
		return s.replace(g, d, max(given, g.lastVersion())+lost)
	})
}

// keepDamaged copies the log. It does not rename it: processes that have it open would
// then not notice that there is a new log.
func (s *Store) keepDamaged(g *generation) error {
	to, err := s.folder.open(generationName(g.generation, damagedSuffix), truncating)
	if err != nil {
		return err
	}
	size, _, err := g.file.stat()
	if err == nil {
		_, err = io.Copy(io.NewOffsetWriter(to, 0), io.NewSectionReader(g.file, 0, size))
	}
	if err == nil {
		err = to.sync()
	}
	return errors.Join(err, to.Close())
}
