package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"chant/runner/git"
)

// Change is one file of a made tree.
type Change struct {
	Path string   // from the repository's top, slash-separated
	Mode string   // as in a tree: 100644, 100755, 120000 or 160000; "" for no such file
	Hash git.Hash // of the content; "" where Data is the content
	Data []byte   // as git stores it, so not converted by filters
}

// Changes makes changes of stored contents.
func Changes(contents []git.Content) []Change {
	changes := make([]Change, len(contents))
	for i, c := range contents {
		changes[i] = Change{Path: c.Path, Mode: c.Mode, Hash: c.Hash}
	}
	return changes
}

// Draft is a checkout before its tree is known: a repository without files.
// It is for one goroutine.
type Draft struct {
	source *Source
	temp   string // the folder that is removed in the end; "" where there is none
	top    string
}

// New makes a draft, so that contents can be stored before the tree is known.
// The caller calls Checkout or Close.
func (s *Source) New() (*Draft, error) {
	d := &Draft{source: s}
	if err := d.create(); err != nil {
		return nil, errors.Join(s.mended(err), d.Close())
	}
	return d, nil
}

// Objects returns the draft's object folder, for git's GIT_OBJECT_DIRECTORY. It is
// not to be used after Checkout or Close.
func (d *Draft) Objects() string { return filepath.Join(d.top, ".git", "objects") }

// Checkout checks out the tree of a commit, or the empty tree where base is "",
// with some files changed. The contents may be in the draft's objects.
//
// A changed file replaces what is in its way: a file at the path of one of its
// folders, or a folder at its own path. The tree gets a commit on top of base whose
// author and date never change, so the same tree on the same base is the same commit.
//
// The draft can't be used again, and need not be closed, even after an error.
func (d *Draft) Checkout(ctx context.Context, base git.Hash, changes []Change) (*Checkout, error) {
	taken := *d
	d.temp = ""
	commit, tree, err := taken.commit(ctx, base, changes)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a tree on top of commit %.12s: %w", base, err), taken.Close())
	}
	return d.source.acquire(ctx, &taken, commit, tree)
}

// Close removes a draft that is not used. Calls after the first do nothing.
func (d *Draft) Close() error {
	temp := d.temp
	if d.temp = ""; temp == "" {
		return nil
	}
	return RemoveAll(temp)
}

// RemoveAll removes a folder that commands have worked in. They may have taken away the
// right to change folders.
func RemoveAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(name string, e fs.DirEntry, _ error) error {
		if e != nil && e.IsDir() {
			_ = os.Chmod(name, 0o700) // before WalkDir reads it; RemoveAll meets the errors again
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing a checkout: %w", err)
	}
	return nil
}

// create makes the folder with its repository. The checkout's own folder has the
// name of the user's: some build tools name things by it.
func (d *Draft) create() (err error) {
	if d.temp, err = os.MkdirTemp(d.source.opts.Temp, "chant-checkout-tree-"); err == nil {
		d.top = filepath.Join(d.temp, filepath.Base(d.source.origin.top))
		err = d.source.origin.create(d.top)
	}
	if err != nil {
		return fmt.Errorf("making a folder for a checkout: %w (set TMPDIR to a folder that can be written to)", err)
	}
	return nil
}

// commit makes the tree and its commit.
func (d *Draft) commit(ctx context.Context, base git.Hash, changes []Change) (commit, tree git.Hash, err error) {
	there := "\x00" // the paths of base, each with one of these before and after it
	if base != "" && slices.ContainsFunc(changes, func(c Change) bool { return c.Mode == "" }) {
		out, err := d.source.git(ctx, d.top, nil, "ls-tree", "-r", "-z", "--name-only", "--full-tree", string(base))
		if err != nil {
			return "", "", err
		}
		there += string(out)
	}
	out, err := d.source.git(ctx, d.top, importStream(base, there, changes), "fast-import", "--quiet", "--date-format=raw")
	if err != nil {
		return "", "", err
	}
	// The commit's id, then its tree as "040000 tree ID\t".
	answer := strings.Fields(string(out))
	if len(answer) != 4 {
		return "", "", fmt.Errorf("git fast-import answered %q", out)
	}
	return git.Hash(answer[0]), git.Hash(answer[3]), os.RemoveAll(filepath.Join(d.top, ".git", "refs", "chant"))
}

// importStream writes a commit in the language of git fast-import. Deletions come
// first: a deleted file may become a folder. They name only files that are there,
// because fast-import would delete whole folders.
func importStream(base git.Hash, there string, changes []Change) *bytes.Buffer {
	const message = "Files as chant checks them\n"
	s := &bytes.Buffer{}
	s.WriteString("feature done\ncommit refs/chant/made\nmark :1\n")
	fmt.Fprintf(s, "committer chant <chant@localhost> 946684800 +0000\ndata %d\n%s", len(message), message)
	if base != "" {
		fmt.Fprintf(s, "from %s\n", base)
	}
	for _, c := range changes {
		if c.Mode == "" && strings.Contains(there, "\x00"+c.Path+"\x00") {
			fmt.Fprintf(s, "D %s\n", quote(c.Path))
		}
	}
	for _, c := range changes {
		switch {
		case c.Mode == "":
		case c.Hash != "":
			fmt.Fprintf(s, "M %s %s %s\n", c.Mode, c.Hash, quote(c.Path))
		default:
			fmt.Fprintf(s, "M %s inline %s\ndata %d\n%s\n", c.Mode, quote(c.Path), len(c.Data), c.Data)
		}
	}
	s.WriteString("get-mark :1\nls :1 \"\"\ndone\n")
	return s
}
