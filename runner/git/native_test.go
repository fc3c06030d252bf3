package git

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
	for _, step := range []string{"entered", "blob", "objects settled", "index pending"} {
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

// TestPackedRefMovesMeanwhile: a branch that moves in packed-refs is built
// upon, up to our lock on it, even if the file looks as it did before.
func TestPackedRefMovesMeanwhile(t *testing.T) {
	t.Parallel()
	c := base(t)
	r := c.open()
	packed := c.path(".git/packed-refs")
	for _, step := range []string{"entered", "objects settled", "index locked", "ref pending"} {
		c.git("pack-refs", "--all")
		var next Hash
		r.step = func(name string) {
			if name != step || next != "" {
				return
			}
			head := c.head()
			next = Hash(c.line("commit-tree", "-p", string(head), "-m", "git's at "+step, "HEAD^{tree}"))
			before, err := os.Stat(packed)
			must(t, err)
			data, err := os.ReadFile(packed)
			must(t, err)
			// Written in place, it keeps the inode and the length.
			must(t, os.WriteFile(packed, bytes.ReplaceAll(data, []byte(head), []byte(next)), 0o644))
			must(t, os.Chtimes(packed, before.ModTime(), before.ModTime()))
		}
		c.write("a.txt", "ours at "+step)
		h := c.commit(r, "a.txt")
		if parent := Hash(c.line("rev-parse", string(h)+"^")); parent != next {
			t.Errorf("moved at %s to %s: our commit's parent is %s", step, next, parent)
		}
	}
}

// TestGitKeepsToOurLocks: from the moment at which the branch is looked at for
// the last time until it is ours, no git can move it.
func TestGitKeepsToOurLocks(t *testing.T) {
	t.Parallel()
	c := base(t)
	r := c.open()
	before := c.head()
	next := c.line("commit-tree", "-p", "HEAD", "-m", "git's", "HEAD^{tree}")
	for _, step := range []string{"ref locked", "logged HEAD", "index published"} {
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

// TestFileChangesMeanwhile: what is committed was in the file at one moment.
func TestFileChangesMeanwhile(t *testing.T) {
	t.Parallel()
	c := base(t)
	r := c.open()
	changed := false
	r.step = func(name string) {
		if name == "entered" && !changed {
			changed = true
			c.write("a.txt", "third\n")
		}
	}
	c.write("a.txt", "second\n")
	c.commit(r, "a.txt")
	if got := c.git("show", "HEAD:a.txt"); got != "third\n" {
		t.Errorf("committed %q", got)
	}
	if got := c.git("status", "--porcelain", "a.txt"); got != "" {
		t.Errorf("status %q", got)
	}
}

// TestLargeFile: contents pass through memory in parts.
func TestLargeFile(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	c.write("large", strings.Repeat("0123456789abcdef", streamAbove/16+1))
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

// TestSharedRepository compares the permissions of what a commit makes with
// git's.
func TestSharedRepository(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "umask", "group", "all", "0640", "0660", "1"} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			var modes [2][]string
			for i := range modes {
				c := newCheckout(t)
				if value != "" {
					c.git("config", "core.sharedRepository", value)
				}
				c.git("symbolic-ref", "HEAD", "refs/heads/x/y")
				c.write("d/f", "content\n")
				if i == 0 {
					_, err := c.open().Commit(t.Context(), CommitRequest{Paths: []string{"d/f"}, Message: "m"})
					must(t, err)
				} else {
					c.git("add", ".")
					c.git("commit", "-q", "-m", "m")
				}
				modes[i] = modesIn(t, c.path(".git"))
			}
			if diff := cmp.Diff(modes[1], modes[0]); diff != "" {
				t.Errorf("modes (-git +ours):\n%s", diff)
			}
		})
	}
}

// modesIn lists what a commit makes, with permissions.
func modesIn(t *testing.T, dir string) []string {
	t.Helper()
	var modes []string
	must(t, filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		must(t, err)
		short := strings.TrimPrefix(name, dir)
		if short == "/chant" {
			return fs.SkipDir
		}
		if short == "/COMMIT_EDITMSG" || short == "/config" {
			return nil
		}
		info, err := e.Info()
		must(t, err)
		modes = append(modes, info.Mode().String()+" "+short)
		return nil
	}))
	return modes
}

func TestDurability(t *testing.T) {
	t.Parallel()
	all := durability{objects: true, index: true, refs: true}
	for _, tt := range []struct {
		components, method string
		objectFiles        bool
		want               durability
	}{
		{"", "", true, all},
		{"", "", false, durability{index: true, refs: true}},
		{"none", "", true, durability{}},
		{"none,reference", "", true, durability{refs: true}},
		{"all, -loose-object", "", true, durability{index: true, refs: true}},
		{"committed,-index", "", false, durability{objects: true, refs: true}},
		{"", "writeout-only", true, durability{true, true, true, true}},
		{"", "batch", true, all},
	} {
		if got := parseDurability(tt.components, tt.method, tt.objectFiles); got != tt.want {
			t.Errorf("core.fsync=%q, method %q, object files %v: %+v, want %+v",
				tt.components, tt.method, tt.objectFiles, got, tt.want)
		}
	}
}

// TestLockWithoutHardLinks: the copy is whole, and never over another's lock.
func TestLockWithoutHardLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pending, lock := filepath.Join(dir, "pend"), filepath.Join(dir, "x.lock")
	must(t, os.WriteFile(pending, []byte("new"), 0o640))
	d := &disk{}
	must(t, copyNew(d, pending, lock))
	data, err := os.ReadFile(lock)
	info, errStat := os.Stat(lock)
	if must(t, errors.Join(err, errStat)); string(data) != "new" || info.Mode() != 0o640 {
		t.Errorf("the lock holds %q, mode %v", data, info.Mode())
	}
	must(t, os.WriteFile(lock, []byte("foreign"), 0o640))
	if err := copyNew(d, pending, lock); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a lock that exists: %v", err)
	}
	if data, err = os.ReadFile(lock); err != nil || string(data) != "foreign" {
		t.Errorf("the foreign lock holds %q, %v", data, err)
	}
}

// TestObjectIsFreshened: an object that exists gets a new mtime, lest a
// concurrent gc take it away.
func TestObjectIsFreshened(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("new", "content\n")
	blob := c.line("hash-object", "-w", "new")
	old := time.Unix(1e9, 0)
	object := c.path(".git/objects/" + blob[:2] + "/" + blob[2:])
	must(t, os.Chtimes(object, old, old))
	c.commit(c.open(), "new")
	if info, err := os.Stat(object); err != nil || info.ModTime().Equal(old) {
		t.Errorf("the object is as old as before, %v", err)
	}
}

// TestEmptyObjectIsReplaced: a power cut can leave one.
func TestEmptyObjectIsReplaced(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("new", "content\n")
	blob := c.line("hash-object", "new")
	c.write(".git/objects/"+blob[:2]+"/"+blob[2:], "")
	c.commit(c.open(), "new")
	c.git("fsck", "--strict")
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
