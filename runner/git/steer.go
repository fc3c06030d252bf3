package git

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"chant/runner/git/config"
)

// Steering names what decides, besides the tracked files, which programs git runs
// and what it overlooks: files and folders below dir, the git folder that all work
// trees share. They need not exist.
func (r *Repo) Steering() (dir string, names []string) {
	own := "."
	if rel, err := filepath.Rel(r.common, r.gitDir); err == nil {
		own = filepath.ToSlash(rel)
	}
	return r.common, []string{
		"config", path.Join(own, "config.worktree"), "hooks",
		"info/attributes", "info/exclude", path.Join(own, "info/sparse-checkout"),
	}
}

// SameSettings tells whether two states of a config file say the same, apart from
// branches of which the first says nothing: git itself notes what a new one tracks.
func SameSettings(before, after []byte) bool {
	was, err := config.Parse("before", before)
	is, err2 := config.Parse("after", after)
	return err == nil && err2 == nil && was.Equal(is.Without(func(key string) bool {
		section := key[:strings.LastIndexByte(key, '.')+1]
		return strings.HasPrefix(section, "branch.") && section != "branch." && !was.Has(section)
	}))
}

// Flag is an index entry's word to git not to look whether the file has changed.
type Flag struct {
	Name string // as git update-index has it: assume-unchanged or skip-worktree
	Path string
}

const (
	assumeUnchanged = "assume-unchanged"
	skipWorktree    = "skip-worktree"
)

// Flags gives the flags of all index entries.
func (r *Repo) Flags(ctx context.Context) ([]Flag, error) {
	out, err := r.git(ctx, call{args: []string{"ls-files", "-v", "-z"}})
	if err != nil {
		return nil, fmt.Errorf("reading the index's flags: %w", err)
	}
	var flags []Flag
	for record := range strings.SplitSeq(string(out), "\x00") {
		tag, name, _ := strings.Cut(record, " ") // see git-ls-files(1)
		if tag != strings.ToUpper(tag) {
			flags = append(flags, Flag{assumeUnchanged, name})
		}
		if strings.EqualFold(tag, "S") {
			flags = append(flags, Flag{skipWorktree, name})
		}
	}
	return flags, nil
}

// Unflag takes flags away again. Other writers of the index are waited for, as in
// Stage.
func (r *Repo) Unflag(ctx context.Context, flags []Flag) error {
	for _, name := range []string{assumeUnchanged, skipWorktree} {
		var paths []string
		for _, f := range flags {
			if f.Name == name {
				paths = append(paths, f.Path)
			}
		}
		if len(paths) == 0 {
			continue
		}
		err := r.persist(ctx, func() error {
			_, err := r.attempt(ctx, call{args: []string{"update-index", "-z", "--no-" + name, "--stdin"}, stdin: nulList(paths)})
			return err
		})
		if err != nil {
			return fmt.Errorf("taking flags from the index: %w", err)
		}
	}
	return nil
}

// Ref is a ref and the object that it names.
type Ref struct {
	Name string // in full, such as "refs/heads/main"
	Hash Hash
}

// Stash is the ref of the newest stash; git's log of it has the others.
const Stash = "refs/stash"

// Refs gives the branches, the tags, the notes and every stash, of those the oldest
// first.
func (r *Repo) Refs(ctx context.Context) ([]Ref, error) {
	out, err := r.git(ctx, call{args: []string{
		"for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags", "refs/notes", Stash,
	}})
	if err != nil {
		return nil, fmt.Errorf("listing refs: %w", err)
	}
	var refs []Ref
	for line := range strings.Lines(string(out)) {
		hash, name, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		if name != Stash {
			refs = append(refs, Ref{name, Hash(hash)})
			continue
		}
		stashes, err := r.git(ctx, call{args: []string{"rev-list", "--walk-reflogs", Stash, "--"}})
		if err != nil {
			return nil, fmt.Errorf("listing stashes: %w", err)
		}
		for _, hash := range slices.Backward(strings.Fields(string(stashes))) {
			refs = append(refs, Ref{Stash, Hash(hash)})
		}
	}
	return refs, nil
}
