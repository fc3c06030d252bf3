package agent

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"chant/runner/project"
)

// state is what is at a path of a folder, without its mode bits. The zero value is nothing.
type state struct {
	kind string            // regular, link, or why no commit can hold it
	sum  [sha256.Size]byte // of the content, or of the target of a symbolic link
}

const (
	regular = "a file"
	link    = "a symbolic link"
)

// hasContent tells whether a commit can hold what is there.
func (s state) hasContent() bool { return s.kind == regular || s.kind == link }

// file is a state with the content that it has.
type file struct {
	state state
	data  []byte
	mode  fs.FileMode // to create it with: 0o666 or 0o777
}

// look reads what is at a path that leads through folders alone.
func look(root *os.Root, at string) (file, error) {
	info, err := root.Lstat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return file{}, nil
	case err != nil:
		return file{}, err
	case info.Mode().Type() == fs.ModeSymlink:
		target, err := root.Readlink(at)
		return file{state: state{link, sha256.Sum256([]byte(target))}, data: []byte(target)}, err
	case info.IsDir():
		return file{state: state{kind: "a folder"}}, nil
	case !info.Mode().IsRegular():
		return file{state: state{kind: "neither a file nor a symbolic link"}}, nil
	case info.Size() > project.FileLimit:
		return file{state: state{kind: fmt.Sprintf("larger than %d MiB", project.FileLimit>>20)}}, nil
	}
	data, err := project.ReadIn(root, at, project.FileLimit)
	if errors.Is(err, fs.ErrPermission) {
		return file{state: state{kind: "not readable"}}, nil
	}
	return file{state: state{regular, sha256.Sum256(data)}, data: data, mode: modeOf(info)}, err
}

// lookBehind is look for any path.
func lookBehind(root *os.Root, at string) (state, error) {
	in, err := obstacle(root, at)
	if err != nil || in != "" {
		return state{kind: "behind " + in}, err
	}
	f, err := look(root, at)
	return f.state, err
}

// obstacle returns the kind of what a path leads through, where that is no folder of
// the repository; "" where nothing is in the way.
func obstacle(root *os.Root, at string) (string, error) {
	for i, c := range []byte(at) {
		if c != '/' {
			continue
		}
		info, err := root.Lstat(at[:i])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", nil
		case err != nil:
			return "", err
		case info.Mode().Type() == fs.ModeSymlink:
			return link, nil
		case !info.IsDir():
			return regular, nil
		}
		if _, err := root.Lstat(at[:i] + "/.git"); err == nil {
			return "another repository", nil
		}
	}
	return "", nil
}

// walk lists every file below a folder, but git's own. It follows no symbolic link.
// Folders that can't be read are made readable; closed are those of others.
func walk(root *os.Root) (found map[string]fs.FileInfo, closed []string, err error) {
	found = map[string]fs.FileInfo{}
	err = filepath.WalkDir(root.Name(), func(name string, entry fs.DirEntry, err error) error {
		at := strings.TrimPrefix(strings.TrimPrefix(name, root.Name()), "/")
		switch {
		case errors.Is(err, fs.ErrPermission) && at != "":
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
		return nil, nil, fmt.Errorf("listing the agent's folder: %w", err)
	}
	return found, closed, nil
}

// sameFile tells whether a file was not written to, as far as its times tell.
func sameFile(was, is fs.FileInfo) bool {
	return was != nil && is != nil && os.SameFile(was, is) &&
		was.Mode() == is.Mode() && was.Size() == is.Size() && was.ModTime().Equal(is.ModTime())
}

// modeOf returns what git keeps of a file's mode.
func modeOf(info fs.FileInfo) fs.FileMode {
	if info.Mode()&0o100 != 0 {
		return 0o777
	}
	return 0o666
}

// replace puts a file at a path, in place of what has its name. A reader sees the old
// file or the new one. The permissions stay those of the old one.
func replace(root *os.Root, name string, f file) error {
	temp := path.Join(path.Dir(name), ".chant-"+rand.Text())
	err := create(root, temp, f)
	if was, gone := root.Lstat(name); err == nil && gone == nil && was.Mode().IsRegular() && f.state.kind == regular {
		err = root.Chmod(temp, was.Mode().Perm())
	}
	if err == nil {
		if err = root.Rename(temp, name); err == nil {
			return nil
		}
	}
	if gone := root.Remove(temp); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// create makes a file, with its folders, where nothing is.
func create(root *os.Root, name string, f file) error {
	if err := root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	if f.state.kind == link {
		return root.Symlink(string(f.data), name)
	}
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
	if err != nil {
		return err
	}
	_, err = out.Write(f.data)
	return errors.Join(err, out.Sync(), out.Close())
}
