package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// openLock opens the lock's file in the store's folder, and makes what there is
// not. It holds the mutex to the end: as long as there is no log, a reader opens
// the folder anew.
func (s *Store) openLock() (file, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended() {
		return nil, ErrClosed
	}
	if s.gen.generation == 0 {
		if err := makeFolder(s.dir); err != nil {
			return nil, err
		}
		if err := s.reopenFolder(); err != nil {
			return nil, err
		}
	}
	if s.folder == nil {
		return nil, ErrRemoved
	}
	f, err := s.folder.open(writeLockName, creating)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrRemoved
	}
	return f, err
}

// checkLock looks whether the lock is that of the folder, which was opened anew.
// The one that its file was opened in may have been moved since, and another one
// made in its place. The right file is kept for the next writer.
func (s *Store) checkLock() error {
	if s.folder == nil {
		return ErrRemoved
	}
	f, err := s.folder.open(writeLockName, creating)
	if err != nil {
		return err
	}
	ours, err := s.lock.file.identity()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	there, err := f.identity()
	if err != nil || os.SameFile(ours, there) {
		return errors.Join(err, f.Close())
	}
	err = errors.Join(ErrRemoved, unlock(s.lock.file), s.lock.close())
	s.lock.file = f
	return err
}

// prepare readies the newest log for a writer, who holds the lock.
func (s *Store) prepare() (*generation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refreshFrom(true); err != nil {
		return nil, err
	}
	if s.gen.generation == 0 {
		if err := s.createLog(); err != nil {
			return nil, fmt.Errorf("creating the store: %w", err)
		}
	}
	if s.gen.writeErr != nil {
		return nil, s.gen.writeErr
	}
	if s.gen.log.sealed {
		if err := s.finishCompaction(); err != nil {
			return nil, fmt.Errorf("rewriting the log: %w", err)
		}
	}
	if !s.gen.prepared {
		if err := s.tidy(s.gen); err != nil {
			return nil, fmt.Errorf("tidying up: %w", err)
		}
		s.gen.prepared = true
	}
	if err := s.gen.prepareEnd(s.folder); err != nil {
		return nil, err
	}
	return s.gen, nil
}

// prepareEnd looks whether, and makes sure that, records can be appended.
func (g *generation) prepareEnd(f folder) error {
	switch {
	case g.failed.Load():
		return ErrSync
	case g.log.truncated || g.log.unchained || g.size < g.log.end:
		return &CorruptError{File: g.log.file, Offset: min(g.size, g.log.end), What: "the end of the log"}
	case g.size == g.log.end:
		return nil
	}
	// What is behind the last whole record was never finished. Better twice than
	// never: nobody cuts a log that has a successor.
	if n, err := newest(f); err != nil || n != g.generation {
		return errors.Join(ErrRemoved, err)
	}
	return g.file.Truncate(g.log.end)
}

// createLog makes the first log, and goes on with it.
func (s *Store) createLog() error {
	return writeDraft(s.folder, 1, repairSuffix, func(d *draft) error {
		if err := d.complete(0); err != nil {
			return err
		}
		if err := d.rename(); err != nil {
			return err
		}
		return s.openNewest()
	})
}

// tidy makes the log's own name durable, before anything in it is relied on, and
// removes what those who were killed have left. No older log may stay: whoever
// still reads it notices by this that there is a newer one.
func (s *Store) tidy(g *generation) error {
	now, err := g.syncMark.read()
	if err != nil {
		return err
	}
	if !now.nameDurable {
		if err := s.folder.sync(); err != nil {
			return err
		}
	}
	names, err := s.folder.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.removeStale(g, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := g.syncMark.allocate(); err != nil {
		return err
	}
	return g.syncMark.setNameDurable()
}

func (s *Store) removeStale(g *generation, name string) error {
	if _, ok := parseName(name, draftSuffix); ok {
		return removeDraft(s.folder, name)
	}
	if !g.replaces(name) {
		return nil
	}
	return s.folder.remove(name)
}

// replaces tells whether the file was left by an earlier generation, or by a
// process that was killed while it made a new log under the write lock, which the
// caller holds now.
func (g *generation) replaces(name string) bool {
	for _, suffix := range []string{logSuffix, markSuffix} {
		if n, ok := parseName(name, suffix); ok {
			return n < g.generation
		}
	}
	_, ok := parseName(name, repairSuffix)
	return ok
}

// removeDraft removes a draft that is left from a process that has died. Nobody may
// begin to compact before it is gone: his draft would have the same name.
func removeDraft(f folder, name string) error {
	free, release, err := lockCompaction(f)
	if !free {
		return err
	}
	return errors.Join(f.remove(name), release())
}
