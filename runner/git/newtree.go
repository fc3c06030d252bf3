package git

import (
	"bytes"
	"io"
	"slices"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// draft collects the objects of a commit until it is sure that there is
// something to commit.
type draft struct {
	repo    *Repo
	seen    map[plumbing.Hash][]object.TreeEntry
	objects []newObject
}

// add takes in an object that is held in memory.
func (d *draft) add(kind plumbing.ObjectType, content []byte) plumbing.Hash {
	h := plumbing.ComputeHash(kind, content)
	d.objects = append(d.objects, newObject{
		kind: kind, hash: h, size: int64(len(content)),
		content: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	})
	return h
}

func (d *draft) addTree(entries []object.TreeEntry) (plumbing.Hash, error) {
	o := &plumbing.MemoryObject{}
	if err := (&object.Tree{Entries: entries}).Encode(o); err != nil {
		return plumbing.ZeroHash, err
	}
	content, err := o.Reader()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return d.add(plumbing.TreeObject, data), nil
}

// entries reads a tree, once.
func (d *draft) entries(tree plumbing.Hash) ([]object.TreeEntry, error) {
	if e, ok := d.seen[tree]; ok {
		return e, nil
	}
	e, err := d.repo.entries(tree)
	if err == nil {
		d.seen[tree] = e
	}
	return e, err
}

// lookup finds the entry at a path; a zero Mode where there is none.
func (d *draft) lookup(tree plumbing.Hash, name string) (object.TreeEntry, error) {
	e := object.TreeEntry{Mode: filemode.Dir, Hash: tree}
	for part := range strings.SplitSeq(name, "/") {
		if e.Mode != filemode.Dir {
			return object.TreeEntry{}, nil
		}
		entries, err := d.entries(e.Hash)
		if err != nil {
			return object.TreeEntry{}, err
		}
		i := slices.IndexFunc(entries, func(e object.TreeEntry) bool { return e.Name == part })
		if i < 0 {
			return object.TreeEntry{}, nil
		}
		e = entries[i]
	}
	return e, nil
}

// tree gives base with the files put in, sorted as they are by path. Only the
// folders on the way to a file are built anew; base itself comes back where
// nothing changed. The zero hash is the tree without entries.
func (d *draft) tree(base plumbing.Hash, prefix string, files []file) (plumbing.Hash, error) {
	old, err := d.entries(base)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	entries := make(map[string]object.TreeEntry, len(old))
	for _, e := range old {
		entries[e.Name] = e
	}
	for name, at := range byName(files, prefix) {
		e, err := d.entry(entries[name], prefix+name, at)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		delete(entries, name)
		if e.Mode != 0 {
			e.Name = name
			entries[name] = e
		}
	}
	list := make([]object.TreeEntry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	if len(list) == 0 {
		return plumbing.ZeroHash, nil
	}
	sort.Sort(object.TreeEntrySorter(list))
	if slices.Equal(list, old) {
		return base, nil
	}
	return d.addTree(list)
}

// byName groups files by the name that follows prefix in their paths.
func byName(files []file, prefix string) map[string][]file {
	groups := make(map[string][]file)
	for _, f := range files {
		name, _, _ := strings.Cut(f.path[len(prefix):], "/")
		groups[name] = append(groups[name], f)
	}
	return groups
}

// entry gives what stands at one name once the files are put in: those at the
// name itself and those below it. A zero Mode is nothing. Deletions count
// before additions, so a file can take a folder's place and the reverse.
func (d *draft) entry(old object.TreeEntry, name string, files []file) (object.TreeEntry, error) {
	if old.Mode == filemode.Submodule {
		return old, &PathError{Path: files[0].path, Reason: name + " is a submodule (commit there)"}
	}
	below := slices.Clone(files)
	var own *file
	if files[0].path == name {
		own, below = &files[0], below[1:]
	}
	adds := slices.ContainsFunc(below, func(f file) bool { return f.mode != 0 })
	switch {
	case own != nil && own.mode != 0 && adds:
		return old, &PathError{Path: name, Reason: "it is both a file and a folder (it changed meanwhile; try again)"}
	case own != nil && own.mode != 0:
		return object.TreeEntry{Mode: own.mode, Hash: own.blob}, nil
	case own != nil && own.mode == 0 && old.Mode == filemode.Dir && len(below) == 0:
		return old, &PathError{Path: name, Reason: "in the last commit it is a folder (name the files in it)"}
	case own != nil && own.mode == 0 && old.Mode != filemode.Dir:
		old = object.TreeEntry{}
	}
	if old.Mode != filemode.Dir && !adds {
		return old, nil
	}
	var base plumbing.Hash
	if old.Mode == filemode.Dir {
		base = old.Hash
	}
	tree, err := d.tree(base, name+"/", below)
	if err != nil || tree.IsZero() {
		return object.TreeEntry{}, err
	}
	return object.TreeEntry{Mode: filemode.Dir, Hash: tree}, nil
}

// root gives the tree of a new commit; base is its parent's, the zero hash
// for a first commit. The error is ErrNothing where there is no difference.
func (d *draft) root(base plumbing.Hash, files []file) (plumbing.Hash, error) {
	tree, err := d.tree(base, "", files)
	if err == nil && tree.IsZero() && !base.IsZero() {
		tree, err = d.addTree(nil)
	}
	if err == nil && tree == base {
		err = ErrNothing
	}
	return tree, err
}
