package git

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// entry is one line of a tree.
type entry struct {
	name string
	mode filemode.FileMode // one of the six that git writes today; 0 for no entry
	id   Hash
}

// errTree is returned for what isn't in the format of a tree.
var errTree = errors.New("the tree is damaged (run git fsck)")

// Tree returns the tree of a commit.
func (r *Repo) Tree(commit Hash) (Hash, error) {
	c, err := r.commitAt(commit)
	return c.Tree, err
}

// Entry returns the object that a commit holds at a path: a file's blob, a
// folder's tree or a submodule's commit; "" where it holds nothing.
func (r *Repo) Entry(commit Hash, name string) (Hash, error) {
	e, err := r.entryAt(commit, name)
	return e.id, err
}

func (r *Repo) entryAt(commit Hash, name string) (entry, error) {
	c, err := r.commitAt(commit)
	if err != nil {
		return entry{}, err
	}
	return r.lookup(c.Tree, name)
}

// ReadFile returns the content of a file in a commit, as git stores it; of a
// symlink, its target. The path is slash-separated, from the top of the
// repository. The error is fs.ErrNotExist where the commit has no such file.
func (r *Repo) ReadFile(commit Hash, name string) ([]byte, error) {
	e, err := r.entryAt(commit, name)
	if err != nil {
		return nil, err
	}
	if e.mode == 0 || e.mode == filemode.Dir || e.mode == filemode.Submodule {
		return nil, &fs.PathError{Op: "reading " + string(commit), Path: name, Err: fs.ErrNotExist}
	}
	data, err := r.Blob(e.id)
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", name, commit, err)
	}
	return data, nil
}

// List lists all files, symlinks and submodules of a commit, in git's order.
func (r *Repo) List(commit Hash) ([]Content, error) {
	c, err := r.commitAt(commit)
	if err != nil {
		return nil, err
	}
	var files []Content
	err = r.walk(c.Tree, "", func(name string, e entry) {
		files = append(files, Content{Path: name, Mode: modeText(e.mode), Hash: e.id})
	})
	return files, err
}

// modeText writes a mode as git does; "" for no entry.
func modeText(m filemode.FileMode) string {
	if m == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(m), 8)
}

// tree reads a tree; "" is the empty one.
func (r *Repo) tree(id Hash) ([]entry, error) {
	if id == "" {
		return nil, nil
	}
	data, err := r.needed(plumbing.TreeObject, id)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for len(data) > 0 {
		var e entry
		if e, data, err = cutEntry(data, len(id)/2); err != nil {
			return nil, fmt.Errorf("reading object %s: %w", id, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// cutEntry reads the line that data begins with: "mode name\0" and an id of
// idSize bytes.
func cutEntry(data []byte, idSize int) (e entry, rest []byte, err error) {
	mode, data, ok := bytes.Cut(data, []byte(" "))
	name, data, ok2 := bytes.Cut(data, []byte("\x00"))
	bits, err := strconv.ParseUint(string(mode), 8, 32)
	if !ok || !ok2 || err != nil || len(data) < idSize {
		return entry{}, nil, errTree
	}
	return entry{name: string(name), mode: canonical(bits), id: Hash(hex.EncodeToString(data[:idSize]))}, data[idSize:], nil
}

// canonical returns the mode that git reads bits as: old trees have others.
func canonical(bits uint64) filemode.FileMode {
	switch bits & 0o170000 {
	case 0o40000:
		return filemode.Dir
	case 0o120000:
		return filemode.Symlink
	case 0o100000:
		if bits&0o100 != 0 {
			return filemode.Executable
		}
		return filemode.Regular
	default:
		return filemode.Submodule
	}
}

// lookup finds the entry at a path; a zero entry where there is none.
func (r *Repo) lookup(tree Hash, name string) (entry, error) {
	e := entry{mode: filemode.Dir, id: tree}
	for part := range strings.SplitSeq(name, "/") {
		if e.mode != filemode.Dir {
			return entry{}, nil
		}
		entries, err := r.tree(e.id)
		if err != nil {
			return entry{}, err
		}
		e = entry{}
		for _, child := range entries {
			if child.name == part {
				e = child
			}
		}
	}
	return e, nil
}

// walk visits every file, symlink and submodule of a tree. A name that no
// file may have is an error.
func (r *Repo) walk(tree Hash, prefix string, visit func(name string, e entry)) error {
	entries, err := r.tree(tree)
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		name := prefix + e.name
		if !safeName(e.name) || seen[e.name] {
			return fmt.Errorf("refusing the tree entry %q (git fsck names such trees)", name)
		}
		seen[e.name] = true
		if e.mode != filemode.Dir {
			visit(name, e)
		} else if err := r.walk(e.id, name+"/", visit); err != nil {
			return err
		}
	}
	return nil
}

// safeName refuses names that lead elsewhere or mean ".git" to some file
// system: a tree is foreign input.
func safeName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00") && !isDotGit(name)
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
func below(p, folder string) bool {
	return len(p) > len(folder) && p[len(folder)] == '/' && strings.HasPrefix(p, folder)
}
