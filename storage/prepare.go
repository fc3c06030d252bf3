package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// openLock opens the lock's file in the store's folder. It creates both if they are
// missing, and narrows a folder that others may read: earlier versions made it so. It holds
// the mutex until it returns, because readers reopen the folder as long as there is no log.
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
	if err := s.folder.narrow(); err != nil {
		return nil, err
	}
	f, err := s.folder.open(writeLockName, creating)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrRemoved
	}
	return f, err
}

// checkLock checks that the lock is held on the file in s.folder, which was just reopened.
// The folder in which the lock's file was opened may have been moved, and another one
// created in its place. Then the error is ErrRemoved, and the next writer locks the
// right file.
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

// prepare prepares the newest log for appending. The caller holds the lock.
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

// prepareEnd makes sure that records can be appended to the log.
func (g *generation) prepareEnd(f folder) error {
	switch {
	case g.failed.Load():
		return ErrSync
	case g.log.truncated || g.log.unchained || g.size < g.log.end:
		return &CorruptError{File: g.log.file, Offset: min(g.size, g.log.end), What: "the end of the log"}
	case g.size == g.log.end:
		return nil
	}
	// The bytes after the last whole record are unfinished. Check once more that there is
	// no newer log: a log that was replaced must not be truncated.
	if n, err := newest(f); err != nil || n != g.generation {
		return errors.Join(ErrRemoved, err)
	}
	return g.file.Truncate(g.log.end)
}

// createLog creates and opens the first log.
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

// tidy makes the log's name durable before anybody relies on its content, and removes the
// files that killed processes have left. It removes older logs too: a process that
// reads an older log notices by its missing name that there is a newer one.
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

// replaces reports whether the file belongs to an earlier generation, or was left by a
// process that was killed while it made a new log under the write lock. The caller
// holds the write lock.
func (g *generation) replaces(name string) bool {
	for _, suffix := range []string{logSuffix, markSuffix} {
		if n, ok := parseName(name, suffix); ok {
			return n < g.generation
		}
	}
	_, ok := parseName(name, repairSuffix)
	return ok
}

// removeDraft removes the draft of a process that has died. It holds the lock for
// compacting meanwhile, because a new draft would have the same name.
func removeDraft(f folder, name string) error {
	free, release, err := lockCompaction(f)
	if !free {
		return err
	}
	return errors.Join(f.remove(name), release())
}
