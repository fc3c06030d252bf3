package prove

import (
	"maps"
	"slices"
	"strings"

	"chant/runner/checkout"
	"chant/runner/git"
)

// Modes of a tree's entries, as git writes them.
const (
	modeSymlink   = "120000"
	modeSubmodule = "160000"
)

// entry is what a tree has at a path; the zero entry is nothing.
type entry struct {
	mode string
	blob git.Hash // of a submodule, its commit
}

func (e entry) exists() bool { return e.mode != "" }

// tree is a git tree by its files.
type tree map[string]entry

func treeOf(files []git.Content) tree {
	t := make(tree, len(files))
	for _, f := range files {
		t[f.Path] = entry{f.Mode, f.Hash}
	}
	return t
}

// put sets one path. Whatever is in the way is removed: a file where a folder is
// needed, the files below the path. The zero entry removes the path.
func (t tree) put(path string, e entry) {
	if !e.exists() {
		delete(t, path)
		return
	}
	for i, c := range path {
		if c == '/' {
			delete(t, path[:i])
		}
	}
	maps.DeleteFunc(t, func(other string, _ entry) bool { return strings.HasPrefix(other, path+"/") })
	t[path] = e
}

// with returns t with every path of a region as it is in from. Paths of the
// region that from does not have are removed.
func (t tree) with(from tree, region func(path string) bool) tree {
	out := maps.Clone(t)
	differing := changedPaths(t, from, region)
	for _, path := range differing { // removals first: a removed file may be in the way of another
		if !from[path].exists() {
			out.put(path, entry{})
		}
	}
	for _, path := range differing {
		if from[path].exists() {
			out.put(path, from[path])
		}
	}
	return out
}

func (t tree) paths() []string { return slices.Sorted(maps.Keys(t)) }

// changedPaths lists, in order, the paths of a region in which two trees differ.
func changedPaths(a, b tree, region func(path string) bool) []string {
	var paths []string
	for path, e := range a {
		if e != b[path] && region(path) {
			paths = append(paths, path)
		}
	}
	for path := range b {
		if !a[path].exists() && region(path) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

func everywhere(string) bool { return true }

// treeSpec describes a tree to run checks in: a commit's tree, in which some
// files may be changed. Equal trees of a proof are one treeSpec.
type treeSpec struct {
	commit    git.Hash
	committed tree
	files     tree
	id        git.Hash // of the tree in git; "" for a changed one before its first checkout
}

// with returns the treeSpec of other files on the same commit.
func (s *treeSpec) with(files tree) *treeSpec {
	if maps.Equal(files, s.files) {
		return s
	}
	return &treeSpec{commit: s.commit, committed: s.committed, files: files}
}

// changes returns what is changed in the commit's tree.
func (s *treeSpec) changes(loose map[git.Hash][]byte) []checkout.Change {
	var changes []checkout.Change
	for _, path := range changedPaths(s.committed, s.files, everywhere) {
		e := s.files[path]
		c := checkout.Change{Path: path, Mode: e.mode, Hash: e.blob}
		if data, ok := loose[e.blob]; ok {
			c.Hash, c.Data = "", data
		}
		changes = append(changes, c)
	}
	return changes
}
