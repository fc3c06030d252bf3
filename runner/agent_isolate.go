package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"chant/runner/git"
	"chant/spec"
	"chant/storage"
	"chant/storage/atomicfile"
)

// An isolation is a linked worktree, below .chant/store, in which an agent
// works. Only target files come back from it. One that a killed or interrupted
// run left is gone on with by the next.
type isolation struct {
	*Engine
	spec  *spec.Spec
	dir   string
	repo  *git.Repo // of dir
	saved isolatedBase
	begun tree // what the user's tree and the worktree both held when they last agreed
}

// isolatedBase says, in the store, what an isolation began with: a commit, and
// the files that differed from it.
type isolatedBase struct {
	Commit git.Hash                `json:"commit"`
	Files  map[string]isolatedFile `json:"files"` // by path; an empty mode is none
}

type isolatedFile struct {
	Mode string   `json:"mode"`
	Blob git.Hash `json:"blob"`
}

func isolatedKey(specID string) string { return "isolated/" + specID }

// isolatedDir is where the worktree of a spec's isolated run is, below the root.
func isolatedDir(specID string) string { return path.Join(StoreDir, "worktrees", specID) }

// isolate makes the spec's worktree, with the user's uncommitted changes in it,
// or opens the one that is there. What is no worktree any more goes aside.
func (e *Engine) isolate(ctx context.Context, s *spec.Spec, aside string) (i *isolation, err error) {
	i = &isolation{Engine: e, spec: s, dir: abs(e.Root, isolatedDir(s.ID))}
	resumed, err := i.recall()
	if err != nil {
		return nil, err
	}
	if resumed && !i.intact() {
		if _, err := i.setAside(aside); err != nil {
			return nil, err
		}
		e.Emit(Notice{Spec: s.ID, Text: "the worktree of a run that was interrupted can't be gone on with, and is now " + aside})
		resumed = false
	}
	if resumed {
		e.Emit(Notice{Spec: s.ID, Text: "going on in the worktree of a run that was interrupted: " + isolatedDir(s.ID)})
	} else if err := i.create(ctx); err != nil {
		return nil, err
	}
	files, err := e.Git.List(i.saved.Commit)
	if err != nil {
		return nil, err
	}
	i.begun = treeOf(i.saved.Commit, files)
	for at, f := range i.saved.Files {
		i.begun.put(at, entry{mode: f.Mode, blob: f.Blob})
	}
	if i.repo, err = git.Open(i.dir, e.Env); err != nil {
		return nil, fmt.Errorf("opening the worktree of spec %s: %w", s.ID, err)
	}
	return i, nil
}

// recall reads what the worktree that is there began with; ok is false where
// none is, or none that was made to its end.
func (i *isolation) recall() (ok bool, err error) {
	h, err := OpenHistory(i.Root, storage.Options{ReadOnly: true})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	value, err := h.Store.Get(isolatedKey(i.spec.ID))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if _, err := os.Lstat(i.dir); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return true, json.Unmarshal(value, &i.saved)
}

// intact tells whether the worktree is still one of the user's repository.
func (i *isolation) intact() bool {
	repo, err := git.Open(i.dir, i.Env)
	if err != nil {
		return false
	}
	theirs, _ := repo.Steering()
	ours, _ := i.Git.Steering()
	return repo.Close() == nil && theirs == ours
}

// setAside moves away what is in the worktree's place, if anything.
func (i *isolation) setAside(to string) (moved bool, err error) {
	root, err := os.OpenRoot(i.Root)
	if err != nil {
		return false, err
	}
	defer root.Close()
	if err := (&place{dir: i.Root, root: root}).folder(path.Dir(to)); err != nil {
		return false, err
	}
	err = root.Rename(isolatedDir(i.spec.ID), to)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// create makes the worktree and lays the uncommitted changes into it.
func (i *isolation) create(ctx context.Context) error {
	head, err := i.Git.Head()
	if err != nil {
		return err
	}
	if head.Commit == "" {
		return &UsageError{Msg: "an isolated run needs a commit to begin with", Mend: "git commit"}
	}
	if err := i.Git.RemoveWorktree(ctx, i.dir); err != nil { // half of one
		return err
	}
	if err := i.Git.AddWorktree(ctx, i.dir); err != nil {
		return err
	}
	files, err := i.Git.List(head.Commit)
	if err != nil {
		return err
	}
	committed := treeOf(head.Commit, files)
	now, err := i.overWorktree(ctx, committed)
	if err != nil {
		return err
	}
	i.saved = isolatedBase{Commit: head.Commit, Files: map[string]isolatedFile{}}
	for _, at := range changedPaths(committed, now, everywhere) {
		i.saved.Files[at] = isolatedFile{now[at].mode, now[at].blob}
	}
	if err := layOver(i.dir, committed, now); err != nil {
		return fmt.Errorf("copying changes into the worktree of spec %s: %w", i.spec.ID, err)
	}
	return i.remember()
}

// layOver gives a folder that holds one tree the files in which another differs.
func layOver(dir string, from, to tree) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	p := &place{dir: dir, root: root}
	for _, at := range goingFirst(from, to) {
		if err := p.put(guarded{at, to[at]}); err != nil {
			return err
		}
	}
	return nil
}

// goingFirst lists the paths in which two trees differ: first those that the
// second does not have, lest they stand in the way of others.
func goingFirst(from, to tree) []string {
	paths := changedPaths(from, to, everywhere)
	slices.SortStableFunc(paths, func(a, b string) int {
		switch {
		case to[a].exists() == to[b].exists():
			return 0
		case to[b].exists():
			return -1
		}
		return 1
	})
	return paths
}

// remember keeps in the store what the worktree began with.
func (i *isolation) remember() error {
	value, err := json.Marshal(i.saved)
	if err != nil {
		return err
	}
	h, err := i.History()
	if err != nil {
		return err
	}
	return errors.Join(h.Store.Put(isolatedKey(i.spec.ID), value), h.Close())
}

// forget takes that out of the store.
func (i *isolation) forget() error {
	h, err := i.History()
	if err != nil {
		return err
	}
	if err = h.Store.Delete(isolatedKey(i.spec.ID)); errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return errors.Join(err, h.Close())
}

// returned is what an agent did in its worktree.
type returned struct {
	broken    string   // why nothing can come back; "" where it can
	claims    []int    // criteria that it ticked or unticked there
	outside   []string // changed paths that stay behind
	conflicts []string // target files that somebody changed meanwhile: set aside
	unfit     []string // target files of which the agent made something that can't come back
}

// bringBack copies changed target files into the user's tree, provided that the
// file there is still what the agent began with. Else the agent's goes into the
// folder aside.
func (i *isolation) bringBack(ctx context.Context, aside string) (r returned, err error) {
	if !i.intact() {
		to := path.Join(aside, "worktree")
		moved, err := i.setAside(to)
		if !moved {
			return returned{broken: "the agent removed its worktree"}, err
		}
		return returned{broken: "the agent made of its worktree what git can't read (it is now " + to + ")"}, err
	}
	there := *i.Engine
	there.Root, there.Git = i.dir, i.repo
	head, err := i.repo.Head()
	if err != nil {
		return r, err
	}
	files, err := i.repo.List(head.Commit)
	if err != nil {
		return r, err
	}
	now, err := there.overWorktree(ctx, treeOf(head.Commit, files))
	if unfit, ok := errors.AsType[*unfitError](err); ok {
		for _, at := range unfit.paths {
			now.put(at, i.begun[at])
			if i.spec.Targets(at) {
				r.unfit = append(r.unfit, at)
			} else {
				r.outside = append(r.outside, at)
			}
		}
	} else if err != nil {
		return r, fmt.Errorf("reading the worktree of spec %s: %w", i.spec.ID, err)
	}
	root, err := os.OpenRoot(i.Root)
	if err != nil {
		return r, err
	}
	defer root.Close()
	user := &place{dir: i.Root, root: root}
	for _, at := range goingFirst(i.begun, now) {
		if at == i.spec.Path {
			if r.claims, err = i.claims(now[at]); err != nil {
				return r, err
			}
		}
		if at == i.spec.Path || !i.spec.Targets(at) {
			r.outside = append(r.outside, at)
			continue
		}
		ok, err := i.bring(user, at, now[at], aside)
		if err != nil {
			return r, fmt.Errorf("bringing %s back: %w", at, err)
		}
		if !ok {
			r.conflicts = append(r.conflicts, at)
		}
	}
	return r, i.remember()
}

// claims tells which boxes differ between the user's spec and the agent's.
func (i *isolation) claims(e entry) ([]int, error) {
	data, err := i.content(i.spec.Path, e)
	if err != nil {
		return nil, err
	}
	theirs, _ := spec.Parse(i.spec.Path, data)
	var claims []int
	for n, c := range i.spec.Criteria {
		if n < len(theirs.Criteria) && theirs.Criteria[n].Ticked != c.Ticked {
			claims = append(claims, c.Number)
		}
	}
	return claims, nil
}

// content gives a file of the worktree.
func (i *isolation) content(at string, e entry) ([]byte, error) {
	if e.from == "" {
		return e.data, nil // read from the disk, or none
	}
	return i.repo.ReadFile(e.from, at)
}

// bring makes one file of the user's tree what the agent made of it, or sets the
// agent's version aside where the user's is no longer what both began with.
func (i *isolation) bring(user *place, at string, now entry, aside string) (ok bool, err error) {
	data, err := i.content(at, now)
	if err != nil {
		return false, err
	}
	agrees, err := i.agrees(user, at, now)
	if err != nil {
		return false, err
	}
	if !agrees {
		return false, putBelow(user, path.Join(aside, at), now, data)
	}
	if err := putBelow(user, at, now, data); err != nil {
		return false, err
	}
	i.begun.put(at, entry{mode: now.mode, blob: now.blob})
	i.saved.Files[at] = isolatedFile{now.mode, now.blob}
	return true, nil
}

// agrees tells whether the user's file may become what the agent made of it:
// it is what both began with, or so already, and nothing stands in its way.
func (i *isolation) agrees(user *place, at string, now entry) (bool, error) {
	if blocked, err := inTheWay(user, at); err != nil || blocked && now.exists() {
		return false, err
	}
	info, err := user.look(at)
	if err != nil || info == nil {
		return err == nil && (!i.begun[at].exists() || !now.exists()), err
	}
	if info.IsDir() {
		entries, err := fs.ReadDir(user.root.FS(), at)
		return !i.begun[at].exists() && (!now.exists() || len(entries) == 0), err
	}
	ours, err := onDisk(user.root, at, i.begun.anyBlob())
	return now.mode != modeSubmodule && (ours.same(i.begun[at]) || ours.same(now)), err
}

// inTheWay tells whether something else stands where a path needs a folder.
func inTheWay(p *place, at string) (bool, error) {
	for dir := path.Dir(at); dir != "."; dir = path.Dir(dir) {
		info, err := p.look(dir)
		if err != nil || info != nil && !info.IsDir() {
			return err == nil, err
		}
	}
	return false, nil
}

// putBelow writes one file, whole or not at all. A link is no file to write
// through, and goes.
func putBelow(p *place, at string, e entry, data []byte) error {
	there, err := p.look(at)
	if err != nil {
		return err
	}
	if there != nil && there.IsDir() && !e.exists() {
		return nil
	}
	if there != nil && (!e.exists() || e.mode == modeSymlink || !there.Mode().IsRegular()) {
		if err := p.root.Remove(at); err != nil {
			return err
		}
	}
	if !e.exists() {
		return nil
	}
	if err := p.folder(path.Dir(at)); err != nil {
		return err
	}
	if e.mode == modeSymlink {
		return p.root.Symlink(string(data), at)
	}
	file := abs(p.dir, at)
	if err := atomicfile.Write(file, data, 0o644); err != nil {
		return err
	}
	info, err := os.Lstat(file)
	if err != nil {
		return err
	}
	perm := info.Mode().Perm() &^ 0o111
	if e.mode == modeExecutable {
		perm |= perm & 0o444 >> 2 // for those who may read it
	}
	return os.Chmod(file, perm)
}

// close ends the use of the worktree. It stays where keep says so.
func (i *isolation) close(ctx context.Context, keep bool) error {
	err := i.repo.Close()
	if keep {
		return err
	}
	err = errors.Join(err, i.Git.RemoveWorktree(ctx, i.dir))
	if err != nil {
		return err
	}
	return i.forget()
}
