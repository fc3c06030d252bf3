package git

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"golang.org/x/sys/unix"

	"chant/runner/git/index"
)

// Dirty tells which of the paths differ from HEAD, as Status does, but looks
// at nothing else in the work tree: for tracked files, at the index entry,
// the file's metadata and, where these leave a doubt, its content. It starts
// git only for what git alone can tell: whether a new file is ignored, what a
// filter makes of a changed one, what a submodule is like. The error is
// ErrNoGit where that is needed and there is no git.
func (r *Repo) Dirty(ctx context.Context, paths []string) ([]Change, error) {
	changes, err := r.dirty(ctx, paths)
	if err != nil {
		return nil, fmt.Errorf("looking for changes: %w", err)
	}
	return changes, nil
}

func (r *Repo) dirty(ctx context.Context, paths []string) ([]Change, error) {
	paths, err := cleanPaths(paths)
	if err != nil {
		return nil, err
	}
	look, err := r.lookAt(ctx, paths)
	if err != nil {
		return nil, err
	}
	var changes []Change
	var unknown []string
	for _, p := range paths {
		if look == nil {
			unknown = paths
			break
		}
		switch c, known, err := look.change(ctx, p); {
		case err != nil:
			return nil, err
		case !known:
			unknown = append(unknown, p)
		case c.Staged || c.Unstaged || c.Unmerged:
			c.Path = p
			changes = append(changes, c)
		}
	}
	asked, err := r.askDirty(ctx, unknown)
	changes = append(changes, asked...)
	slices.SortStableFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes, err
}

// dirtyLook is a look at some paths of the work tree.
type dirtyLook struct {
	repo       *Repo
	session    *session
	draft      *draft
	entries    map[string][]index.Entry
	configured bool // session.config is filled in
}

// lookAt reads what is needed of HEAD and the index; nil where only git can
// read that.
func (r *Repo) lookAt(ctx context.Context, paths []string) (*dirtyLook, error) {
	if err := r.trusted(ctx); err != nil {
		return nil, err
	}
	if r.foreignFormat() != "" {
		return nil, nil
	}
	s := &session{paths: paths}
	var err error
	if s.head, err = r.Head(); err != nil {
		return nil, err
	}
	if s.head.Commit != "" {
		if s.parent, err = r.commit(s.head.Commit); err != nil {
			return nil, err
		}
	}
	if s.index, err = r.readIndexFile(); err != nil {
		return nil, err
	}
	if s.index.err != nil {
		return nil, r.damaged(s.index)
	}
	look := &dirtyLook{
		repo: r, session: s, entries: make(map[string][]index.Entry),
		draft: &draft{repo: r, seen: make(map[plumbing.Hash][]object.TreeEntry)},
	}
	for _, e := range s.index.file.Lookup(paths...) {
		look.entries[e.Path] = append(look.entries[e.Path], e)
	}
	return look, nil
}

// change tells how one path differs; known is false where git must say.
func (l *dirtyLook) change(ctx context.Context, p string) (c Change, known bool, err error) {
	head, err := l.draft.lookup(l.session.base(), p)
	if err != nil {
		return c, false, err
	}
	at, err := l.repo.standing(p)
	if err != nil {
		return c, false, err
	}
	if at.kind == special || at.kind == nested || at.kind == repository || head.Mode == filemode.Submodule {
		return c, false, nil
	}
	inHead := isFile(head.Mode)
	if inHead {
		c.Head = Version{fmt.Sprintf("%o", uint32(head.Mode)), hashOf(head.Hash)}
	}
	entries := l.entries[p]
	if len(entries) == 0 {
		return Change{Staged: inHead, Head: c.Head}, at.kind != present, nil
	}
	e := entries[0]
	switch {
	case e.Stage != 0:
		return Change{Unmerged: true}, true, nil
	case e.Mode == modeGitlink, e.IntentToAdd, e.SkipWorktree:
		return c, false, nil
	}
	c.Index = Version{fmt.Sprintf("%o", e.Mode), hashOf(plumbing.Hash(e.OID))}
	c.Staged = !inHead || plumbing.Hash(e.OID) != head.Hash || filemode.FileMode(e.Mode) != head.Mode
	switch {
	case e.AssumeValid:
		return c, true, nil
	case at.kind != present:
		c.Unstaged = true
		return c, true, nil
	}
	c.Unstaged, known, err = l.unstaged(ctx, e)
	return c, known, err
}

// unstaged compares a file with its index entry. If their metadata agree, the
// file was last written before the index, and so is unchanged: one of the
// same second may have been written again since (git's own "racy" rule).
func (l *dirtyLook) unstaged(ctx context.Context, e index.Entry) (differs, known bool, err error) {
	var st unix.Stat_t
	if err := unix.Lstat(filepath.Join(l.repo.top, e.Path), &st); err != nil {
		return false, false, nil //nolint:nilerr // it has just gone; git may say what is true now
	}
	older := int64(e.Stat.MTimeSec) < l.session.index.written().Unix()
	if older && e.Stat == indexStat(&st) && indexMode(uint32(st.Mode)) == e.Mode {
		return false, true, nil
	}
	if err := l.configure(ctx); err != nil {
		return false, false, err
	}
	can, err := capabilitiesOf(l.session.config)
	if err != nil {
		return false, false, err
	}
	f, err := l.repo.readFile(e.Path)
	if _, moving := errors.AsType[*PathError](err); moving {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	if can.mode(f.mode, filemode.FileMode(e.Mode)) != filemode.FileMode(e.Mode) {
		return true, true, nil
	}
	one := *l.session
	one.paths = []string{e.Path}
	why, err := l.repo.converted(ctx, &one)
	return f.blob != plumbing.Hash(e.OID), why == "", err
}

// indexMode gives the mode that the index has for a file of this one.
func indexMode(mode uint32) uint32 {
	switch {
	case mode&unix.S_IFMT == unix.S_IFLNK:
		return uint32(filemode.Symlink)
	case mode&unix.S_IXUSR != 0:
		return uint32(filemode.Executable)
	default:
		return uint32(filemode.Regular)
	}
}

// configure reads git's configuration, once it is needed.
func (l *dirtyLook) configure(ctx context.Context) (err error) {
	if l.configured {
		return nil
	}
	l.configured = true
	l.session.config, err = l.repo.configuration(ctx, l.session.head)
	return err
}

// argumentBytes is how much of a command line paths may take up: well below
// what any system allows.
const argumentBytes = 64 << 10

// askDirty lets git tell the state of the paths and of nothing else.
func (r *Repo) askDirty(ctx context.Context, paths []string) ([]Change, error) {
	var changes []Change
	for len(paths) > 0 {
		n, size := 0, 0
		for n < len(paths) && (n == 0 || size+len(paths[n]) < argumentBytes) {
			size += len(paths[n]) + 1
			n++
		}
		args := []string{"status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames", "--"}
		out, err := r.git(ctx, call{args: append(args, paths[:n]...)})
		if err != nil {
			return nil, err
		}
		found, err := parseStatus(string(out))
		if err != nil {
			return nil, err
		}
		for _, c := range found { // what lies below a path isn't meant
			if slices.Contains(paths[:n], c.Path) {
				changes = append(changes, c)
			}
		}
		paths = paths[n:]
	}
	return changes, nil
}
