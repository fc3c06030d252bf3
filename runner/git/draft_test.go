package git

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// commit commits by this package.
func (c checkout) commit(r *Repo, paths ...string) Hash {
	c.tb.Helper()
	h, err := r.Commit(c.tb.Context(), CommitRequest{Paths: paths, Message: "by us"})
	must(c.tb, err)
	return h
}

// TestSameSecondEdit: git takes a file whose size and mtime in seconds are as
// in the index for unchanged, unless the index file is as old. A new index
// must not hide an edit.
func TestSameSecondEdit(t *testing.T) {
	t.Parallel()
	c := base(t)
	r := c.open()
	for i := range 10 {
		c.write("racy", "added")
		c.git("add", "racy")
		c.write("racy", "edit!")
		c.write("a.txt", strings.Repeat("x", i))
		c.commit(r, "a.txt")
		c.write("a.txt", strings.Repeat("y", i))
		status := c.git("status", "--porcelain", "racy", "a.txt")
		if want := " M a.txt\nAM racy\n"; i > 0 && status != want {
			t.Errorf("round %d: status:\n%swant\n%s", i, status, want)
		}
	}
}

// TestHeadMovesMeanwhile: a commit of git's own, made while ours is under
// way, is built upon.
func TestHeadMovesMeanwhile(t *testing.T) {
	t.Parallel()
	c := base(t)
	r := c.open()
	for _, step := range []string{"stored", "trees", "commit", "started", "queued"} {
		moved := false
		r.step = func(name string) {
			if name == step && !moved {
				moved = true
				c.write("b.txt", "git's at "+step)
				c.git("commit", "-q", "--only", "-m", "git's", "--", "b.txt")
			}
		}
		c.write("a.txt", "ours at "+step)
		h := c.commit(r, "a.txt")
		if got := c.git("show", "--format=%s", "--name-only", string(h), string(h)+"^"); got != "by us\n\na.txt\ngit's\n\nb.txt\n" {
			t.Errorf("moved at %s:\n%s", step, got)
		}
	}
}

// TestGitKeepsToOurLocks: while the index is written no git can move the branch.
func TestGitKeepsToOurLocks(t *testing.T) {
	t.Parallel()
	c := base(t)
	r := c.open()
	before := c.head()
	next := c.line("commit-tree", "-p", "HEAD", "-m", "git's", "HEAD^{tree}")
	for _, step := range []string{"prepared", "index written"} {
		r.step = func(name string) {
			if name != step {
				return
			}
			if _, err := c.try("", "update-ref", "refs/heads/main", next); err == nil {
				t.Errorf("git moves the branch at %s", step)
			}
			_, _ = c.try("", "pack-refs", "--all") // it can't remove the branch's file
		}
		c.write("a.txt", "ours at "+step)
		h := c.commit(r, "a.txt")
		if parent := Hash(c.line("rev-parse", string(h)+"^")); parent != before || c.head() != h {
			t.Errorf("at %s: our commit %s is upon %s, want %s; HEAD is %s", step, h, parent, before, c.head())
		}
		before = h
	}
}

// TestLargeFile: contents pass through memory in parts.
func TestLargeFile(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	c.write("large", strings.Repeat("0123456789abcdef", 9<<20/16))
	c.commit(c.open(), "large")
	if got := c.git("status", "--porcelain"); got != "" {
		t.Errorf("status %q", got)
	}
	c.git("fsck", "--strict")
}

// TestFolderInTheWayOfARef: git leaves empty folders where it packs refs.
func TestFolderInTheWayOfARef(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.git("pack-refs", "--all")
	must(t, os.MkdirAll(c.path(".git/refs/heads/main/was/here"), 0o755))
	must(t, os.Rename(c.path(".git/logs/refs/heads/main"), c.path(".git/logs/old")))
	must(t, os.MkdirAll(c.path(".git/logs/refs/heads/main/was"), 0o755))
	c.write("a.txt", "A\n")
	if h := c.commit(c.open(), "a.txt"); c.head() != h {
		t.Errorf("HEAD is %s, want %s", c.head(), h)
	}
}

// TestSymlinks: HEAD as a symbolic link is a branch all the same, and an index
// behind a link stays there.
func TestSymlinks(t *testing.T) {
	t.Parallel()
	c := base(t)
	must(t, os.Remove(c.path(".git/HEAD")))
	c.link("refs/heads/main", ".git/HEAD")
	must(t, os.Rename(c.path(".git/index"), c.path(".git/elsewhere")))
	c.link("elsewhere", ".git/index")
	c.write("a.txt", "A\n")
	h := c.commit(c.open(), "a.txt")
	for _, name := range []string{"HEAD", "index"} {
		if info, err := os.Lstat(c.path(".git/" + name)); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("%s is no symlink any more: %v", name, err)
		}
	}
	if got := c.line("rev-parse", "refs/heads/main"); got != string(h) {
		t.Errorf("main is %s, want %s", got, h)
	}
	if got := c.git("status", "--porcelain", "a.txt"); got != "" {
		t.Errorf("status %q", got)
	}
}

// TestReflogs compares core.logAllRefUpdates with git.
func TestReflogs(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "true", "false", "always"} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			var logs [2]string
			for i := range logs {
				c := newCheckout(t)
				if value != "" {
					c.git("config", "core.logAllRefUpdates", value)
				}
				c.git("symbolic-ref", "HEAD", "refs/odd/branch")
				r := c.open()
				for _, content := range []string{"1", "2"} {
					c.write("f", content)
					if i == 0 {
						_, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"f"}, Message: "a  tab\t b\nbody"})
						must(t, err)
						continue
					}
					c.git("add", "f")
					c.git("commit", "-q", "-m", "a  tab\t b\nbody")
				}
				for _, name := range []string{"HEAD", "refs/odd/branch"} {
					data, err := os.ReadFile(c.path(".git/logs/" + name))
					if err != nil && !errors.Is(err, fs.ErrNotExist) {
						t.Fatal(err)
					}
					logs[i] += name + "\n" + string(data)
				}
			}
			if diff := cmp.Diff(logs[1], logs[0]); diff != "" {
				t.Errorf("reflogs (-git +ours):\n%s", diff)
			}
		})
	}
}

// TestObjectIsFreshened: an object that exists gets a new time, lest a
// concurrent gc remove it.
func TestObjectIsFreshened(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("new", "content\n")
	c.git("add", "new")
	tree := c.line("write-tree")
	old := time.Unix(1e9, 0)
	object := c.path(".git/objects/" + tree[:2] + "/" + tree[2:])
	must(t, os.Chtimes(object, old, old))
	contents, err := c.open().Store(t.Context(), []string{"new", "other", "new-staged", "gone"}, "")
	must(t, err)
	contents[0] = Content{Path: "gone"} // it is only untracked
	blob := strings.Fields(c.git("ls-files", "-s", "other"))
	contents[3] = Content{"other", blob[0], Hash(blob[1])}
	d, err := c.open().Draft(t.Context())
	must(t, err)
	h, err := d.Commit(t.Context(), contents, "m")
	must(t, err)
	if got := c.line("rev-parse", string(h)+"^{tree}"); got != tree {
		t.Errorf("the tree is %s, want %s", got, tree)
	}
	if info, err := os.Stat(object); err != nil || info.ModTime().Equal(old) {
		t.Errorf("the object is as old as before, %v", err)
	}
}

// TestDotGitNames has git refuse them, too: git fsck would find a repository
// that holds one harmful.
func TestDotGitNames(t *testing.T) {
	t.Parallel()
	c := base(t)
	r := c.open()
	c.link("a.txt", ".gitmodules")
	for _, p := range []string{".git./x", "d/.Git /x", "GIT~1/x", ".git::$INDEX/x", "d\\.git\\x", ".gitmodules"} {
		if p != ".gitmodules" {
			c.write(p, "x")
		}
		_, err := r.Commit(t.Context(), CommitRequest{Paths: []string{p}, Message: "m"})
		if e, ok := errors.AsType[*PathError](err); !ok || e.Path != p {
			t.Errorf("Commit(%q) = %v, want a PathError", p, err)
		}
		_, _ = c.try("", "update-index", "--add", "--", p) // git says "Ignoring path"
		if got := c.git("--literal-pathspecs", "ls-files", "--", p); got != "" {
			t.Errorf("git takes %q", p)
		}
	}
	for _, p := range []string{"git~2", ".gitx", ".git~", "x.git", ".gitignore."} {
		c.write(p, "x")
		c.commit(r, p)
	}
}
