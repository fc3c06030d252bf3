package git

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// base gives a copy of the repository that most cases start from.
func base(tb testing.TB) checkout {
	tb.Helper()
	made.Do(func() { makeBase(tb) })
	c := checkout{tb: tb, dir: filepath.Join(tb.TempDir(), "base"), env: isolatedEnv(tb)}
	must(tb, os.CopyFS(c.dir, os.DirFS(template)))
	return c
}

// makeBase makes some files, and at some of them staged and unstaged changes
// that no commit may touch.
func makeBase(tb testing.TB) {
	tb.Helper()
	c := checkout{tb: tb, dir: template, env: isolatedEnv(tb)}
	c.git("init", "-q", "--template=", "-b", "main")
	for name, content := range map[string]string{
		"a.txt": "a\n", "b.txt": "b\n", "other": "1\n2\n3\n4\n5\n6\n", "gone": "x\n",
		"dir/one": "1\n", "dir/two": "2\n", "dir/sub/deep": "3\n", "run.sh": "#!/bin/sh\n",
		"dir.txt": "sorts between dir and dir/\n", "dir-x": "x\n",
	} {
		c.write(name, content)
	}
	must(tb, os.Chmod(c.path("run.sh"), 0o755))
	c.link("a.txt", "sym")
	c.commitAll("start")
	c.write("other", "staged\n2\n3\n4\n5\n6\n")
	c.write("gone", "to be deleted\n")
	c.write("new-staged", "n\n")
	c.git("add", "other", "new-staged")
	c.git("rm", "-q", "--cached", "-f", "gone")
	c.write("other", "staged\n2\n3\n4\n5\nunstaged\n")
	c.write("untracked", "u\n")
}

// commitCase is a repository, and the paths to commit in it.
type commitCase struct {
	name  string
	setup func(tb testing.TB) checkout
	paths []string
}

// on makes a case from base and a change.
func on(name string, change func(c checkout), paths ...string) commitCase {
	return commitCase{name, func(tb testing.TB) checkout {
		tb.Helper()
		c := base(tb)
		change(c)
		return c
	}, paths}
}

func contentCases() []commitCase {
	return []commitCase{
		on("modify", func(c checkout) { c.write("a.txt", "A\n") }, "a.txt"),
		on("two of three", func(c checkout) {
			c.write("a.txt", "A\n")
			c.write("b.txt", "B\n")
			c.write("dir/one", "I\n")
		}, "dir/one", "a.txt"),
		on("add", func(c checkout) { c.write("c.txt", "c\n") }, "c.txt"),
		on("add empty", func(c checkout) { c.write("empty", "") }, "empty"),
		on("add the only one named", func(checkout) {}, "untracked"),
		on("nested new folders", func(c checkout) { c.write("x/y/z/w", "w\n") }, "x/y/z/w"),
		on("delete", func(c checkout) { c.remove("a.txt") }, "a.txt"),
		on("delete the last of a folder", func(c checkout) { c.remove("dir/sub") }, "dir/sub/deep"),
		on("delete a folder", func(c checkout) { c.remove("dir") }, "dir/one", "dir/two", "dir/sub/deep"),
		on("rename", func(c checkout) {
			must(c.tb, os.Rename(c.path("a.txt"), c.path("dir/moved")))
		}, "a.txt", "dir/moved"),
		on("file becomes folder", func(c checkout) {
			c.remove("a.txt")
			c.write("a.txt/in", "in\n")
		}, "a.txt", "a.txt/in"),
		on("folder becomes file", func(c checkout) {
			c.remove("dir")
			c.write("dir", "a file now\n")
		}, "dir", "dir/one", "dir/two", "dir/sub/deep"),
		on("exec bit", func(c checkout) {
			must(c.tb, os.Chmod(c.path("a.txt"), 0o755))
			must(c.tb, os.Chmod(c.path("run.sh"), 0o644))
		}, "a.txt", "run.sh"),
		on("exec bit that the file system lacks", func(c checkout) {
			c.git("config", "core.fileMode", "no")
			must(c.tb, os.Chmod(c.path("a.txt"), 0o755))
			must(c.tb, os.Chmod(c.path("run.sh"), 0o644))
			c.write("run.sh", "changed\n")
			c.write("a.txt", "changed\n")
			c.write("tool", "new\n")
			must(c.tb, os.Chmod(c.path("tool"), 0o755))
		}, "a.txt", "run.sh", "tool"),
		on("symlink that the file system lacks", func(c checkout) {
			c.git("config", "core.symlinks", "false")
			c.remove("sym")
			c.write("sym", "b.txt")
		}, "sym"),
		on("symlinks", func(c checkout) {
			c.remove("sym", "b.txt")
			c.link("elsewhere/nowhere", "sym")
			c.link("a.txt", "b.txt")
			c.link("dir", "newlink")
		}, "sym", "b.txt", "newlink"),
		on("symlink takes a folder's place", func(c checkout) {
			c.remove("dir")
			c.link("nowhere", "dir")
		}, "dir", "dir/one", "dir/two", "dir/sub/deep"),
		on("odd names", func(c checkout) {
			for _, name := range oddNames {
				c.write(name, name)
			}
		}, oddNames...),
	}
}

var oddNames = []string{
	"naïve/ünï", "with space", " lead", "new\nline", "tab\t", `quo"te`, `"quoted"`, `back\slash`, "glob*[a]?",
	":(top)x", "-dash", "日本語", "bad\xffutf8", "\x01control",
}

func indexCases() []commitCase {
	return []commitCase{
		on("other version staged", func(c checkout) {
			c.write("a.txt", "staged version\n")
			c.git("add", "a.txt")
			c.write("a.txt", "final version\n")
		}, "a.txt"),
		on("staged deletion, file still there", func(c checkout) {
			c.git("rm", "-q", "--cached", "a.txt")
			c.write("a.txt", "kept after all\n")
		}, "a.txt"),
		on("intent to add another", func(c checkout) {
			c.write("later", "l\n")
			c.git("add", "-N", "later")
			c.write("a.txt", "A\n")
		}, "a.txt"),
		on("path itself unchanged but restaged", func(c checkout) {
			c.write("b.txt", "staged\n")
			c.git("add", "b.txt")
			c.write("b.txt", "b\n")
			c.write("a.txt", "A\n")
		}, "a.txt", "b.txt"),
		on("sparse and big index", func(c checkout) {
			c.git("update-index", "--index-version", "4")
			c.git("update-index", "--assume-unchanged", "dir-x")
			c.git("update-index", "--skip-worktree", "dir.txt")
			c.write("a.txt", "A\n")
		}, "a.txt"),
		on("split index", func(c checkout) {
			c.git("update-index", "--split-index")
			c.write("a.txt", "A\n")
		}, "a.txt"),
	}
}

func conversionCases() []commitCase {
	return []commitCase{
		on("autocrlf, new file with CRLF", func(c checkout) {
			c.git("config", "core.autocrlf", "true")
			c.write("dos", "x\r\ny\r\n")
			c.write("a.txt", "A\r\n")
		}, "dos", "a.txt"),
		on("autocrlf, CRLF tracked already", func(c checkout) {
			c.write("dos", "x\r\ny\r\n")
			c.git("add", "dos")
			c.git("commit", "-q", "-m", "dos", "--only", "dos")
			c.git("config", "core.autocrlf", "true")
			c.write("dos", "x\r\nz\r\n")
		}, "dos"),
		on("text attribute", func(c checkout) {
			c.write(".gitattributes", "*.txt text\n*.bin -text\n")
			c.write("a.txt", "A\r\n")
			c.write("d.bin", "A\r\n")
			c.write("odd \"name\"\n.txt", "A\r\n")
		}, "a.txt", "d.bin", ".gitattributes", "odd \"name\"\n.txt"),
		on("clean filter", func(c checkout) {
			c.git("config", "filter.up.clean", "tr a-z A-Z")
			c.write(".gitattributes", "*.up filter=up ident\n")
			c.write("f.up", "shout $Id: x$\n")
			must(c.tb, os.Chmod(c.path("f.up"), 0o755))
		}, "f.up"),
	}
}

func placeCases() []commitCase {
	return []commitCase{
		{"unborn", func(tb testing.TB) checkout {
			tb.Helper()
			c := newCheckout(tb)
			c.write("first", "1\n")
			c.write("second", "2\n")
			c.git("add", "second")
			return c
		}, []string{"first"}},
		on("detached", func(c checkout) {
			c.git("checkout", "-q", "--detach")
			c.write("a.txt", "A\n")
		}, "a.txt"),
		on("symbolic ref in between", func(c checkout) {
			c.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
			c.git("symbolic-ref", "HEAD", "refs/heads/alias")
			c.write("a.txt", "A\n")
		}, "a.txt"),
		on("packed refs and objects", func(c checkout) {
			c.git("branch", "x/y")
			c.git("gc", "-q")
			c.git("checkout", "-q", "x/y")
			c.write("a.txt", "A\n")
		}, "a.txt"),
		on("read-only file, folder .git elsewhere", func(c checkout) {
			must(c.tb, os.Rename(c.path(".git"), c.dir+"-git"))
			c.tb.Cleanup(func() { must(c.tb, os.RemoveAll(c.dir+"-git")) })
			c.link(c.dir+"-git", ".git")
			c.write("a.txt", "A\n")
			must(c.tb, os.Chmod(c.path("a.txt"), 0o444))
		}, "a.txt"),
		{"linked worktree", func(tb testing.TB) checkout {
			tb.Helper()
			c := base(tb)
			c.git("config", "extensions.worktreeConfig", "true")
			side := checkout{tb: tb, dir: tb.TempDir() + "/side", env: c.env}
			c.git("worktree", "add", "-q", "-b", "side", side.dir)
			side.write("a.txt", "A\n")
			side.write("b.txt", "staged\n")
			side.git("add", "b.txt")
			return side
		}, []string{"a.txt"}},
		{"alternates", func(tb testing.TB) checkout {
			tb.Helper()
			c := base(tb)
			clone := checkout{tb: tb, dir: tb.TempDir() + "/clone", env: c.env}
			c.git("clone", "-q", "-s", c.dir, clone.dir)
			clone.write("dir/one", "A\n")
			return clone
		}, []string{"dir/one"}},
		{"submodule's work tree, gitlink beside", func(tb testing.TB) checkout {
			tb.Helper()
			sub, top := base(tb), base(tb)
			top.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", sub.dir, "mod")
			top.git("commit", "-q", "-m", "mod")
			in := checkout{tb: tb, dir: top.path("mod"), env: top.env}
			in.write("a.txt", "A\n")
			return in
		}, []string{"a.txt"}},
	}
}

// TestCommitIsGits compares each commit with that of git commit --only in a
// twin of the repository.
func TestCommitIsGits(t *testing.T) {
	t.Parallel()
	for _, group := range [][]commitCase{contentCases(), indexCases(), conversionCases(), placeCases()} {
		for _, tt := range group {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				compareWithGit(t, tt.setup(t), tt.setup(t), tt.paths)
			})
		}
	}
}

const message = "subject line\n\nBody: é\n\nTrailer-Key: value\n"

// compareWithGit commits the paths in ours by this package and in theirs by
// git.
func compareWithGit(tb testing.TB, ours, theirs checkout, paths []string) {
	tb.Helper()
	untouched := otherChanges(tb, ours, paths)
	got, err := ours.open().Commit(tb.Context(), CommitRequest{Paths: paths, Message: strings.TrimSpace(message) + "\n\n\n"})
	must(tb, err)
	gitCommitOnly(tb, theirs, paths)
	if want := theirs.head(); got != want {
		show := []string{"log", "-1", "-p", "--raw", "--format=raw"}
		tb.Errorf("commit differs (-git +ours):\n%s", cmp.Diff(theirs.git(show...), ours.git(show...)))
	}
	if diff := cmp.Diff(state(tb, theirs), state(tb, ours)); diff != "" {
		tb.Errorf("state differs (-git +ours):\n%s", diff)
	}
	if diff := cmp.Diff(untouched, otherChanges(tb, ours, paths)); diff != "" {
		tb.Errorf("changes of other paths (-before +after):\n%s", diff)
	}
	if out, err := ours.try("", "fsck", "--strict", "--no-dangling"); err != nil || out != "" {
		tb.Errorf("fsck: %v\n%s", err, out)
	}
}

// gitCommitOnly is the oracle. New files must be named to its index first.
func gitCommitOnly(tb testing.TB, c checkout, paths []string) {
	tb.Helper()
	args := []string{"--literal-pathspecs", "commit", "-q", "--only", "-F", "-", "--"}
	indexed := strings.Split(c.git("ls-files", "-z"), "\x00")
	for _, p := range paths {
		info, err := os.Lstat(c.path(p))
		if err == nil && info.IsDir() && !exists(c.path(p+"/.git")) {
			continue // git refuses it; what is named below it replaces the file
		}
		if err == nil && !slices.Contains(indexed, p) {
			_, _ = c.try("", "--literal-pathspecs", "add", "-N", "--sparse", "--", p) // commit says what is wrong
		}
		args = append(args, p)
	}
	_, err := c.try(message, args...)
	must(tb, err)
}

// state is what git tells of HEAD, the index and the work tree.
func state(tb testing.TB, c checkout) []string {
	tb.Helper()
	return []string{
		c.git("status", "--porcelain=v2", "--branch", "--untracked-files=all"),
		c.git("ls-files", "-s", "-v"),
		c.git("log", "-g", "-1", "--format=%gs", c.line("rev-parse", "--symbolic-full-name", "HEAD")),
	}
}

// otherChanges is what is staged and unstaged at other paths.
func otherChanges(tb testing.TB, c checkout, paths []string) []string {
	tb.Helper()
	args := []string{"--", "."}
	for _, p := range paths {
		args = append(args, ":(exclude,literal)"+p)
	}
	return []string{
		c.git(append([]string{"diff"}, args...)...),
		c.git(append([]string{"diff", "--cached"}, args...)...),
	}
}
