package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
)

// BringBack writes the target files that Read found changed into the user's work
// tree, as the agent left them. What somebody else changed meanwhile stays as it is, and the
// agent's version is written below aside, a folder of the project: both are recorded. Each
// file is written whole or not at all.
func (w *Workspace) BringBack(ctx context.Context, run *record.AgentRun, aside string) error {
	if w.left == nil {
		return errors.New("what the agent left could not be read")
	}
	if len(w.left) == 0 {
		return nil
	}
	copies, err := os.OpenRoot(w.copies())
	if err != nil {
		return err
	}
	defer copies.Close()
	var gone, there []string
	for at, change := range w.left {
		if change.is.Mode == "" {
			gone = append(gone, at)
		} else {
			there = append(there, at)
		}
	}
	// First those that are gone, as others may need their names.
	for _, paths := range [][]string{gone, there} {
		theirs, err := w.theirs(ctx, paths)
		for _, at := range paths {
			if err == nil {
				err = w.bringBack(run, at, theirs[at], copies, aside)
			}
		}
		if err != nil {
			return fmt.Errorf("bringing back the agent's work: %w", err)
		}
	}
	slices.Sort(run.Conflicts)
	return nil
}

// theirs returns what is at the paths in the user's work tree, but where it is nothing
// that git could store.
func (w *Workspace) theirs(ctx context.Context, paths []string) (map[string]git.Content, error) {
	theirs := map[string]git.Content{}
	var ask []string
	for _, at := range paths {
		straight, _ := direct(w.user, at)
		info, err := w.user.Lstat(at)
		switch {
		case !straight:
		case errors.Is(err, fs.ErrNotExist):
			theirs[at] = git.Content{Path: at}
		case err == nil && (info.Mode().IsRegular() || info.Mode().Type() == fs.ModeSymlink):
			ask = append(ask, at)
		}
	}
	stored, err := w.repo.Store(ctx, ask, w.objects())
	for _, c := range stored {
		theirs[c.Path] = c
	}
	if err != nil || !slices.ContainsFunc(paths, func(at string) bool { return theirs[at] != w.left[at].was }) {
		return theirs, err
	}
	// Git may convert a file otherwise than it was committed, and a sparse checkout lacks some:
	// what git has as unchanged is as it was.
	head, err := w.repo.Head()
	changes, errStatus := w.repo.Status(ctx)
	if err = errors.Join(err, errStatus); err != nil || head.Commit != w.task.Base {
		return theirs, err
	}
	for _, at := range paths {
		changed := slices.ContainsFunc(changes, func(c git.Change) bool { return c.Path == at })
		laid := slices.ContainsFunc(w.laid, func(c git.Content) bool { return c.Path == at })
		if now, there := theirs[at]; there && !changed && !laid && w.left[at].was.Mode != "" && now != w.left[at].is {
			theirs[at] = w.left[at].was
		}
	}
	return theirs, nil
}

// bringBack does so with one file, in place of what is there now.
func (w *Workspace) bringBack(run *record.AgentRun, at string, now git.Content, copies *os.Root, aside string) error {
	change, f := w.left[at], project.File{}
	if change.is.Mode != "" {
		var err error
		if f, err = project.ReadFile(copies, at); err != nil {
			return err
		}
	}
	switch {
	case now == change.is:
	case now != change.was:
		run.Conflicts = append(run.Conflicts, at)
		if change.is.Mode != "" {
			run.Aside = aside
			return f.Replace(w.user, path.Join(aside, at))
		}
	case change.is.Mode == "":
		err := w.user.Remove(at)
		for dir := path.Dir(at); err == nil && dir != "." && w.user.Remove(dir) == nil; dir = path.Dir(dir) { // git has no empty folders
		}
		return err
	default:
		return f.Replace(w.user, at)
	}
	return nil
}

// errElsewhere is returned for a path that leads into another repository.
var errElsewhere = errors.New("it is in a repository of its own")

// direct tells whether a path leads through folders alone, and not through a symbolic link.
func direct(root *os.Root, at string) (bool, error) {
	for i, c := range []byte(at) {
		if c != '/' {
			continue
		}
		if info, err := root.Lstat(at[:i]); err == nil && !info.IsDir() {
			return false, nil
		}
		if _, err := root.Lstat(at[:i] + "/.git"); err == nil {
			return false, errElsewhere
		}
	}
	return true, nil
}

// stat describes the file at a path; nil where there is none. A folder is nothing, as it
// is to git, and what is behind a symbolic link is somewhere else.
func stat(root *os.Root, at string) (fs.FileInfo, error) {
	straight, err := direct(root, at)
	if err != nil {
		return nil, err
	}
	info, err := root.Lstat(at)
	if !straight || errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil, nil
	}
	return info, err
}
