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

// tree is a git tree: its files by path.
type tree map[string]git.Content

func treeOf(files []git.Content) tree {
	t := make(tree, len(files))
	for _, f := range files {
		t[f.Path] = f
	}
	return t
}

// put sets one path, or removes it if the content has no mode. Whatever is in the
// way is removed: a file where a folder is needed, the files below the path.
func (t tree) put(c git.Content) {
	if c.Mode == "" {
		delete(t, c.Path)
		return
	}
	for i, char := range c.Path {
		if char == '/' {
			delete(t, c.Path[:i])
		}
	}
	maps.DeleteFunc(t, func(other string, _ git.Content) bool { return strings.HasPrefix(other, c.Path+"/") })
	t[c.Path] = c
}

// with returns t with every path of a region as it is in from. Paths of the
// region that from does not have are removed.
func (t tree) with(from tree, region func(path string) bool) tree {
	out := maps.Clone(t)
	maps.DeleteFunc(out, func(path string, c git.Content) bool { return c != from[path] && region(path) })
	for path, c := range from {
		if c != out[path] && region(path) {
			out.put(c)
		}
	}
	return out
}

func (t tree) paths() []string { return slices.Sorted(maps.Keys(t)) }

// changedPaths lists, in order, the paths of a region in which two trees differ.
func changedPaths(a, b tree, region func(path string) bool) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.DeleteFunc(all.paths(), func(path string) bool { return a[path] == b[path] || !region(path) })
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
		c := checkout.Change{Path: path, Mode: e.Mode, Hash: e.Hash}
		if data, ok := loose[e.Hash]; ok {
			c.Hash, c.Data = "", data
		}
		changes = append(changes, c)
	}
	return changes
}
