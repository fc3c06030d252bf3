package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// WriteTree writes the tree of a commit with contents put in, and returns it.
// base is the commit, "" for none. A content without a mode removes what base
// has at the path, unless that is a folder. For objects see Store.
func (r *Repo) WriteTree(ctx context.Context, base Hash, contents []Content, objects string) (Hash, error) {
	tree, err := r.writeTree(ctx, base, contents, objects)
	if err != nil {
		return "", fmt.Errorf("writing a tree: %w", err)
	}
	return tree, nil
}

func (r *Repo) writeTree(ctx context.Context, base Hash, contents []Content, objects string) (tree Hash, err error) {
	if base != "" {
		if tree, err = r.Tree(base); err != nil {
			return "", err
		}
	}
	b, err := r.treeBuilder(ctx, objects)
	if err != nil {
		return "", err
	}
	files := make([]file, len(contents))
	for i, c := range contents {
		if files[i], err = fileOf(c); err != nil {
			return "", err
		}
	}
	next, err := b.tree(tree, "", files)
	if err == nil && next == "" {
		next, err = b.write(nil)
	}
	return next, err
}

// file is a Content with its mode in go-git's form.
type file struct {
	path string
	mode filemode.FileMode // 0 for nothing at the path
	id   Hash
}

func fileOf(c Content) (file, error) {
	if _, err := cleanPaths([]string{c.Path}); err != nil {
		return file{}, err
	}
	if c.Mode == "" {
		return file{path: c.Path}, nil
	}
	mode, err := filemode.New(c.Mode)
	if err == nil && (!c.Hash.valid() || mode == filemode.Dir || modeText(mode) == "0") {
		err = errors.New("it has no hash or no file's mode")
	}
	if err != nil {
		return file{}, &PathError{Path: c.Path, Reason: err.Error()}
	}
	return file{c.Path, mode, c.Hash}, nil
}

// treeBuilder builds trees from others.
type treeBuilder struct {
	repo  *Repo
	write func(entries []entry) (Hash, error) // takes them in git's order
}

// treeBuilder writes by go-git, and by git mktree in a format that go-git does
// not know.
func (r *Repo) treeBuilder(ctx context.Context, objects string) (treeBuilder, error) {
	b := treeBuilder{repo: r}
	f, err := r.format()
	switch {
	case err != nil:
		return b, err
	case !f.native():
		b.write = func(entries []entry) (Hash, error) { return r.makeTree(ctx, entries, objects) }
	case objects == "":
		b.write = func(entries []entry) (Hash, error) { return r.encodeTree(r.common, entries) }
	case filepath.Base(objects) != "objects":
		return b, fmt.Errorf("the object folder %s is not named objects", objects)
	default:
		b.write = func(entries []entry) (Hash, error) { return r.encodeTree(filepath.Dir(objects), entries) }
	}
	return b, nil
}

// tree returns base with the files put in; "" is the tree without entries.
// Only the folders on the way to a file are built anew.
func (b treeBuilder) tree(base Hash, prefix string, files []file) (Hash, error) {
	old, err := b.repo.tree(base)
	if err != nil {
		return "", err
	}
	entries := make(map[string]entry, len(old))
	for _, e := range old {
		entries[e.name] = e
	}
	groups := make(map[string][]file)
	for _, f := range files {
		name, _, _ := strings.Cut(f.path[len(prefix):], "/")
		groups[name] = append(groups[name], f)
	}
	for name, group := range groups {
		e, err := b.entry(entries[name], prefix+name, group)
		if err != nil {
			return "", err
		}
		delete(entries, name)
		if e.mode != 0 {
			e.name = name
			entries[name] = e
		}
	}
	if len(entries) == 0 {
		return "", nil
	}
	list := make([]entry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.sortName(), b.sortName()) })
	if slices.Equal(list, old) {
		return base, nil
	}
	return b.write(list)
}

// sortName is what git sorts the entries of a tree by.
func (e entry) sortName() string {
	if e.mode == filemode.Dir {
		return e.name + "/"
	}
	return e.name
}

// entry returns what is at one name once the files are put in: those at the
// name itself and those below it. Deletions come before additions, so a file
// can replace a folder and the reverse.
func (b treeBuilder) entry(old entry, name string, files []file) (entry, error) {
	var own *file
	var inside []file
	for i, f := range files {
		if f.path == name {
			own = &files[i]
		} else {
			inside = append(inside, f)
		}
	}
	if old.mode == filemode.Submodule && len(inside) > 0 && (own == nil || own.mode != 0) {
		return old, &PathError{Path: inside[0].path, Reason: name + " is a submodule (commit there)"}
	}
	adds := slices.ContainsFunc(inside, func(f file) bool { return f.mode != 0 })
	switch {
	case own != nil && own.mode != 0 && adds:
		return old, &PathError{Path: name, Reason: "it is both a file and a folder (it changed meanwhile; try again)"}
	case own != nil && own.mode != 0:
		return entry{mode: own.mode, id: own.id}, nil
	case own != nil && old.mode != filemode.Dir:
		old = entry{}
	}
	if old.mode != filemode.Dir && !adds {
		return old, nil
	}
	base := old.id
	if old.mode != filemode.Dir {
		base = ""
	}
	tree, err := b.tree(base, name+"/", inside)
	if err != nil || tree == "" {
		return entry{}, err
	}
	return entry{mode: filemode.Dir, id: tree}, nil
}

// encodeTree writes a tree by go-git.
func (r *Repo) encodeTree(gitDir string, entries []entry) (Hash, error) {
	t := &object.Tree{Entries: make([]object.TreeEntry, len(entries))}
	for i, e := range entries {
		t.Entries[i] = object.TreeEntry{Name: e.name, Mode: e.mode, Hash: e.id.plumb()}
	}
	sort.Sort(object.TreeEntrySorter(t.Entries))
	o := &plumbing.MemoryObject{}
	if err := t.Encode(o); err != nil {
		return "", err
	}
	content, err := o.Reader()
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return "", err
	}
	return r.write(gitDir, plumbing.TreeObject, data)
}

// makeTree writes a tree by git.
func (r *Repo) makeTree(ctx context.Context, entries []entry, objects string) (Hash, error) {
	var list strings.Builder
	for _, e := range entries {
		kind := plumbing.BlobObject
		switch e.mode {
		case filemode.Dir:
			kind = plumbing.TreeObject
		case filemode.Submodule:
			kind = plumbing.CommitObject
		}
		fmt.Fprintf(&list, "%s %s %s\t%s\x00", modeText(e.mode), kind, e.id, e.name)
	}
	out, err := r.git(ctx, call{
		args: []string{"mktree", "-z", "--missing"}, stdin: strings.NewReader(list.String()), env: r.objectEnv(objects),
	})
	return Hash(strings.TrimSpace(string(out))), err
}
