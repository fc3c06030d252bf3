package git

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A name that stands for a folder in the last commit, and for nothing now, may
// mean all of its files: who means them names them.
func TestCommitRefusesFormerFolder(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.git("rm", "-q", "-r", "dir")
	c.write("dir", "file\n")
	c.git("add", "-N", "dir")
	c.remove("dir")
	before := state(t, c)
	_, err := c.open().Commit(t.Context(), CommitRequest{Paths: []string{"dir"}, Message: "m"})
	if e, ok := errors.AsType[*PathError](err); !ok || e.Path != "dir" {
		t.Errorf("Commit = %v, want a PathError", err)
	}
	if diff := cmp.Diff(before, state(t, c)); diff != "" {
		t.Errorf("a refused commit changed (-before +after):\n%s", diff)
	}
}

func TestCommitRefusesPaths(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("nested/f", "f\n")
	(checkout{tb: t, dir: c.path("nested"), env: c.env}).git("init", "-q")
	c.link("dir", "linked")
	c.git("update-index", "--add", "--cacheinfo", "160000,"+string(c.head())+",mod")
	c.git("commit", "-q", "-m", "gitlink")
	c.write("mod/f", "f\n")
	r := c.open()
	before := state(t, c)
	for _, p := range []string{
		"", ".", "..", "../x", "/etc/passwd", "a//b", "./a.txt", "a.txt/", "dir/../a.txt", "a\x00b",
		".git", ".git/config", "dir/.GIT/x", "nested/f", "nested", "linked/one", "mod", "mod/f", "dir", "dir/sub",
		"a.txt\x00",
	} {
		_, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"b.txt", p}, Message: "m"})
		if e, ok := errors.AsType[*PathError](err); !ok || e.Path != p {
			t.Errorf("Commit(%q) = %v, want a PathError", p, err)
		}
	}
	if diff := cmp.Diff(before, state(t, c)); diff != "" {
		t.Errorf("a refused commit changed (-before +after):\n%s", diff)
	}
}

// TestCommitBehindSymlink: git takes a tracked file behind a symlink for
// deleted; its content elsewhere must not be committed under the old name.
func TestCommitBehindSymlink(t *testing.T) {
	t.Parallel()
	c := base(t)
	must(t, os.Rename(c.path("dir"), c.path("moved")))
	c.link("moved", "dir")
	r := c.open()
	h, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"dir/one", "dir/two", "dir/sub/deep", "dir"}, Message: "m"})
	must(t, err)
	if got := c.line("show", "--format=", "--name-status", "--no-renames", string(h)); got !=
		"A\tdir\nD\tdir/one\nD\tdir/sub/deep\nD\tdir/two" {
		t.Errorf("committed:\n%s", got)
	}
}

// TestCommitStagedOnly: paths that only the index knows, and that something
// else stands in the way of now, are taken out of it.
func TestCommitStagedOnly(t *testing.T) {
	t.Parallel()
	for name, commit := range map[string]func(*Repo, context.Context, CommitRequest) (Hash, error){
		"draft": (*Repo).Commit, "git commit": (*Repo).CommitOnly,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := base(t)
			for _, name := range []string{"p/in", "q/in", "r"} {
				c.write(name, "staged\n")
			}
			c.git("add", "p", "q", "r")
			c.remove("q", "r")
			must(t, os.Rename(c.path("p"), c.path("moved")))
			c.link("moved", "p")
			c.write("q", "file\n")
			c.write("r/in", "file\n")
			h, err := commit(c.open(), t.Context(), CommitRequest{Paths: []string{"p", "p/in", "q", "q/in", "r", "r/in"}, Message: "m"})
			must(t, err)
			if got := c.line("show", "--format=", "--name-status", string(h)); got != "A\tp\nA\tq\nA\tr/in" {
				t.Errorf("committed:\n%s", got)
			}
			if got := c.line("diff", "--cached", "--name-only"); got != "gone\nnew-staged\nother" {
				t.Errorf("still staged:\n%s", got)
			}
		})
	}
}

func TestCommitNothing(t *testing.T) {
	t.Parallel()
	c, empty := base(t), newCheckout(t)
	c.write("b.txt", "staged\n")
	c.git("add", "b.txt")
	c.write("b.txt", "b\n") // as in HEAD, but not as staged
	for name, tt := range map[string]struct {
		in    checkout
		paths []string
	}{
		"no paths":          {c, nil},
		"as in HEAD":        {c, []string{"a.txt", "dir/one", "sym"}},
		"staged only":       {c, []string{"b.txt"}},
		"nowhere":           {c, []string{"no/such"}},
		"nowhere, no HEAD":  {empty, []string{"no/such"}},
		"no paths, no HEAD": {empty, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := tt.in
			in.tb = t
			before := in.git("ls-files", "-s")
			_, err := in.open().Commit(t.Context(), CommitRequest{Paths: tt.paths, Message: "m"})
			if !errors.Is(err, ErrNothing) {
				t.Errorf("Commit = %v, want ErrNothing", err)
			}
			if diff := cmp.Diff(before, in.git("ls-files", "-s")); diff != "" {
				t.Errorf("index changed:\n%s", diff)
			}
		})
	}
}

func TestCommitMessage(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	r := c.open()
	for _, bad := range []string{"", " \n\t\n", "a\x00b"} {
		if _, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"f"}, Message: bad}); err == nil {
			t.Errorf("message %q was taken", bad)
		}
	}
	for i, m := range []string{"no newline", "one\n", "three\n\n\n", "crlf\r\n"} {
		c.write("f", strings.Repeat("x", i))
		_, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"f"}, Message: m})
		must(t, err)
		_, body, _ := strings.Cut(c.git("cat-file", "commit", "HEAD"), "\n\n")
		if want := strings.TrimSpace(m) + "\n"; body != want {
			t.Errorf("message %q became %q, want %q", m, body, want)
		}
	}
}
