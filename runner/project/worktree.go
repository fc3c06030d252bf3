package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"chant/runner/git"
)

// fileStat is different for different contents of a file, without reading it.
type fileStat struct {
	mode    fs.FileMode
	size    int64
	changed time.Time
	inode   uint64
}

// Worktree is the state of the files in the work tree that differ from HEAD, by path.
type Worktree map[string]fileStat

// Paths returns the paths, sorted; never nil.
func (w Worktree) Paths() []string {
	paths := slices.AppendSeq([]string{}, maps.Keys(w))
	slices.Sort(paths)
	return paths
}

// Since returns the paths whose state is not the same as before, sorted; never nil.
func (w Worktree) Since(before Worktree) []string { return Changed(before, w) }

// Changed returns the keys whose values differ in two maps, sorted; never nil.
func Changed[V comparable](before, after map[string]V) []string {
	changed := []string{}
	for key, now := range after {
		if then, ok := before[key]; !ok || then != now {
			changed = append(changed, key)
		}
	}
	for key := range before {
		if _, ok := after[key]; !ok {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	return changed
}

// ReadWorktree returns the state of the work tree. It ignores chant's own files.
func ReadWorktree(ctx context.Context, repo StatusReader, root string) (Worktree, error) {
	changes, err := ReadChanges(ctx, repo)
	if err != nil {
		return nil, err
	}
	return statAll(root, changes)
}

// StatusReader reads the status of a work tree.
type StatusReader interface {
	// Status returns the files that differ from HEAD in the index or the work tree.
	Status(ctx context.Context) ([]git.Change, error)
}

// ReadChanges returns the changed and untracked files of the work tree, without chant's own.
func ReadChanges(ctx context.Context, repo StatusReader) ([]git.Change, error) {
	changes, err := repo.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the state of the work tree: %w", err)
	}
	return slices.DeleteFunc(changes, func(c git.Change) bool { return ours(c.Path) }), nil
}

// ours reports whether chant itself made a file: in the store, or as a temporary file that
// replaces a spec.
func ours(at string) bool {
	temporary, _ := path.Match(".?*.md[0-9][0-9][0-9][0-9]*", path.Base(at))
	return strings.HasPrefix(at, StoreDir+"/") || temporary && strings.HasPrefix(at, ChantDir+"/")
}

// statAll returns the state of every changed path. That of a deleted file is zero.
func statAll(root string, changes []git.Change) (Worktree, error) {
	w := Worktree{}
	for _, c := range changes {
		info, err := os.Lstat(filepath.Join(root, filepath.FromSlash(c.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
			w[c.Path] = fileStat{}
		case err != nil:
			return nil, err
		default:
			w[c.Path] = statOf(info)
		}
	}
	return w, nil
}

func statOf(info fs.FileInfo) fileStat {
	s := fileStat{mode: info.Mode(), size: info.Size(), changed: info.ModTime()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = stat.Ino
	}
	return s
}
