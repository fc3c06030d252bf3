package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// The folder that chant keeps inside the git folder holds the kernel lock
// under which chant's processes commit one after another, and the pending
// files of the one that is at it. The kernel frees the lock of a process that
// ends in any way, so whoever holds it knows that pending files which he
// hasn't made himself were left by a killed run.
const (
	ownFolder     = "chant"
	ownLock       = "lock"
	pendingPrefix = "pend-"
)

func (r *Repo) ownDir() string { return filepath.Join(r.common, ownFolder) }

// enter takes the kernel lock; a LockedError where another process has it.
func (r *Repo) enter(d *disk) (leave func() error, err error) {
	if err := d.mkdirAll(r.ownDir()); err != nil {
		return nil, err
	}
	name := filepath.Join(r.ownDir(), ownLock)
	created := !exists(name)
	l := flock.New(name, flock.SetPermissions(0o644))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", name, err)
	}
	if !ok {
		return nil, &LockedError{Path: name, Err: errors.New("another chant is committing")}
	}
	if created {
		if err := d.adjust(name); err != nil {
			return nil, errors.Join(err, l.Unlock())
		}
	}
	return l.Unlock, nil
}

// pending lists the pending files; those of a live run are among them unless
// the caller has entered.
func (r *Repo) pending() ([]string, error) {
	entries, err := os.ReadDir(r.ownDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for leftovers of a killed run: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), pendingPrefix) {
			names = append(names, filepath.Join(r.ownDir(), e.Name()))
		}
	}
	return names, nil
}

// recover removes what killed runs have left. A lock file goes only if it is
// a hard link of one of our pending files: then no other program made it.
func (r *Repo) recover() error {
	if names, err := r.pending(); err != nil || len(names) == 0 {
		return err
	}
	leave, err := r.enter(&disk{folders: make(map[string]bool)})
	if _, locked := errors.AsType[*LockedError](err); locked {
		return nil // they are a live run's
	}
	if err != nil {
		return err
	}
	names, err := r.pending()
	if err == nil && len(names) > 0 {
		err = r.removeLeftovers(names)
	}
	return errors.Join(err, leave())
}

// removeLeftovers removes a lock before the pending file that proves whose it
// is, so that it can be killed, too.
func (r *Repo) removeLeftovers(names []string) error {
	locks, err := r.lockFiles()
	if err != nil {
		return fmt.Errorf("looking for locks of a killed run: %w", err)
	}
	for _, name := range names {
		ours, err := os.Lstat(name)
		if err != nil {
			return err
		}
		for _, lock := range locks {
			if info, err := os.Lstat(lock); err != nil || !os.SameFile(info, ours) {
				continue
			}
			if err := os.Remove(lock); err != nil {
				return fmt.Errorf("removing the lock of a killed run: %w", err)
			}
			r.at("removed a stale lock")
		}
		if err := os.Remove(name); err != nil {
			return err
		}
		r.at("removed a pending file")
	}
	return nil
}

// lockFiles lists the lock files of indexes and refs, of all work trees: the
// killed run may have worked in another one, or on another branch.
func (r *Repo) lockFiles() ([]string, error) {
	dirs := []string{r.common, r.gitDir}
	others, err := filepath.Glob(filepath.Join(r.common, "worktrees", "*"))
	if err != nil {
		return nil, err
	}
	var locks []string
	for _, dir := range append(dirs, others...) {
		locks = append(locks, filepath.Join(dir, "index"+lockSuffix), filepath.Join(dir, "HEAD"+lockSuffix))
		err := filepath.WalkDir(filepath.Join(dir, "refs"), func(name string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && strings.HasSuffix(name, lockSuffix) {
				locks = append(locks, name)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil // another git has removed an empty folder
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return locks, nil
}
