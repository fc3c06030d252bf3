package git

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// entry is one line of a tree.
type entry struct {
	name string
	mode filemode.FileMode // one of the six that git writes today
	id   Hash
}

// errTree is returned for what isn't in the format of a tree.
var errTree = errors.New("the tree is damaged (run git fsck)")

// Tree gives the tree of a commit.
func (r *Repo) Tree(commit Hash) (Hash, error) {
	c, err := r.commitAt(commit)
	return c.Tree, err
}

// Entry gives the object that a commit holds at a path: a file's blob, a
// folder's tree or a submodule's commit; "" where it holds nothing.
func (r *Repo) Entry(commit Hash, name string) (Hash, error) {
	c, err := r.commitAt(commit)
	if err != nil {
		return "", err
	}
	e, err := r.lookup(c.Tree, name)
	return e.id, err
}

// ReadFile gives the content of a file in a commit, as git stores it; of a
// symlink, its target. The path is slash-separated, from the top of the
// repository. The error is fs.ErrNotExist where the commit has no such file.
func (r *Repo) ReadFile(commit Hash, name string) ([]byte, error) {
	c, err := r.commitAt(commit)
	if err != nil {
		return nil, err
	}
	e, err := r.lookup(c.Tree, name)
	if err != nil {
		return nil, err
	}
	if !isFile(e.mode) {
		return nil, &fs.PathError{Op: "reading " + string(commit), Path: name, Err: fs.ErrNotExist}
	}
	data, err := r.read(plumbing.BlobObject, e.id)
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", name, commit, err)
	}
	return data, nil
}

// Files lists the files and symlinks below a folder of a commit, in git's
// order, by their paths from the top of the repository. An empty under or
// "." is the whole tree; a folder that doesn't exist has no files.
func (r *Repo) Files(commit Hash, under string) ([]string, error) {
	c, err := r.commitAt(commit)
	if err != nil {
		return nil, err
	}
	under = path.Clean(under)
	tree, prefix := c.Tree, ""
	if under != "." {
		e, err := r.lookup(c.Tree, under)
		if err != nil {
			return nil, err
		}
		if e.mode != filemode.Dir {
			return nil, nil
		}
		tree, prefix = e.id, under+"/"
	}
	var files []string
	err = r.walk(tree, prefix, func(name string, e entry) error {
		if isFile(e.mode) {
			files = append(files, name)
		}
		return nil
	})
	return files, err
}

// isFile tells whether an entry is a file or a symlink.
func isFile(m filemode.FileMode) bool {
	return m == filemode.Regular || m == filemode.Executable || m == filemode.Symlink
}

// tree reads a tree; "" is the empty one.
func (r *Repo) tree(id Hash) ([]entry, error) {
	if id == "" {
		return nil, nil
	}
	data, err := r.read(plumbing.TreeObject, id)
	if err != nil {
		return nil, err
	}
	return parseTree(id, data, r.format.idSize())
}

// parseTree reads a tree's lines, which are "mode name\0" and the raw id.
func parseTree(id Hash, data []byte, idSize int) ([]entry, error) {
	var entries []entry
	for len(data) > 0 {
		raw, rest, err := cutEntry(data, idSize)
		if err != nil {
			return nil, fmt.Errorf("reading object %s: %w", id, err)
		}
		entries = append(entries, raw.entry())
		data = rest
	}
	return entries, nil
}

// rawEntry is a line of a tree, in place.
type rawEntry struct {
	mode     filemode.FileMode
	name, id []byte
}

func (e rawEntry) entry() entry {
	return entry{name: string(e.name), mode: e.mode, id: Hash(hex.EncodeToString(e.id))}
}

// cutEntry reads the line that data begins with.
func cutEntry(data []byte, idSize int) (e rawEntry, rest []byte, err error) {
	mode, data, ok := bytes.Cut(data, []byte(" "))
	name, data, ok2 := bytes.Cut(data, []byte("\x00"))
	bits, err := strconv.ParseUint(string(mode), 8, 32)
	if !ok || !ok2 || err != nil || len(data) < idSize {
		return rawEntry{}, nil, errTree
	}
	return rawEntry{mode: canonical(bits), name: name, id: data[:idSize]}, data[idSize:], nil
}

// canonical gives the mode that git reads bits as: old trees have others.
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

// findEntry looks for a name in a tree; a zero mode where there is none.
func findEntry(id Hash, data []byte, name string, idSize int) (entry, error) {
	for len(data) > 0 {
		raw, rest, err := cutEntry(data, idSize)
		if err != nil {
			return entry{}, fmt.Errorf("reading object %s: %w", id, err)
		}
		if string(raw.name) == name {
			return raw.entry(), nil
		}
		data = rest
	}
	return entry{}, nil
}

// child finds a name in the tree id, "" for the empty one; a zero mode where there is none.
func (r *Repo) child(id Hash, name string) (entry, error) {
	if id == "" {
		return entry{}, nil
	}
	data, err := r.read(plumbing.TreeObject, id)
	if err != nil {
		return entry{}, err
	}
	return findEntry(id, data, name, r.format.idSize())
}

// lookup finds the entry at a path; a zero mode where there is none.
func (r *Repo) lookup(tree Hash, name string) (entry, error) {
	e := entry{mode: filemode.Dir, id: tree}
	for part := range strings.SplitSeq(name, "/") {
		if e.mode != filemode.Dir {
			return entry{}, nil
		}
		var err error
		if e, err = r.child(e.id, part); err != nil {
			return entry{}, err
		}
	}
	return e, nil
}

// walk visits every entry of a tree, a folder before what it holds. A name
// that no file may have is an error.
func (r *Repo) walk(tree Hash, prefix string, visit func(name string, e entry) error) error {
	entries, err := r.tree(tree)
	if err != nil {
		return err
	}
	if err := checkNames(entries, prefix); err != nil {
		return err
	}
	for _, e := range entries {
		name := prefix + e.name
		if err := visit(name, e); err != nil {
			return err
		}
		if e.mode != filemode.Dir {
			continue
		}
		if err := r.walk(e.id, name+"/", visit); err != nil {
			return err
		}
	}
	return nil
}

// checkNames refuses a folder with a name that git would never check out, or
// with one name twice: a tree is foreign input.
func checkNames(entries []entry, prefix string) error {
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if !safeName(e.name) || seen[e.name] {
			return fmt.Errorf("refusing the entry %q (git fsck names such trees)", prefix+e.name)
		}
		seen[e.name] = true
	}
	return nil
}

// safeName refuses names that lead elsewhere or are ".git" to some file
// system: macOS ignores case and some runes, FAT and NTFS dots and blanks at
// the end, and "git~1" is their short form of it.
func safeName(name string) bool {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return false
	}
	seen := strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Cf, c) {
			return -1
		}
		return unicode.ToLower(c)
	}, name)
	seen = strings.TrimRight(seen, ". ")
	return seen != ".git" && seen != "git~1"
}
