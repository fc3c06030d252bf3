package prove

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"

	"chant/runner/git"
)

// The modes of a tree's entries, as git writes them.
const (
	modeFile       = "100644"
	modeExecutable = "100755"
	modeSymlink    = "120000"
	modeSubmodule  = "160000"
	modeFolder     = "40000"
)

// entry is a file of a tree; the zero entry is none.
type entry struct {
	mode string
	blob git.Hash
	from git.Hash // a commit that holds it at its path; "" where data is the content
	data []byte
}

func (e entry) exists() bool { return e.mode != "" }

func (e entry) same(other entry) bool { return e.mode == other.mode && e.blob == other.blob }

// tree is a git tree by its files.
type tree map[string]entry

func treeOf(commit git.Hash, files []git.File) tree {
	t := make(tree, len(files))
	for _, f := range files {
		t[f.Path] = entry{mode: f.Mode, blob: f.Hash, from: commit}
	}
	return t
}

// put sets one path. What stands in its way goes: a file where it needs a
// folder, the files below it where it is none. The zero entry removes the path.
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

// with gives t with every path of a region as it is in from, so also without
// those that from does not have.
func (t tree) with(from tree, region func(path string) bool) tree {
	out := maps.Clone(t)
	differing := changedPaths(t, from, region)
	for _, path := range differing { // first what goes, lest it hide what comes
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

// changedPaths lists, in order, the paths of a region in which two trees differ.
func changedPaths(a, b tree, region func(path string) bool) []string {
	var paths []string
	for path, e := range a {
		if !e.same(b[path]) && region(path) {
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

// id gives the tree's name in git: what git write-tree would print for it
// (git's Documentation/technical, hash of "tree <size>\0" and the entries).
func (t tree) id() git.Hash {
	newHash := sha1.New
	for _, e := range t {
		if len(e.blob) == 2*sha256.Size {
			newHash = sha256.New
		}
		break // a repository has one kind
	}
	return t.folder(newHash, t.paths(), "")
}

// folder names the tree of one folder; paths are all below it, sorted.
func (t tree) folder(newHash func() hash.Hash, paths []string, prefix string) git.Hash {
	type child struct {
		name, mode string
		id         git.Hash
	}
	var children []child
	for i := 0; i < len(paths); {
		name, _, nested := strings.Cut(paths[i][len(prefix):], "/")
		if !nested {
			e := t[paths[i]]
			children = append(children, child{name, e.mode, e.blob})
			i++
			continue
		}
		below := prefix + name + "/"
		end := i
		for end < len(paths) && strings.HasPrefix(paths[end], below) {
			end++
		}
		children = append(children, child{name, modeFolder, t.folder(newHash, paths[i:end], below)})
		i = end
	}
	sortable := func(c child) string { // git sorts a folder as if its name ended in a slash
		if c.mode == modeFolder {
			return c.name + "/"
		}
		return c.name
	}
	slices.SortFunc(children, func(a, b child) int { return cmp.Compare(sortable(a), sortable(b)) })
	var body []byte
	for _, c := range children {
		body = append(body, c.mode+" "+c.name+"\x00"...)
		body, _ = hex.AppendDecode(body, []byte(c.id)) // ids are git's: always hexadecimal
	}
	return objectID(newHash, "tree", body)
}

// objectID names an object by its content.
func objectID(newHash func() hash.Hash, kind string, body []byte) git.Hash {
	h := newHash()
	fmt.Fprintf(h, "%s %d\x00", kind, len(body)) // a hash takes every write
	h.Write(body)
	return git.Hash(hex.EncodeToString(h.Sum(nil)))
}

// blobID names a file's content, in the kind of hash that another id is of.
func blobID(like git.Hash, data []byte) git.Hash {
	if len(like) == 2*sha256.Size {
		return objectID(sha256.New, "blob", data)
	}
	return objectID(sha1.New, "blob", data)
}

func (t tree) paths() []string { return slices.Sorted(maps.Keys(t)) }
