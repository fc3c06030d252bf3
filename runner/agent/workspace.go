package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
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
	submodules []string // of the user's index

	start   string                 // identifies what it was made of
	before  map[string]fs.FileInfo // every file of the checkout, by path
	targets map[string]target      // its target files
	mine    map[string]file        // the user's changed target files
	others  []git.Content          // those that are removed, or submodules

	// left holds the target files that the agent changed; nil where they can't be read.
	// Only this is used once the agent is done, lest one thing be checked and another
	// brought back.
	left map[string]file
}

// target is what a target file was before the agent worked.
type target struct {
	laid, theirs state      // in the checkout and in the user's work tree
	spec         *spec.Spec // nil where it is none
}

// OpenWorkspace makes the checkout and notes what it holds, and what the user's work
// tree holds at the paths of target files. Close the result.
func OpenWorkspace(ctx context.Context, repo Repository, source *checkout.Source, task Task) (_ *Workspace, err error) {
	w := &Workspace{
		repo: repo, task: task, targets: map[string]target{}, mine: map[string]file{}, left: map[string]file{},
	}
	draft, err := source.New()
	if err != nil {
		return nil, err
	}
	laid, err := repo.Store(ctx, slices.Concat(task.Targets, task.Chant), draft.Objects())
	if err != nil {
		return nil, errors.Join(err, draft.Close())
	}
	w.start = startOf(task, laid)
	if w.made, err = draft.Checkout(ctx, task.Base, checkout.Changes(laid)); err != nil {
		return nil, err
	}
	if err := w.note(ctx, laid); err != nil {
		return nil, errors.Join(fmt.Errorf("making a folder for the agent: %w", err), w.Close())
	}
	return w, nil
}

// note remembers what the checkout holds before the agent works. What was installed
// there, and git ignores, is as if the agent had made it.
func (w *Workspace) note(ctx context.Context, laid []git.Content) (err error) {
	if w.root, err = os.OpenRoot(w.made.Dir()); err != nil {
		return err
	}
	if w.user, err = os.OpenRoot(w.repo.Dir()); err != nil {
		return err
	}
	if err := w.findSubmodules(ctx); err != nil {
		return err
	}
	found, _, err := walk(w.root)
	if err != nil {
		return err
	}
	ignored, err := w.ignored(ctx, found)
	if err != nil {
		return err
	}
	maps.DeleteFunc(found, func(at string, _ fs.FileInfo) bool { return ignored[at] })
	w.before = found
	for at := range found {
		if !w.comesBack(at) {
			continue
		}
		f, err := look(w.root, at)
		if err != nil {
			return err
		}
		t := target{laid: f.state}
		if t.theirs, err = lookBehind(w.user, at); err != nil {
			return err
		}
		if project.IsSpecFile(at) {
			t.spec, _ = spec.Parse(at, f.data) // what was wrong with it before is not the agent's doing
		}
		w.targets[at] = t
	}
	for _, c := range laid {
		switch {
		case !slices.Contains(w.task.Targets, c.Path):
		case c.Mode == "" || c.Mode == modeSubmodule:
			w.others = append(w.others, c)
		default:
			if w.mine[c.Path], err = look(w.root, c.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

const modeSubmodule = "160000"

// findSubmodules lists the submodules in the user's index.
func (w *Workspace) findSubmodules(ctx context.Context) error {
	out, err := w.repo.Run(ctx, git.Call{Args: []string{"ls-files", "--stage", "-z"}})
	if err != nil {
		return fmt.Errorf("reading the index: %w", err)
	}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if facts, at, _ := strings.Cut(entry, "\t"); strings.HasPrefix(facts, modeSubmodule+" ") {
			w.submodules = append(w.submodules, at)
		}
	}
	return nil
}

// startOf identifies the commit and the target files that a workspace is made of.
func startOf(task Task, laid []git.Content) string {
	h := sha256.New()
	fmt.Fprintln(h, task.Base)
	for _, c := range laid {
		if slices.Contains(task.Targets, c.Path) {
			fmt.Fprintf(h, "%q %s %s\n", c.Path, c.Mode, c.Hash)
		}
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil))
}

// Dir returns the folder that the agent works in.
func (w *Workspace) Dir() string { return w.made.Dir() }

// Start identifies what the workspace was made of. Another one with the same Start can
// go on with the work in this one.
func (w *Workspace) Start() string { return w.start }

// Resume takes over what an agent left in dir, an earlier workspace with the same Start.
func (w *Workspace) Resume(dir string) error {
	old, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer old.Close()
	was, _, err := walk(old)
	if err != nil {
		return err
	}
	now, _, err := walk(w.root)
	for at := range now {
		if _, there := was[at]; !there && err == nil {
			err = w.root.Remove(at)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(was)) {
		var f, here file
		if err == nil {
			f, err = look(old, at)
		}
		if err == nil {
			here, err = look(w.root, at)
		}
		if err == nil && f.state.hasContent() && (f.state != here.state || f.mode != here.mode) {
			err = replace(w.root, at, f)
		}
	}
	if err != nil {
		return fmt.Errorf("taking over the agent's work from %s: %w", dir, err)
	}
	return nil
}

// Leave lets the checkout stay.
func (w *Workspace) Leave() {
	for _, root := range []*os.Root{w.root, w.user} {
		if root != nil {
			_ = root.Close() // of a folder, so nothing was written
		}
	}
}

// Close removes the checkout and all that is in it.
func (w *Workspace) Close() error {
	w.Leave()
	return w.made.Close()
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

// Store stores the target files as git would commit them after BringBack: as the
// agent left them, else as the user has changed them. Objects are stored in the
// folder objects. The result is sorted by path.
func (w *Workspace) Store(ctx context.Context, objects string) (contents []git.Content, err error) {
	dir, err := os.MkdirTemp("", "chant-agent-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files := maps.Clone(w.mine)
	maps.Copy(files, w.left)
	var paths []string
	for at, f := range files {
		if f.state == (state{}) {
			contents = append(contents, git.Content{Path: at})
			continue
		}
		paths = append(paths, at)
		if err := create(root, at, f); err != nil {
			return nil, err
		}
	}
	for _, c := range w.others {
		if _, ok := w.left[c.Path]; !ok {
			contents = append(contents, c)
		}
	}
	stored, err := w.repo.StoreFrom(ctx, dir, paths, objects)
	contents = append(contents, stored...)
	slices.SortFunc(contents, func(a, b git.Content) int { return strings.Compare(a.Path, b.Path) })
	return contents, err
}

// ChangesDependencies reports whether the agent changed a file that says what a project
// installs.
func (w *Workspace) ChangesDependencies() bool {
	for at := range w.left {
		switch path.Base(at) {
		case "package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb",
			"pyproject.toml", "requirements.txt", "setup.py", "setup.cfg", "poetry.lock", "uv.lock", "Pipfile", "Pipfile.lock",
			"Gemfile", "Gemfile.lock", "composer.json", "composer.lock":
			return true
		}
	}
	return false
}

// Conflicts are target files that somebody else changed while the agent worked. They
// stay as they are.
type Conflicts struct {
	Paths []string // sorted
	Aside string   // the folder that holds the agent's version; "" where it removed all of them
}

// BringBack writes the target files that Read found changed into the user's work
// tree, as the agent left them. What is in conflict is written below aside, a folder
// of the project. Each file is written whole or not at all.
func (w *Workspace) BringBack(aside string) (Conflicts, error) {
	if w.left == nil {
		return Conflicts{}, errors.New("what the agent left could not be read")
	}
	paths := slices.Sorted(maps.Keys(w.left))
	slices.Reverse(paths)
	// First those that are gone, from the deepest up, as others may need their names.
	slices.SortStableFunc(paths, func(a, b string) int { return strings.Compare(w.left[a].state.kind, w.left[b].state.kind) })
	var c Conflicts
	for _, at := range paths {
		now, err := lookBehind(w.user, at)
		left := w.left[at]
		gone := left.state == state{}
		switch {
		case err != nil || now == left.state:
		case now != w.targets[at].theirs || now.kind != "" && !now.hasContent():
			c.Paths = append(c.Paths, at)
			if !gone {
				c.Aside = aside
				err = replace(w.user, path.Join(aside, at), left)
			}
		case gone:
			err = w.user.Remove(at)
			for dir := path.Dir(at); err == nil && dir != "." && w.user.Remove(dir) == nil; dir = path.Dir(dir) { // git has no empty folders
			}
		default:
			err = replace(w.user, at, left)
		}
		if err != nil {
			return c, fmt.Errorf("bringing back %s: %w", at, err)
		}
	}
	slices.Sort(c.Paths)
	return c, nil
}
