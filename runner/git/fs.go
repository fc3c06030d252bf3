package git

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// FS gives a commit's tree as a file system, read as it is asked for: git's
// own content (no filter is run), the modes 0644, 0755 and 0755 for folders,
// the committer's time for all, submodules as empty folders. It also is an
// fs.ReadLinkFS, fs.ReadDirFS, fs.ReadFileFS and fs.StatFS. Symlinks are
// followed within the tree; one that leads out of it is fs.ErrNotExist.
//
// A folder with a name that git would never check out, such as "..", can't be
// read. Names that aren't UTF-8 are listed, but io/fs has no way to open them.
// The file system may be used by several goroutines, until r is closed.
func (r *Repo) FS(commit Hash) (fs.FS, error) {
	c, err := r.commitAt(commit)
	if err != nil {
		return nil, err
	}
	return &treeFS{repo: r, root: entry{name: ".", mode: filemode.Dir, id: c.Tree}, time: c.Time}, nil
}

var (
	_ fs.ReadLinkFS  = (*treeFS)(nil)
	_ fs.ReadDirFS   = (*treeFS)(nil)
	_ fs.ReadFileFS  = (*treeFS)(nil)
	_ fs.StatFS      = (*treeFS)(nil)
	_ fs.ReadDirFile = (*openFolder)(nil)
)

type treeFS struct {
	repo *Repo
	root entry
	time time.Time

	folders sync.Map // Hash to sortedTree: trees that were read
}

// sortedTree is a tree's entries, sorted by name.
type sortedTree []entry

const (
	maxLinks  = 40   // symlinks that a path may lead through, as on Linux
	maxTarget = 4096 // bytes of a symlink's target
)

// folder reads a tree, once.
func (t *treeFS) folder(e entry) (sortedTree, error) {
	if e.mode == filemode.Submodule {
		return nil, nil
	}
	if known, ok := t.folders.Load(e.id); ok {
		return known.(sortedTree), nil
	}
	list, err := t.repo.tree(e.id)
	if err == nil {
		err = checkNames(list, "")
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	t.folders.Store(e.id, sortedTree(list))
	return list, nil
}

// find gives the entry at a name. Symlinks on the way are followed; one at
// the end only if follow says so.
func (t *treeFS) find(name string, follow bool) (entry, error) {
	way := []entry{t.root} // from the top to where the search is
	todo := strings.Split(name, "/")
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..": // only in a symlink
			if way = way[:len(way)-1]; len(way) == 0 {
				return entry{}, fs.ErrNotExist
			}
			continue
		}
		e, err := t.child(way[len(way)-1], part)
		if err != nil {
			return entry{}, err
		}
		if e.mode != filemode.Symlink || !follow && len(todo) == 0 {
			way = append(way, e)
			continue
		}
		if links++; links > maxLinks {
			return entry{}, syscall.ELOOP
		}
		target, err := t.target(e)
		if err != nil {
			return entry{}, err
		}
		if path.IsAbs(target) {
			return entry{}, fs.ErrNotExist
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return way[len(way)-1], nil
}

// child gives the entry of a name in a folder.
func (t *treeFS) child(at entry, name string) (entry, error) {
	if !isFolder(at.mode) {
		return entry{}, fs.ErrNotExist
	}
	list, err := t.folder(at)
	if err != nil {
		return entry{}, err
	}
	i, ok := slices.BinarySearchFunc(list, name, func(e entry, name string) int { return strings.Compare(e.name, name) })
	if !ok {
		return entry{}, fs.ErrNotExist
	}
	return list[i], nil
}

// target reads a symlink, which is no longer than a path may be.
func (t *treeFS) target(e entry) (string, error) {
	data, err := t.repo.read(plumbing.BlobObject, e.id)
	if err == nil && len(data) > maxTarget {
		err = syscall.ENAMETOOLONG
	}
	return string(data), err
}

func isFolder(m filemode.FileMode) bool { return m == filemode.Dir || m == filemode.Submodule }

// at checks a name and finds its entry; errors are fs.PathErrors.
func (t *treeFS) at(op, name string, follow bool) (entry, error) {
	if !fs.ValidPath(name) {
		return entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	e, err := t.find(name, follow)
	if err != nil {
		return entry{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return e, nil
}

// Open opens a file or folder.
func (t *treeFS) Open(name string) (fs.File, error) {
	e, err := t.at("open", name, true)
	if err != nil {
		return nil, err
	}
	info := &fileInfo{fs: t, entry: e}
	info.name = path.Base(name)
	if isFolder(e.mode) {
		list, err := t.list(e)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return &openFolder{info: info, path: name, left: list}, nil
	}
	data, err := t.repo.read(plumbing.BlobObject, e.id)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	info.size, info.sized = int64(len(data)), true
	return &openFile{info: info, Reader: bytes.NewReader(data)}, nil
}

// ReadFile gives a file's content.
func (t *treeFS) ReadFile(name string) ([]byte, error) {
	e, err := t.at("read", name, true)
	if err == nil && isFolder(e.mode) {
		err = &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	}
	if err != nil {
		return nil, err
	}
	data, err := t.repo.read(plumbing.BlobObject, e.id)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

// ReadDir lists a folder.
func (t *treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := t.at("readdir", name, true)
	if err == nil && !isFolder(e.mode) {
		err = &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return nil, err
	}
	list, err := t.list(e)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return list, nil
}

func (t *treeFS) list(e entry) ([]fs.DirEntry, error) {
	in, err := t.folder(e)
	if err != nil {
		return nil, err
	}
	list := make([]fs.DirEntry, len(in))
	for i, e := range in {
		list[i] = &fileInfo{fs: t, entry: e}
	}
	return list, nil
}

// Stat describes what a name leads to.
func (t *treeFS) Stat(name string) (fs.FileInfo, error) { return t.stat("stat", name, true) }

// Lstat describes what a name is.
func (t *treeFS) Lstat(name string) (fs.FileInfo, error) { return t.stat("lstat", name, false) }

func (t *treeFS) stat(op, name string, follow bool) (fs.FileInfo, error) {
	e, err := t.at(op, name, follow)
	if err != nil {
		return nil, err
	}
	info := &fileInfo{fs: t, entry: e}
	info.name = path.Base(name)
	return info.Info()
}

// ReadLink gives a symlink's target as it is.
func (t *treeFS) ReadLink(name string) (string, error) {
	e, err := t.at("readlink", name, false)
	if err == nil && e.mode != filemode.Symlink {
		err = &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		return "", err
	}
	target, err := t.target(e)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return target, nil
}
