package index

import (
	"bytes"
	"slices"
	"strconv"
)

// The TREE extension remembers, folder by folder, how many entries a folder
// has and which tree object they make; a count of -1 says that this is no
// longer known, and no object id follows. A folder comes before its
// subfolders.

// A treeNode is one folder of the extension.
type treeNode struct {
	name     []byte
	subtrees int
	end      int // of this folder's own bytes: its subfolders follow
}

// maxDepth bounds how deep folders may nest.
const maxDepth = 4096

// readTreeNode reads the folder at an offset.
func readTreeNode(data []byte, at int) (treeNode, bool) {
	name, rest, ok := bytes.Cut(data[at:], []byte{0})
	line, _, ok2 := bytes.Cut(rest[:min(len(rest), 32)], []byte{'\n'})
	count, subtrees, ok3 := bytes.Cut(line, []byte{' '})
	if !ok || !ok2 || !ok3 {
		return treeNode{}, false
	}
	n := treeNode{name: name, end: at + len(name) + 1 + len(line) + 1}
	if string(count) != "-1" {
		n.end += hashSize
		if _, ok := decimal(count); !ok || n.end > len(data) {
			return treeNode{}, false
		}
	}
	n.subtrees, ok = decimal(subtrees)
	return n, ok
}

// decimal reads up to nine digits.
func decimal(digits []byte) (n int, ok bool) {
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + int(d-'0')
	}
	return n, 0 < len(digits) && len(digits) <= 9
}

// wellFormedTree tells whether the content of a TREE extension is one tree.
func wellFormedTree(data []byte) bool {
	t := treeCheck{data: data}
	return t.folder(0) && t.at == len(data) && len(t.names[0]) == 0
}

// A treeCheck walks over a whole TREE extension.
type treeCheck struct {
	data  []byte
	at    int
	names [][]byte // of the folders seen whose siblings are still to come
}

// folder checks a folder with all that is below it. Two subfolders of one
// name make git give up; in which order they are, it doesn't care.
func (t *treeCheck) folder(depth int) bool {
	n, ok := readTreeNode(t.data, t.at)
	if !ok || depth > maxDepth {
		return false
	}
	t.at = n.end
	first := len(t.names)
	for range n.subtrees {
		if !t.folder(depth + 1) {
			return false
		}
	}
	siblings := t.names[first:]
	slices.SortFunc(siblings, bytes.Compare)
	for i, name := range siblings {
		if len(name) == 0 || i > 0 && bytes.Equal(name, siblings[i-1]) {
			return false
		}
	}
	t.names = append(t.names[:first], n.name)
	return true
}

// invalidateTree gives a well-formed TREE extension in which the folders that
// the paths lie in are marked as no longer known, as git does it: a folder
// that stands where a path names a file goes with all that is below it, a
// folder that is new or has become empty is left for git to find.
func invalidateTree(data []byte, paths [][]byte) []byte {
	e := treeEdit{data: data, out: make([]byte, 0, len(data))}
	e.folder(make([]byte, 0, 256), paths)
	return e.out
}

// A treeEdit copies a TREE extension.
type treeEdit struct {
	data []byte
	at   int
	out  []byte
}

// folder copies one folder; prefix is its path with a final slash, paths are
// those below it, at least one. What is behind prefix in memory is overwritten.
func (e *treeEdit) folder(prefix []byte, paths [][]byte) {
	n, _ := readTreeNode(e.data, e.at) // well-formed
	e.at = n.end
	start := len(e.out)
	subtrees := 0
	for range n.subtrees {
		child, _ := readTreeNode(e.data, e.at)
		name := append(append(prefix, child.name...), '/')
		if _, isFile := slices.BinarySearchFunc(paths, name[:len(name)-1], bytes.Compare); isFile {
			e.skip()
			continue
		}
		subtrees++
		if below := withPrefix(paths, name); len(below) > 0 {
			e.folder(name, below)
			continue
		}
		from := e.at
		e.skip()
		e.out = append(e.out, e.data[from:e.at]...)
	}
	head := append(slices.Clone(n.name), "\x00-1 "...)
	head = append(strconv.AppendInt(head, int64(subtrees), 10), '\n')
	e.out = slices.Insert(e.out, start, head...)
}

// skip passes over a folder with all that is below it.
func (e *treeEdit) skip() {
	for left := 1; left > 0; left-- {
		n, _ := readTreeNode(e.data, e.at) // well-formed
		e.at = n.end
		left += n.subtrees
	}
}

// withPrefix gives those of the sorted paths that start with the prefix, a
// name with a final slash.
func withPrefix(paths [][]byte, prefix []byte) [][]byte {
	from, _ := slices.BinarySearchFunc(paths, prefix, bytes.Compare)
	to := from
	for to < len(paths) && bytes.HasPrefix(paths[to], prefix) {
		to++
	}
	return paths[from:to]
}
