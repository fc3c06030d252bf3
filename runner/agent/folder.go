package agent

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"chant/runner/project"
)

// state is what is at a path of a folder: the content of a file, the target of a
// symbolic link, or one of the constants. Mode bits are no part of it.
type state string

const (
	absent      state = ""
	unreachable state = "behind a file, a symbolic link or in another repository"
	directory   state = "a folder"
	special     state = "neither a file nor a symbolic link"
	unreadable  state = "not readable"
)

// large is the state of a file whose content is not looked at.
func large() state { return state(fmt.Sprintf("larger than %d MiB", project.FileLimit>>20)) }

const (
	fileState = "file "
	linkState = "link "
)

// hasContent tells whether a commit can hold what is there.
func (s state) hasContent() bool {
	return strings.HasPrefix(string(s), fileState) || s.isLink()
}

func (s state) isLink() bool { return strings.HasPrefix(string(s), linkState) }

// stateOf looks at a path that leads through folders alone.
func stateOf(root *os.Root, at string) (state, error) {
	info, err := root.Lstat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return absent, nil
	case err != nil:
		return absent, err
	case info.Mode().Type() == fs.ModeSymlink:
		target, err := root.Readlink(at)
		return state(linkState + target), err
	case info.IsDir():
		return directory, nil
	case !info.Mode().IsRegular():
		return special, nil
	case info.Size() > project.FileLimit:
		return large(), nil
	}
	f, err := root.OpenFile(at, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		return unreadable, nil
	}
	if err != nil {
		return absent, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return absent, err
	}
	return state(fileState + hex.EncodeToString(sum.Sum(nil))), nil
}

// stateIn looks at any path.
func stateIn(root *os.Root, at string) (state, error) {
	in, err := obstacle(root, at)
	if err != nil {
		return absent, err
	}
	if in != free {
		return unreachable, nil
	}
	return stateOf(root, at)
}

// way is what a path leads through.
type way int

const (
	free         way = iota // folders of the repository, which need not be there
	throughFile             // a file
	throughOther            // a symbolic link or another repository
)

// obstacle looks at what a path leads through from the top of a repository.
func obstacle(root *os.Root, at string) (way, error) {
	for i, c := range []byte(at) {
		if c != '/' {
			continue
		}
		info, err := root.Lstat(at[:i])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return free, nil
		case err != nil:
			return free, err
		case info.Mode().Type() == fs.ModeSymlink:
			return throughOther, nil
		case !info.IsDir():
			return throughFile, nil
		}
		if _, err := root.Lstat(at[:i] + "/.git"); err == nil {
			return throughOther, nil
		}
	}
	return free, nil
}

// walk looks at every file below a folder, but git's own. It follows no symbolic
// link. Folders that can't be read are made readable; closed are those of others.
func walk(root *os.Root) (found map[string]fs.FileInfo, closed []string, err error) {
	found = map[string]fs.FileInfo{}
	err = filepath.WalkDir(root.Name(), func(name string, entry fs.DirEntry, err error) error {
		at, errRel := filepath.Rel(root.Name(), name)
		switch at = filepath.ToSlash(at); {
		case errRel != nil:
			return errRel
		case errors.Is(err, fs.ErrPermission) && at != ".":
			closed = append(closed, at)
			return nil
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		}
		info, err := entry.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist): // a process that the agent left removed it
		case err != nil:
			return err
		case !entry.IsDir():
			found[at] = info
		case info.Mode()&0o500 != 0o500:
			_ = root.Chmod(at, info.Mode().Perm()|0o700) // else it can't be read, which shows next
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("looking at the agent's folder: %w", err)
	}
	return found, closed, nil
}

// sameFile tells whether a file was not written to, as far as its times tell.
func sameFile(was, is fs.FileInfo) bool {
	return was != nil && is != nil && os.SameFile(was, is) &&
		was.Mode() == is.Mode() && was.Size() == is.Size() && was.ModTime().Equal(is.ModTime())
}

func isExecutable(info fs.FileInfo) bool { return info.Mode().IsRegular() && info.Mode()&0o100 != 0 }

// replaceBy puts a copy of another folder's file or symbolic link into a folder, in
// place of what has its name. A reader there sees the old file or the new one. A file
// keeps the permissions of the one that it replaces.
func replaceBy(from *os.Root, at string, to *os.Root, name string) error {
	temp := path.Join(path.Dir(name), ".chant-"+rand.Text())
	err := copyFile(from, at, to, temp)
	if err == nil {
		err = finish(to, temp, name)
	}
	if err == nil {
		err = to.Rename(temp, name)
	}
	if err == nil {
		return nil
	}
	if gone := to.Remove(temp); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// finish gives a new file the permissions of the one that it is to replace, and sees
// that its content outlives a power failure.
func finish(root *os.Root, temp, name string) error {
	info, err := root.Lstat(temp)
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := root.Open(temp)
	if err != nil {
		return err
	}
	was, errWas := root.Lstat(name)
	if errWas == nil && was.Mode().IsRegular() {
		err = f.Chmod(was.Mode().Perm())
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// copyFile copies a file or a symbolic link to where nothing is.
func copyFile(from *os.Root, at string, to *os.Root, name string) error {
	if err := to.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	info, err := from.Lstat(at)
	if err != nil {
		return err
	}
	if info.Mode().Type() == fs.ModeSymlink {
		target, err := from.Readlink(at)
		if err != nil {
			return err
		}
		return to.Symlink(target, name)
	}
	in, err := from.OpenFile(at, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	perm := fs.FileMode(0o666)
	if isExecutable(info) {
		perm = 0o777
	}
	out, err := to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
