package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"chant/runner/project"
	"chant/spec"
)

// Workspace is the folder that an agent works in, with what it held before. Only
// target files come back from it.
type Workspace struct {
	dir     string // the project's folder there
	user    string // the user's
	targets func(at string) bool
	before  map[string]fs.FileInfo // of every file, by path
	prints  map[string]string      // of target files, see project.Fingerprint
	theirs  map[string]string      // of the same paths in the user's folder
}

// OpenWorkspace notes what an agent's folder holds before the agent works, and what
// the user's folder holds at the paths of target files.
func OpenWorkspace(dir, user string, targets func(at string) bool) (*Workspace, error) {
	w := &Workspace{dir: dir, user: user, targets: targets, prints: map[string]string{}, theirs: map[string]string{}}
	var err error
	if w.before, err = w.files(); err != nil {
		return nil, err
	}
	for at := range w.before {
		if !targets(at) {
			continue
		}
		if w.prints[at], err = print(dir, at); err == nil {
			w.theirs[at], err = print(user, at)
		}
		if err != nil {
			return nil, err
		}
	}
	return w, nil
}

// files looks at every file of the folder, but git's own. It follows no symbolic
// link. What can't be read is left out.
func (w *Workspace) files() (map[string]fs.FileInfo, error) {
	found := map[string]fs.FileInfo{}
	err := fs.WalkDir(os.DirFS(w.dir), ".", func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && at == ".":
			return err
		case err != nil:
			return nil //nolint:nilerr // the agent may have made it unreadable, which changes nothing here
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		if info, err := entry.Info(); err == nil {
			found[at] = info
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking at the agent's folder: %w", err)
	}
	return found, nil
}

func print(dir, at string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	return project.Fingerprint(root, at)
}

// Changes is what an agent did to its folder.
type Changes struct {
	Targets []string // target files that it changed, added or removed, sorted
	Outside []string // other files, sorted
}

// Changes compares the folder with what it held before.
func (w *Workspace) Changes() (Changes, error) {
	now, err := w.files()
	if err != nil {
		return Changes{}, err
	}
	var c Changes
	note := func(at string) error {
		if !w.targets(at) {
			c.Outside = append(c.Outside, at)
			return nil
		}
		is, err := print(w.dir, at)
		if err == nil && is != w.prints[at] {
			c.Targets = append(c.Targets, at)
		}
		return err
	}
	for at, info := range now {
		if !w.targets(at) && sameFile(w.before[at], info) {
			continue
		}
		if err := note(at); err != nil {
			return Changes{}, err
		}
	}
	for at := range w.before {
		if _, there := now[at]; !there {
			if err := note(at); err != nil {
				return Changes{}, err
			}
		}
	}
	slices.Sort(c.Targets)
	slices.Sort(c.Outside)
	return c, nil
}

// sameFile tells whether a file was not written to, as far as its times tell.
func sameFile(was, is fs.FileInfo) bool {
	return was != nil && os.SameFile(was, is) && was.Mode() == is.Mode() && was.Size() == is.Size() && was.ModTime().Equal(is.ModTime())
}

// File is a target file as the agent left it.
type File struct {
	Path string
	Mode string // as in a git tree: 100644, 100755 or 120000; "" for no file
	Data []byte // of a symbolic link, where it leads
}

// Read reads a target file. What is neither a file nor a symbolic link is an error.
func (w *Workspace) Read(at string) (File, error) {
	root, err := os.OpenRoot(w.dir)
	if err != nil {
		return File{}, err
	}
	defer root.Close()
	info, err := root.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return File{Path: at}, nil
	}
	if err != nil {
		return File{}, fmt.Errorf("reading %s as the agent left it: %w", at, err)
	}
	f := File{Path: at, Mode: "100644"}
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		f.Mode = "120000"
		target, err := root.Readlink(at)
		f.Data = []byte(target)
		return f, err
	case !info.Mode().IsRegular():
		return File{}, fmt.Errorf("the agent made of the target file %s what is neither a file nor a symbolic link", at)
	}
	executable := info.Mode()
	if was, ok := w.before[at]; ok && was.Mode().IsRegular() { // its mode is not for the agent to change
		executable = was.Mode()
	}
	if executable&0o100 != 0 {
		f.Mode = "100755"
	}
	f.Data, err = project.ReadIn(root, at)
	return f, err
}

// BringBack writes target files into the user's folder, as the agent left them. One
// that somebody else changed meanwhile stays as it is there: the agent's version is
// written below aside, a folder of the project, and the path is returned.
func (w *Workspace) BringBack(targets []string, aside string) (conflicts []string, err error) {
	root, err := os.OpenRoot(w.user)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, at := range targets {
		f, err := w.Read(at)
		if err != nil {
			return conflicts, err
		}
		now, err := project.Fingerprint(root, at)
		if err != nil {
			return conflicts, err
		}
		wants, err := print(w.dir, at)
		switch {
		case err != nil:
			return conflicts, err
		case now == wants:
			continue
		case now != w.theirs[at]:
			conflicts = append(conflicts, at)
			if f.Mode == "" {
				continue
			}
			f.Path = path.Join(aside, at)
		}
		if err := f.write(root); err != nil {
			return conflicts, fmt.Errorf("bringing back %s: %w", at, err)
		}
	}
	return conflicts, nil
}

// write makes the file in a folder, or removes it there. A reader sees the old file
// or the new one.
func (f File) write(root *os.Root) error {
	at := filepath.FromSlash(f.Path)
	if f.Mode == "" {
		err := root.Remove(at)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	}
	if err := root.MkdirAll(filepath.Dir(at), 0o777); err != nil {
		return err
	}
	temp := filepath.Join(filepath.Dir(at), ".chant-new-"+filepath.Base(at))
	if err := f.create(root, temp); err != nil {
		return err
	}
	err := root.Rename(temp, at)
	if err != nil {
		err = errors.Join(err, root.Remove(temp))
	}
	return err
}

func (f File) create(root *os.Root, temp string) error {
	if err := root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) { // a killed run left it
		return err
	}
	if f.Mode == "120000" {
		return root.Symlink(string(f.Data), temp)
	}
	perm := fs.FileMode(0o666)
	if f.Mode == "100755" {
		perm = 0o777
	}
	if was, err := root.Lstat(filepath.FromSlash(f.Path)); err == nil && was.Mode().IsRegular() {
		perm = was.Mode().Perm()
	}
	file, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = file.Write(f.Data)
	if err == nil {
		err = file.Chmod(perm)
	}
	return errors.Join(err, file.Sync(), file.Close())
}

// Claims returns, in words, what a spec's file in the agent's folder says of
// completion that it did not say before: it has no effect.
func (w *Workspace) Claims(was *spec.Spec) []string {
	claims := []string{}
	src, err := project.ReadRegular(project.Abs(w.dir, was.Path))
	if err != nil {
		return claims
	}
	now, _ := spec.Parse(was.Path, src)
	for _, c := range now.Criteria {
		if c.Ticked && !slices.ContainsFunc(was.Criteria, func(b spec.Criterion) bool { return b.Ticked && b.Text == c.Text }) {
			claims = append(claims, fmt.Sprintf("ticked criterion %d", c.Number))
		}
	}
	if changed := project.ChangedRecord(was.Meta, now.Meta); changed != "" {
		claims = append(claims, "changed "+changed)
	}
	return claims
}
