package agent

import (
	"context"
	"crypto/rand"
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
		info, err := w.user.Lstat(at)
		switch {
		case !direct(w.user, at):
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
	return theirs, err
}

// bringBack does so with one file, in place of what is there now.
func (w *Workspace) bringBack(run *record.AgentRun, at string, now git.Content, copies *os.Root, aside string) error {
	change := w.left[at]
	change.was.Path = at
	switch {
	case now == change.is:
	case now != change.was:
		run.Conflicts = append(run.Conflicts, at)
		if change.is.Mode != "" {
			run.Aside = aside
			return replace(w.user, path.Join(aside, at), copies, at)
		}
	case change.is.Mode == "":
		err := w.user.Remove(at)
		for dir := path.Dir(at); err == nil && dir != "." && w.user.Remove(dir) == nil; dir = path.Dir(dir) { // git has no empty folders
		}
		return err
	default:
		return replace(w.user, at, copies, at)
	}
	return nil
}

// direct tells whether a path leads through folders of the repository alone.
func direct(root *os.Root, at string) bool {
	for i, c := range []byte(at) {
		if c != '/' {
			continue
		}
		if info, err := root.Lstat(at[:i]); err == nil && !info.IsDir() {
			return false
		}
		if _, err := root.Lstat(at[:i] + "/.git"); err == nil {
			return false
		}
	}
	return true
}

// stat describes the file at a path; nil where there is none. A folder is nothing, as it
// is to git, and what is behind a symbolic link is somewhere else.
func stat(root *os.Root, at string) (fs.FileInfo, error) {
	info, err := root.Lstat(at)
	if !direct(root, at) || errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil, nil
	}
	return info, err
}

// replace puts a copy of a file at a path, in place of what has its name. A reader sees the
// old file or the new one. The permissions stay those of the old one.
func replace(to *os.Root, name string, from *os.Root, at string) error {
	info, err := from.Lstat(at)
	if err != nil {
		return err
	}
	temp := path.Join(path.Dir(name), ".chant-"+rand.Text())
	err = put(to, temp, from, at, info.Mode()&0o100 != 0)
	if was, gone := to.Lstat(name); err == nil && gone == nil && was.Mode().IsRegular() && info.Mode().IsRegular() {
		err = to.Chmod(temp, was.Mode().Perm())
	}
	if err == nil {
		if err = to.Rename(temp, name); err == nil {
			return nil
		}
	}
	if gone := to.Remove(temp); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// put makes a copy of a file or a symbolic link, with its folders, where nothing is.
func put(to *os.Root, name string, from *os.Root, at string, executable bool) error {
	if err := to.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	if target, err := from.Readlink(at); err == nil {
		return to.Symlink(target, name)
	}
	data, err := project.ReadIn(from, at, project.FileLimit)
	if err != nil {
		return err
	}
	perm := fs.FileMode(0o666)
	if executable {
		perm = 0o777
	}
	out, err := to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	return errors.Join(err, out.Sync(), out.Close())
}
