package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
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

// Task says what an agent finds in its checkout, and what of it may come back.
type Task struct {
	Spec    *spec.Spec
	Base    git.Hash // the commit that is checked out; "" is an empty tree
	Targets []string // the user's changed target files, which are there, too
	Chant   []string // and changed files below .chant
	// Keep is a folder of the run that the agent can't write to. What is needed to find out
	// what the agent did is kept there.
	Keep string
	Dir  string // the checkout of an earlier workspace with the same Keep; "" makes a new one
}

// Workspace is the checkout that an agent works in. Only target files come back from it,
// and only by BringBack. Its methods are called one at a time, and not while the agent works.
type Workspace struct {
	repo       *git.Repo
	task       Task
	dir        string
	root, user *os.Root    // the checkout and the user's work tree
	top        fs.FileInfo // of the checkout
	start      string
	laid       []git.Content // the user's changed target files
	// left holds the target files that the agent changed; nil where they can't be read. Only
	// this, with a copy of the files, is used once the agent is done, lest one thing be checked
	// and another brought back.
	left map[string]change
}

// change is what an agent made of a target file. A file that is not there has no Mode.
type change struct{ was, is git.Content }

// OpenWorkspace makes the checkout, or goes on with the one that is there, if it has the same
// Start. Close the result, which leaves the checkout.
func OpenWorkspace(ctx context.Context, repo *git.Repo, source *checkout.Source, task Task) (_ *Workspace, err error) {
	w := &Workspace{repo: repo, task: task, dir: task.Dir, left: map[string]change{}}
	if err := os.MkdirAll(w.objects(), 0o700); err != nil {
		return nil, err
	}
	all, err := repo.Store(ctx, slices.Concat(task.Targets, task.Chant), w.objects())
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	fmt.Fprintln(h, task.Base)
	for _, c := range all {
		if slices.Contains(task.Targets, c.Path) {
			w.laid = append(w.laid, c)
			fmt.Fprintf(h, "%q %s %s\n", c.Path, c.Mode, c.Hash)
		}
	}
	w.start = fmt.Sprintf("sha256:%x", h.Sum(nil))
	if w.dir == "" {
		if err := w.checkOut(ctx, source, all); err != nil {
			return nil, err
		}
	}
	if w.root, err = os.OpenRoot(w.dir); err != nil { // which the agent may replace by another folder
		return nil, err
	}
	if w.top, err = w.root.Stat("."); err != nil {
		return nil, err
	}
	w.user, err = os.OpenRoot(repo.Dir())
	return w, err
}

// checkOut makes the checkout, with the contents beside the commit.
func (w *Workspace) checkOut(ctx context.Context, source *checkout.Source, contents []git.Content) error {
	draft, err := source.New()
	if err != nil {
		return err
	}
	if err := os.CopyFS(draft.Objects(), os.DirFS(w.objects())); err != nil {
		return errors.Join(err, draft.Close())
	}
	made, err := draft.Checkout(ctx, w.task.Base, checkout.Changes(contents))
	if err != nil {
		return err
	}
	w.dir = made.Dir()
	return w.repo.Snapshot(ctx, w.dir, w.task.Keep, w.objects())
}

func (w *Workspace) objects() string { return filepath.Join(w.task.Keep, "objects") }
func (w *Workspace) copies() string  { return filepath.Join(w.task.Keep, "left") }

// Dir returns the folder that the agent works in.
func (w *Workspace) Dir() string { return w.dir }

// Start identifies the commit and the target files that the workspace is made of.
func (w *Workspace) Start() string { return w.start }

// Close ends the use of the checkout, and leaves it as it is.
func (w *Workspace) Close() error { return errors.Join(w.root.Close(), w.user.Close()) }

// comesBack tells whether a path may come back: target files do. What of chant's own
// files does has to be named as such, so that "**" is not enough to give an agent other
// specs; its config and its store never do.
func (w *Workspace) comesBack(at string) bool {
	if !strings.HasPrefix(at, project.ChantDir+"/") {
		return w.task.Spec.Targets(at)
	}
	return at != project.ConfigFile && at != w.task.Spec.Path && !strings.HasPrefix(at, project.StoreDir+"/") &&
		slices.ContainsFunc(w.task.Spec.TargetFiles, func(item spec.Item) bool {
			return strings.HasPrefix(path.Clean(item.Value), project.ChantDir+"/") && spec.MatchPath(item.Value, at)
		})
}

// Store returns the target files as git would commit them after BringBack: as the agent
// left them, else as the user has changed them, sorted by path. It puts them into the
// folder objects.
func (w *Workspace) Store(objects string) ([]git.Content, error) {
	if err := os.CopyFS(objects, os.DirFS(w.objects())); err != nil {
		return nil, err
	}
	var contents []git.Content
	for _, c := range w.laid {
		if _, changed := w.left[c.Path]; !changed {
			contents = append(contents, c)
		}
	}
	for _, c := range w.left {
		contents = append(contents, c.is)
	}
	slices.SortFunc(contents, func(a, b git.Content) int { return strings.Compare(a.Path, b.Path) })
	return contents, nil
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
