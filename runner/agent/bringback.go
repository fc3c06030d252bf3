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
	if err != nil || errStatus != nil || head.Commit != w.task.Base {
		return theirs, errors.Join(err, errStatus)
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

// file is a regular file or a symbolic link.
type file struct {
	target     string // of a link
	data       []byte
	executable bool
}

func load(root *os.Root, at string, executable bool) (file, error) {
	if target, err := root.Readlink(at); err == nil {
		return file{target: target}, nil
	}
	data, err := project.ReadIn(root, at, project.FileLimit)
	return file{data: data, executable: executable}, err
}

// replace puts a copy of a file at a path, in place of what has its name. A reader sees the
// old file or the new one. The permissions stay those of the old one.
func replace(to *os.Root, name string, from *os.Root, at string) error {
	info, err := from.Lstat(at)
	if err != nil {
		return err
	}
	f, err := load(from, at, info.Mode()&0o100 != 0)
	if err != nil {
		return err
	}
	temp := path.Join(path.Dir(name), ".chant-"+rand.Text())
	err = f.create(to, temp)
	if was, gone := to.Lstat(name); err == nil && gone == nil && was.Mode().IsRegular() && f.target == "" {
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

// create makes the file, with its folders, where nothing is.
func (f file) create(root *os.Root, name string) error {
	if err := root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	if f.target != "" {
		return root.Symlink(f.target, name)
	}
	perm := fs.FileMode(0o666)
	if f.executable {
		perm = 0o777
	}
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = out.Write(f.data)
	return errors.Join(err, out.Sync(), out.Close())
}
