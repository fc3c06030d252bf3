package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestStore stores what git add would, into a folder of its own, and changes
// nothing of the user's.
func TestStore(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			c := checkout{tb: t, dir: t.TempDir(), env: isolatedEnv(t)}
			c.git("init", "-q", "--template=", "-b", "main", "--object-format="+format)
			c.write(".gitattributes", "*.up filter=up\n*.crlf text eol=crlf\n")
			c.write("a.txt", "a\n")
			c.write("gone", "g\n")
			c.write("dir/kept", "k\n")
			c.commitAll("start")
			c.git("config", "filter.up.clean", "tr a-z A-Z")
			c.write("f.up", "shout\n")
			c.write("f.crlf", "a\r\nb\r\n")
			c.write("run", "#!/bin/sh\n")
			must(t, os.Chmod(c.path("run"), 0o755))
			c.link("a.txt", "sym")
			c.remove("gone")
			c.hook("post-index-change", "echo ran > "+c.path("hook-ran"))
			before := files(t, c.dir)
			objects := filepath.Join(t.TempDir(), "with:colon", "objects")
			must(t, os.MkdirAll(objects, 0o755))
			held := c.git("count-objects", "-v")
			r := c.open()
			paths := []string{"a.txt", "f.up", "f.crlf", "gone", "no/such", "run", "sym"}
			got, err := r.Store(t.Context(), paths, objects)
			must(t, err)
			if now := c.git("count-objects", "-v"); now != held {
				t.Errorf("the repository's objects changed:\n%s\nbefore:\n%s", now, held)
			}
			if diff := cmp.Diff(before, files(t, c.dir)); diff != "" {
				t.Errorf("files changed (-before +after):\n%s", diff)
			}
			c.remove(".git/hooks")
			c.git("add", "--", "a.txt", "f.up", "f.crlf", "gone", "run", "sym")
			borrowing := c
			borrowing.env = append(slices.Clone(c.env), r.objectEnv(objects)...)
			for _, content := range got {
				want := ""
				if content.Mode != "" {
					want = content.Mode + " " + string(content.Hash) + " 0\t" + content.Path + "\n"
					borrowing.git("cat-file", "blob", string(content.Hash))
				}
				if staged := c.git("ls-files", "-s", "--", content.Path); staged != want {
					t.Errorf("git staged %q, Store returned %v", staged, content)
				}
			}
			if len(got) != len(paths) {
				t.Errorf("%d contents of %d paths", len(got), len(paths))
			}
		})
	}
}

// TestStoreBytes compares with what git add makes of a file of that content.
func TestStoreBytes(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.git("config", "filter.up.clean", "tr a-z A-Z")
	c.write(".gitattributes", "*.up filter=up\n*.txt text\n")
	r := c.open()
	for path, mode := range map[string]string{"new.up": "100644", "a.txt": "100644", "run.sh": "100755", "x y/é:*\n": "100644"} {
		got, err := r.StoreBytes(t.Context(), path, []byte("some\r\ndata\n"), "")
		must(t, err)
		c.remove(path)
		c.write(path, "some\r\ndata\n")
		c.git("--literal-pathspecs", "add", "-f", "--", path)
		if want := (Content{path, mode, Hash(strings.Fields(c.git("--literal-pathspecs", "ls-files", "-s", "--", path))[1])}); got != want {
			t.Errorf("StoreBytes = %v, want %v", got, want)
		}
	}
	if _, err := r.StoreBytes(t.Context(), ".git/config", nil, ""); err == nil {
		t.Error("git's own folder was taken for a file's")
	}
}

// TestStoreRefuses: what Store refuses names the path.
func TestStoreRefuses(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("secret", "s\n")
	c.link("dir", "linked")
	c.git("config", "core.safecrlf", "true")
	c.write(".gitattributes", "*.t text\n")
	c.write("mixed.t", "a\r\nb\n")
	for _, p := range []string{"linked/one", "dir", "../x", "mixed.t"} {
		_, err := c.open().Store(t.Context(), []string{"a.txt", p}, "")
		if e, ok := errors.AsType[*PathError](err); p != "mixed.t" && (!ok || e.Path != p) || err == nil {
			t.Errorf("Store(%q) = %v, want a PathError", p, err)
		}
	}
	d, err := c.open().Draft(t.Context())
	must(t, err)
	for _, content := range []Content{{"a.txt", "100644", "abc"}, {"a.txt", "40000", emptyTree}, {"../a", "", ""}} {
		_, err := d.Commit(t.Context(), []Content{content}, "m")
		if _, ok := errors.AsType[*PathError](err); !ok {
			t.Errorf("Commit of %v = %v, want a PathError", content, err)
		}
	}
}

// TestTreeIsGits compares random trees with those that git makes of its
// index.
func TestTreeIsGits(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.git("reset", "-q", "--hard")
	blob := Hash(c.line("rev-parse", "HEAD:a.txt"))
	r := c.open()
	base, err := r.Tree(c.head())
	must(t, err)
	names := []string{"a.txt", "dir", "dir.txt", "dir-x", "dir/one", "dir/sub", "dir/sub/deep", "dir/new", "x", "x/y", "x/y/z", "é"}
	rapid.Check(t, func(rt *rapid.T) {
		var contents []Content
		var list strings.Builder
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID[string]).Draw(rt, "names") {
			content := Content{Path: name}
			if mode := rapid.SampledFrom([]string{"", "100644", "100755", "120000"}).Draw(rt, "mode"); mode != "" {
				content.Mode, content.Hash = mode, blob
			}
			contents = append(contents, content)
		}
		got, err := r.newTree(base, "", contents)
		if clash(contents) {
			if _, ok := errors.AsType[*PathError](err); !ok {
				rt.Fatalf("newTree = %v, want a PathError: %v", err, contents)
			}
			return
		}
		must(t, err)
		for _, there := range []bool{false, true} {
			for _, content := range contents {
				if there && content.Mode != "" {
					fmt.Fprintf(&list, "%s %s\t%s\x00", content.Mode, content.Hash, content.Path)
				} else if !there && content.Mode == "" {
					fmt.Fprintf(&list, "0 %s\t%s\x00", zeros, content.Path)
				}
			}
		}
		own := c
		own.env = append(slices.Clone(c.env), "GIT_INDEX_FILE="+filepath.Join(t.TempDir(), "index"))
		own.git("read-tree", "HEAD")
		_, err = own.try(list.String(), "update-index", "-z", "--index-info")
		must(t, err)
		if got == "" {
			got = emptyTree
		}
		if want := own.line("write-tree"); string(got) != want {
			rt.Fatalf("tree %s, git's is %s: %v\n%s", got, want, contents, own.git("diff-tree", "-r", "-t", want, string(got)))
		}
	})
}

// clash tells whether one path is to be both a file and a folder.
func clash(contents []Content) bool {
	for _, a := range contents {
		for _, b := range contents {
			if a.Mode != "" && b.Mode != "" && below(b.Path, a.Path) {
				return true
			}
		}
	}
	return false
}

// TestPathspecs wants git to take a pathspec for the path that it is made of.
func TestPathspecs(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	names := append(slices.Clone(oddNames), `a\`, "a]", "[", "**", "a/b", "a/b*", "*", "!x", ":x", ":!x")
	var list strings.Builder
	for _, name := range names {
		fmt.Fprintf(&list, "100644 %s\t%s\x00100644 %[1]s\t%[2]s-longer\x00", strings.Repeat("1", 40), name)
	}
	_, err := c.try(list.String(), "update-index", "-z", "--index-info")
	must(t, err)
	for _, name := range names {
		for _, spec := range []string{exactly(name), literally(name)} {
			if got := c.git("ls-files", "-z", "--", spec); got != name+"\x00" {
				t.Errorf("%q means %q, want %q", spec, got, name)
			}
		}
	}
	if got := c.git("ls-files", "--", exactly("a")); got != "" {
		t.Errorf("exactly(a) means %q, which is below it", got)
	}
}

// TestDraft makes two commits of which nobody sees anything before they are
// published, and refuses where HEAD has moved.
func TestDraft(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("a.txt", "A\n")
	c.write("dir/new", "n\n")
	r := c.open()
	before := append(state(t, c), c.git("reflog"))
	prepare := func() (*Draft, [2]Hash) {
		d, err := r.Draft(t.Context())
		must(t, err)
		if want := (Head{"refs/heads/main", c.head()}); d.Head() != want {
			t.Errorf("Head = %v, want %v", d.Head(), want)
		}
		if err := d.Publish(t.Context()); !errors.Is(err, ErrNothing) {
			t.Errorf("Publish of no commit = %v, want ErrNothing", err)
		}
		var made [2]Hash
		for i, paths := range [][]string{{"a.txt"}, {"dir/new", "b.txt"}} {
			contents, err := r.Store(t.Context(), paths, "")
			must(t, err)
			made[i], err = d.Commit(t.Context(), contents, fmt.Sprintf("commit %d\n\nbody", i))
			must(t, err)
			if _, err := d.Commit(t.Context(), contents, "again"); !errors.Is(err, ErrNothing) {
				t.Errorf("the same once more: %v, want ErrNothing", err)
			}
		}
		return d, made
	}
	objects := filepath.Join(t.TempDir(), "objects")
	must(t, os.Mkdir(objects, 0o755))
	elsewhere, err := r.Store(t.Context(), []string{"a.txt"}, objects)
	must(t, err)
	d, err := r.Draft(t.Context())
	must(t, err)
	if _, err := d.Commit(t.Context(), elsewhere, "m"); err == nil || !strings.Contains(err.Error(), "not in the repository") {
		t.Errorf("Commit of what is stored elsewhere: %v", err)
	}
	overtaken, _ := prepare()
	d, made := prepare()
	if diff := cmp.Diff(before, append(state(t, c), c.git("reflog"))); diff != "" {
		t.Errorf("before Publish (-before +after):\n%s", diff)
	}
	must(t, d.Publish(t.Context()))
	if got := c.git("log", "--format=%s %H", "--name-only", "-2"); got !=
		fmt.Sprintf("commit 1 %s\n\ndir/new\ncommit 0 %s\n\na.txt\n", made[1], made[0]) {
		t.Errorf("log:\n%s", got)
	}
	if got := c.line("reflog", "-1", "--format=%gs"); got != "commit: commit 0; commit 1" {
		t.Errorf("reflog: %q", got)
	}
	if out, err := c.try("", "diff-files", "--quiet", "--", "a.txt", "dir/new"); err != nil {
		t.Errorf("git takes committed files for changed until it looks at them: %v %s", err, out)
	}
	before = append(state(t, c), c.git("reflog"))
	if err := overtaken.Publish(t.Context()); !errors.Is(err, ErrHeadMoved) {
		t.Errorf("Publish = %v, want ErrHeadMoved", err)
	}
	if diff := cmp.Diff(before, append(state(t, c), c.git("reflog"))); diff != "" {
		t.Errorf("after a refused Publish (-before +after):\n%s", diff)
	}
}

// TestDraftNeedsGit: the error names the reason.
func TestDraftNeedsGit(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.hook("commit-msg", "exit 0")
	_, err := c.open().Draft(t.Context())
	e, ok := errors.AsType[*NeedsGitError](err)
	if !ok || e.Reason != "there is a commit-msg hook" {
		t.Errorf("Draft = %v", err)
	}
}
