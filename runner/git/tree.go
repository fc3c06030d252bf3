package git

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
)

// The modes that git writes into trees.
const (
	modeFile       = "100644"
	modeExecutable = "100755"
	modeSymlink    = "120000"
	modeSubmodule  = "160000"
	modeFolder     = "40000"
)

// errTree is returned for what isn't in the format of a tree.
var errTree = errors.New("the tree is damaged (run git fsck)")

// Tree returns the tree of a commit; ErrUnknownRevision if there is no such commit.
func (r *Repo) Tree(commit Hash) (Hash, error) {
	data, err := r.read(plumbing.CommitObject, commit)
	if errors.Is(err, errNoObject) {
		return "", fmt.Errorf("reading commit %q: %w", commit, ErrUnknownRevision)
	}
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	tree := Hash(strings.TrimPrefix(line, "tree "))
	if !tree.valid() {
		return "", fmt.Errorf("reading commit %s: it has no tree (run git fsck)", commit)
	}
	return tree, nil
}

// Entry returns the object that a commit holds at a path: a file's blob, a
// folder's tree or a submodule's commit; "" where it holds nothing.
func (r *Repo) Entry(commit Hash, name string) (Hash, error) {
	e, err := r.entryAt(commit, name)
	return e.Hash, err
}

// entryAt finds what a commit has at a path; it has no mode where there is
// nothing.
func (r *Repo) entryAt(commit Hash, name string) (Content, error) {
	tree, err := r.Tree(commit)
	e := Content{Mode: modeFolder, Hash: tree}
	for part := range strings.SplitSeq(name, "/") {
		if err != nil || e.Mode != modeFolder {
			return Content{}, err
		}
		var children []Content
		children, err = r.tree(e.Hash)
		e = Content{}
		for _, child := range children {
			if child.Path == part {
				e = child
			}
		}
	}
	return e, err
}

// ReadFile returns the content of a file in a commit, as git stores it; of a
// symlink, its target. The path is slash-separated, from the top of the
// repository. The error is fs.ErrNotExist where the commit has no such file.
func (r *Repo) ReadFile(commit Hash, name string) ([]byte, error) {
	e, err := r.entryAt(commit, name)
	if err != nil {
		return nil, err
	}
	if e.Mode == "" || e.Mode == modeFolder || e.Mode == modeSubmodule {
		return nil, &fs.PathError{Op: "reading " + string(commit), Path: name, Err: fs.ErrNotExist}
	}
	data, err := r.Blob(e.Hash)
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", name, commit, err)
	}
	return data, nil
}

// List lists all files, symlinks and submodules of a commit, in git's order.
func (r *Repo) List(commit Hash) ([]Content, error) {
	tree, err := r.Tree(commit)
	if err != nil {
		return nil, err
	}
	var files []Content
	err = r.walk(tree, "", func(c Content) { files = append(files, c) })
	return files, err
}

// walk visits every file, symlink and submodule of a tree. A name that no
// file may have is an error.
func (r *Repo) walk(tree Hash, prefix string, visit func(Content)) error {
	entries, err := r.tree(tree)
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		name := e.Path
		e.Path = prefix + name
		if !safeName(name) || seen[name] {
			return fmt.Errorf("refusing the tree entry %q (git fsck names such trees)", e.Path)
		}
		seen[name] = true
		if e.Mode != modeFolder {
			visit(e)
		} else if err := r.walk(e.Hash, e.Path+"/", visit); err != nil {
			return err
		}
	}
	return nil
}

// tree reads the entries of one tree, with their names as paths; "" is the
// empty tree.
func (r *Repo) tree(id Hash) ([]Content, error) {
	if id == "" {
		return nil, nil
	}
	data, err := r.read(plumbing.TreeObject, id)
	if err != nil {
		return nil, err
	}
	var entries []Content
	for len(data) > 0 {
		var e Content
		if e, data, err = cutEntry(data, len(id)/2); err != nil {
			return nil, fmt.Errorf("reading object %s: %w", id, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// cutEntry reads the entry that data begins with: "mode name\0" and an id of
// idSize bytes.
func cutEntry(data []byte, idSize int) (e Content, rest []byte, err error) {
	mode, data, ok := bytes.Cut(data, []byte(" "))
	name, data, ok2 := bytes.Cut(data, []byte("\x00"))
	bits, err := strconv.ParseUint(string(mode), 8, 32)
	if !ok || !ok2 || err != nil || len(data) < idSize {
		return Content{}, nil, errTree
	}
	return Content{Path: string(name), Mode: canonical(bits), Hash: Hash(hex.EncodeToString(data[:idSize]))}, data[idSize:], nil
}

// canonical returns the mode that git reads bits as: old trees have others.
func canonical(bits uint64) string {
	switch bits & 0o170000 {
	case 0o40000:
		return modeFolder
	case 0o120000:
		return modeSymlink
	case 0o100000:
		if bits&0o100 != 0 {
			return modeExecutable
		}
		return modeFile
	default:
		return modeSubmodule
	}
}

// safeName refuses names that lead elsewhere or mean ".git" to some file
// system: a tree is foreign input.
func safeName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00") && !isDotGit(name)
}

// OwnPath reports whether an element of a path means git's own folder, on this system
// or another: no commit can hold such a path.
func OwnPath(p string) bool {
	parts := strings.FieldsFunc(p, func(c rune) bool { return c == '/' || c == '\\' })
	return slices.ContainsFunc(parts, isDotGit)
}

// isDotGit reports whether a name means git's own folder on any system: macOS
// ignores letter case and some characters; Windows has a short name for it,
// and drops dots and blanks at the end and what follows a colon.
func isDotGit(name string) bool {
	name = strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Cf, c) {
			return -1
		}
		return c
	}, name)
	name, _, _ = strings.Cut(name, ":")
	name = strings.TrimRight(name, " .")
	return strings.EqualFold(name, ".git") || strings.EqualFold(name, "git~1")
}

// folders yields the folders that a path lies in, from the top.
func folders(p string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i, c := range []byte(p) {
			if c == '/' && !yield(p[:i]) {
				return
			}
		}
	}
}

// below reports whether a path lies below a folder.
func below(p, folder string) bool { return strings.HasPrefix(p, folder+"/") }
