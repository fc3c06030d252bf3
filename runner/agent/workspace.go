package agent

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

	"chant/runner/checkout"
	"chant/runner/git"
	"chant/runner/project"
	"chant/spec"
)

// Repository is the user's repository; *git.Repo is one.
type Repository interface {
	// Dir returns the top of the work tree: absolute, with symlinks resolved.
	Dir() string
	// Store stores files of the work tree as git add would. New objects go into the
	// folder objects. A file that isn't there has no Mode.
	Store(ctx context.Context, paths []string, objects string) ([]git.Content, error)
	// StoreFrom does so with files of another folder, which have to be there.
	StoreFrom(ctx context.Context, dir string, paths []string, objects string) ([]git.Content, error)
	// Run runs git with an environment that leads it to no other repository.
	Run(ctx context.Context, c git.Call) ([]byte, error)
}

// Task says what an agent finds in its checkout, and what of it may come back.
type Task struct {
	Spec    *spec.Spec
	Base    git.Hash // the commit that is checked out; "" is an empty tree
	Targets []string // the user's changed target files, which are there, too
	Chant   []string // and changed files below .chant
}

// Workspace is the checkout that an agent works in, with what it held before. Only
// target files come back from it, and only by BringBack. Its methods are called one
// at a time, and not while the agent works.
type Workspace struct {
	repo       Repository
	task       Task
	made       *checkout.Checkout
	root, user *os.Root // the checkout and the user's work tree
	copies     string   // a folder for copies of target files, where no agent works
	submodules []string // of the user's index

	contents []git.Content          // the user's changed target files
	before   map[string]fs.FileInfo // every file of the checkout, by path
	laid     map[string]state       // its target files
	theirs   map[string]state       // the same paths in the user's work tree
	specs    map[string]*spec.Spec  // specs among the target files

	left map[string]state // target files that the agent changed, as it left them; nil where they can't be read
}

// OpenWorkspace makes the checkout and notes what it holds, and what the user's work
// tree holds at the paths of target files. Close the result.
func OpenWorkspace(ctx context.Context, repo Repository, source *checkout.Source, task Task) (_ *Workspace, err error) {
	w := &Workspace{
		repo: repo, task: task,
		laid: map[string]state{}, theirs: map[string]state{}, specs: map[string]*spec.Spec{}, left: map[string]state{},
	}
	if err := w.checkOut(ctx, source); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("making a folder for the agent: %w", err), w.Close())
		}
	}()
	if w.copies, err = os.MkdirTemp("", "chant-agent-"); err != nil {
		return nil, err
	}
	if w.root, err = os.OpenRoot(w.made.Dir()); err != nil {
		return nil, err
	}
	if w.user, err = os.OpenRoot(repo.Dir()); err != nil {
		return nil, err
	}
	if err := w.noteFiles(ctx); err != nil {
		return nil, err
	}
	return w, w.copyFiles(w.laidFolder(), w.laidFiles())
}

// checkOut makes the checkout.
func (w *Workspace) checkOut(ctx context.Context, source *checkout.Source) error {
	draft, err := source.New()
	if err != nil {
		return err
	}
	laid, err := w.repo.Store(ctx, slices.Concat(w.task.Targets, w.task.Chant), draft.Objects())
	if err != nil {
		return errors.Join(err, draft.Close())
	}
	for _, c := range laid {
		if slices.Contains(w.task.Targets, c.Path) {
			w.contents = append(w.contents, c)
		}
	}
	w.made, err = draft.Checkout(ctx, w.task.Base, checkout.Changes(laid))
	return err
}

// noteFiles remembers what the checkout holds before the agent works. What was installed
// there, and git ignores, is as if the agent had made it.
func (w *Workspace) noteFiles(ctx context.Context) error {
	tracked, err := w.readIndex(ctx)
	if err != nil {
		return err
	}
	found, _, err := walk(w.root)
	if err != nil {
		return err
	}
	others := maps.Clone(found)
	maps.DeleteFunc(others, func(at string, _ fs.FileInfo) bool { return tracked[at] })
	ignored, err := w.ignored(ctx, others)
	if err != nil {
		return err
	}
	maps.DeleteFunc(found, func(at string, _ fs.FileInfo) bool { return ignored[at] })
	w.before = found
	for at := range found {
		if !w.comesBack(at) {
			continue
		}
		if err := w.note(at); err != nil {
			return err
		}
	}
	return nil
}

// note remembers a target file before the agent works.
func (w *Workspace) note(at string) (err error) {
	if w.laid[at], err = stateOf(w.root, at); err != nil {
		return err
	}
	if w.theirs[at], err = stateIn(w.user, at); err != nil {
		return err
	}
	if !project.IsSpecFile(at) || !w.laid[at].hasContent() {
		return nil
	}
	src, err := project.ReadIn(w.root, at)
	w.specs[at], _ = spec.Parse(at, src) // what was wrong with it before is not the agent's doing
	return err
}

// Dir returns the folder that the agent works in.
func (w *Workspace) Dir() string { return w.made.Dir() }

// Close removes the checkout and all that is in it.
func (w *Workspace) Close() error {
	for _, root := range []*os.Root{w.root, w.user} {
		if root != nil {
			_ = root.Close() // of a folder, so nothing was written
		}
	}
	var err error
	if w.copies != "" {
		err = os.RemoveAll(w.copies)
	}
	return errors.Join(err, w.made.Close())
}

// comesBack tells whether a path may come back: target files do. What of chant's own
// files does has to be named as such, so that "**" is not enough to give an agent the
// config or other specs; its store never does.
func (w *Workspace) comesBack(at string) bool {
	if !strings.HasPrefix(at, project.ChantDir+"/") {
		return w.task.Spec.Targets(at)
	}
	return at != w.task.Spec.Path && !strings.HasPrefix(at, project.StoreDir+"/") &&
		slices.ContainsFunc(w.task.Spec.TargetFiles, func(item spec.Item) bool {
			return strings.HasPrefix(path.Clean(item.Value), project.ChantDir+"/") && spec.MatchPath(item.Value, at)
		})
}

// readIndex returns the files of the user's index, and notes its submodules.
func (w *Workspace) readIndex(ctx context.Context) (tracked map[string]bool, err error) {
	out, err := w.repo.Run(ctx, git.Call{Args: []string{"ls-files", "--stage", "-z"}})
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	tracked = map[string]bool{}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		facts, at, _ := strings.Cut(entry, "\t")
		tracked[at] = true
		if strings.HasPrefix(facts, modeSubmodule+" ") {
			w.submodules = append(w.submodules, at)
		}
	}
	return tracked, nil
}

// The folders of copies: of the user's changed target files as they were laid into
// the checkout, and of target files as the agent left them. Only those are read once
// the agent is done, lest one thing be checked and another brought back.
func (w *Workspace) laidFolder() string { return filepath.Join(w.copies, "laid") }
func (w *Workspace) leftFolder() string { return filepath.Join(w.copies, "left") }

// laidFiles returns the user's changed target files that have a content to copy.
func (w *Workspace) laidFiles() []string {
	var paths []string
	for _, c := range w.contents {
		if c.Mode != "" && c.Mode != modeSubmodule {
			paths = append(paths, c.Path)
		}
	}
	return paths
}

const modeSubmodule = "160000"

// copyFiles makes a folder that holds copies of files of the checkout.
func (w *Workspace) copyFiles(dir string, paths []string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	to, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer to.Close()
	for _, at := range paths {
		if err := copyFile(w.root, at, to, at); err != nil {
			return fmt.Errorf("copying %s: %w", at, err)
		}
		if err := w.keepMode(to, at); err != nil {
			return fmt.Errorf("copying %s: %w", at, err)
		}
	}
	return nil
}

// keepMode gives a copy the mode that the file had before the agent worked: that is
// not for the agent to change.
func (w *Workspace) keepMode(copies *os.Root, at string) error {
	was := w.before[at]
	is, err := copies.Lstat(at)
	if err != nil || was == nil || !was.Mode().IsRegular() || !is.Mode().IsRegular() {
		return err
	}
	return copies.Chmod(at, was.Mode().Perm())
}

// Store stores the target files as git would commit them after BringBack: as the
// agent left them, else as the user has changed them. Objects are stored in the
// folder objects. The result is sorted by path.
func (w *Workspace) Store(ctx context.Context, objects string) ([]git.Content, error) {
	var contents []git.Content
	var changed []string
	for at, now := range w.left {
		if now == absent {
			contents = append(contents, git.Content{Path: at})
		} else {
			changed = append(changed, at)
		}
	}
	for _, c := range w.contents {
		if _, ok := w.left[c.Path]; !ok && (c.Mode == "" || c.Mode == modeSubmodule) {
			contents = append(contents, c)
		}
	}
	kept := slices.DeleteFunc(w.laidFiles(), func(at string) bool { _, ok := w.left[at]; return ok })
	for dir, paths := range map[string][]string{w.laidFolder(): kept, w.leftFolder(): changed} {
		stored, err := w.repo.StoreFrom(ctx, dir, paths, objects)
		if err != nil {
			return nil, err
		}
		contents = append(contents, stored...)
	}
	slices.SortFunc(contents, func(a, b git.Content) int { return strings.Compare(a.Path, b.Path) })
	return contents, nil
}
