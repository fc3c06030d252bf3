package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"chant/runner/git"
)

// stamp tells one state of a file from another without reading it.
type stamp struct {
	mode    fs.FileMode
	size    int64
	changed time.Time
	inode   uint64
}

// Worktree is the state of the files that differ from HEAD, by path.
type Worktree map[string]stamp

func (w Worktree) Paths() []string {
	paths := make([]string, 0, len(w))
	for path := range w {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// Since lists the paths that are not as they were.
func (w Worktree) Since(before Worktree) []string {
	changed := []string{}
	for path, now := range w {
		if then, ok := before[path]; !ok || then != now {
			changed = append(changed, path)
		}
	}
	for path := range before {
		if _, ok := w[path]; !ok {
			changed = append(changed, path)
		}
	}
	slices.Sort(changed)
	return changed
}

func ReadWorktree(ctx context.Context, repo StatusReader, root string) (Worktree, error) {
	changes, err := ReadChanges(ctx, repo)
	if err != nil {
		return nil, err
	}
	return Stamps(root, changes)
}

// StatusReader is what the state of a work tree is read by.
type StatusReader interface {
	// Status lists what differs from HEAD in index or worktree.
	Status(ctx context.Context) ([]git.Change, error)
}

// ReadChanges gives the changed and new files of the worktree, without chant's own.
func ReadChanges(ctx context.Context, repo StatusReader) ([]git.Change, error) {
	changes, err := repo.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the worktree's state: %w", err)
	}
	return slices.DeleteFunc(changes, func(c git.Change) bool { return ours(c.Path) }), nil
}

// ours tells whether a file is nobody's work: one of the store, where no
// .gitignore hides it, or the new bytes of a spec before they take its place.
func ours(at string) bool {
	unplaced, _ := path.Match(".?*.md[0-9][0-9][0-9][0-9]*", path.Base(at))
	return strings.HasPrefix(at, StoreDir+"/") || unplaced && strings.HasPrefix(at, ChantDir+"/")
}

// Stamps gives the state of every changed path; a deleted file has the zero
// stamp.
func Stamps(root string, changes []git.Change) (Worktree, error) {
	w := Worktree{}
	for _, c := range changes {
		info, err := os.Lstat(filepath.Join(root, filepath.FromSlash(c.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
			w[c.Path] = stamp{}
		case err != nil:
			return nil, err
		default:
			w[c.Path] = stampOf(info)
		}
	}
	return w, nil
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{mode: info.Mode(), size: info.Size(), changed: info.ModTime()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = stat.Ino
	}
	return s
}
