package git

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outcome is what may become of a commit: nothing else is right.
type outcome string

const (
	drafted  outcome = "by a draft"
	throughG outcome = "by git commit"
	refused  outcome = "refused"
)

// compatibility is one kind of repository that a commit may meet.
type compatibility struct {
	commitCase
	want outcome
	why  string // for throughG, a part of the reason; for refused, of the error
}

func row(want outcome, why, name string, change func(c checkout), paths ...string) compatibility {
	return compatibility{on(name, func(c checkout) {
		c.write("a.txt", "A\n")
		change(c)
	}, paths...), want, why}
}

func rowOf(want outcome, why string, c commitCase) compatibility { return compatibility{c, want, why} }

// TestCompatibility: in each row the commit is git's own, by whichever back
// end it should be, or it is refused and nothing has changed. By default one
// row in four is compared with git, as that starts some ten processes, and
// all with allEnv.
func TestCompatibility(t *testing.T) {
	t.Parallel()
	rows := slices.Concat(
		indexRows(), configRows(), placeRows(), contentRows(), identityRows(), stateRows(), pathRows(),
	)
	for i, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.check(t, i%4 == 0 || os.Getenv(allEnv) != "")
		})
	}
}

func (tt compatibility) check(t *testing.T, compare bool) {
	ours := tt.setup(t)
	if tt.want == refused {
		tt.checkRefused(t, ours)
		return
	}
	h, notice, err := noted(t, ours.open(), tt.paths...)
	must(t, err)
	if (notice == "") != (tt.want == drafted) || !strings.Contains(notice, tt.why) {
		t.Errorf("git was needed because of %q, want %s, %q", notice, tt.want, tt.why)
	}
	if !compare {
		return
	}
	theirs := tt.setup(t)
	gitCommitOnly(t, theirs, tt.paths)
	got, want := compared(ours), compared(theirs)
	if !strings.Contains(got, "# branch.oid "+string(h)) {
		t.Errorf("the commit is not %s:\n%s", h, got)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		show := []string{"log", "-1", "-p", "--raw", "--format=raw"}
		t.Errorf("state differs (-git +ours):\n%s\n%s", diff, cmp.Diff(theirs.git(show...), ours.git(show...)))
	}
}

// compared is the commit, the state of all paths, and the index: what two
// commits agree in that are one.
func compared(c checkout) string {
	return c.git("status", "--porcelain=v2", "--branch", "--untracked-files=all") + c.git("ls-files", "-s", "-v")
}

func (tt compatibility) checkRefused(t *testing.T, c checkout) {
	before := files(t, c.dir)
	r, err := Open(c.dir, c.env)
	if err == nil {
		r.patience = 1
		_, _, err = noted(t, r, tt.paths...)
		must(t, r.Close())
	}
	if err == nil || !strings.Contains(err.Error(), tt.why) {
		t.Errorf("Commit = %v, want an error with %q", err, tt.why)
	}
	if diff := cmp.Diff(before, files(t, c.dir)); diff != "" {
		t.Errorf("a refused commit changed files (-before +after):\n%s", diff)
	}
}

// files gives the content of all files below a folder but objects, which do
// no harm.
func files(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	got := make(map[string]string)
	must(tb, fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || strings.Contains(name, ".git/objects/") {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		got[name] = string(data)
		return err
	}))
	return got
}

func indexRows() []compatibility {
	return []compatibility{
		row(drafted, "", "staged changes of others", func(checkout) {}, "a.txt"),
		row(drafted, "", "assume-unchanged elsewhere", func(c checkout) { c.git("update-index", "--assume-unchanged", "b.txt") }, "a.txt"),
		row(drafted, "", "intent to add elsewhere", func(c checkout) { c.git("add", "-N", "untracked") }, "a.txt"),
		row(drafted, "", "index version 4", func(c checkout) { c.git("update-index", "--index-version=4") }, "a.txt", "untracked"),
		row(drafted, "", "untracked cache", func(c checkout) {
			c.git("config", "core.untrackedCache", "true")
			c.git("status")
		}, "a.txt", "untracked"),
		row(drafted, "", "index threads", func(c checkout) {
			c.git("config", "index.threads", "2")
			c.git("update-index", "--force-write-index")
		}, "a.txt"),
		row(drafted, "", "index without checksum", func(c checkout) {
			data, err := os.ReadFile(c.path(".git/index"))
			must(c.tb, err)
			clear(data[len(data)-20:])
			must(c.tb, os.WriteFile(c.path(".git/index"), data, 0o644))
		}, "a.txt"),
		row(drafted, "", "conflict elsewhere", func(c checkout) {
			blob := c.line("rev-parse", "HEAD:b.txt")
			_, err := c.try("0 "+zeros+"\tb.txt\n100644 "+blob+" 1\tb.txt\n100644 "+blob+" 2\tb.txt\n", "update-index", "--index-info")
			must(c.tb, err)
		}, "a.txt"),
		row(drafted, "", "split index", func(c checkout) { c.git("update-index", "--split-index") }, "a.txt", "untracked"),
		row(drafted, "", "sparse index", func(c checkout) {
			c.git("reset", "-q", "--hard")
			c.git("sparse-checkout", "set", "--cone", "--sparse-index", "dir/sub")
			c.write("a.txt", "A\n")
		}, "a.txt"),
		row(drafted, "", "outside of the sparse checkout", func(c checkout) {
			c.git("reset", "-q", "--hard")
			c.git("sparse-checkout", "set", "--cone", "dir/sub")
			c.write("dir/sub/deep", "deeper\n")
			c.write("else/where", "new\n")
		}, "dir/sub/deep", "else/where"),
		row(drafted, "", "inside of the sparse checkout", func(c checkout) {
			c.git("reset", "-q", "--hard")
			c.git("sparse-checkout", "set", "--cone", "dir/sub")
			c.write("dir/sub/deep", "deeper\n")
		}, "dir/sub/deep"),
		row(refused, "told to leave it alone", "skip-worktree", func(c checkout) { c.git("update-index", "--skip-worktree", "a.txt") }, "a.txt"),
		row(refused, "told to leave it alone", "left out of the sparse checkout", func(c checkout) {
			c.git("reset", "-q", "--hard")
			c.git("sparse-checkout", "set", "--no-cone", "/a.txt")
			c.write("a.txt", "A\n")
		}, "a.txt", "b.txt"),
	}
}

func configRows() []compatibility {
	setting := func(key, value string) func(c checkout) {
		return func(c checkout) { c.git("config", key, value) }
	}
	format1 := func(key, value string) func(c checkout) {
		return func(c checkout) {
			c.git("config", "core.repositoryFormatVersion", "1")
			c.git("config", key, value)
		}
	}
	hook := func(name string) func(c checkout) { return func(c checkout) { c.hook(name, "exit 0") } }
	return []compatibility{
		row(drafted, "", "worktreeConfig", setting("extensions.worktreeConfig", "true"), "a.txt"),
		row(drafted, "", "preciousObjects", format1("extensions.preciousObjects", "true"), "a.txt"),
		row(drafted, "", "partialClone", format1("extensions.partialClone", "origin"), "a.txt"),
		row(refused, "", "unknown extension", format1("extensions.unheardOf", "true"), "a.txt"),
		row(drafted, "", "number with a unit", setting("pack.window", "10k"), "a.txt"),
		row(drafted, "", "odd refspec and merge", func(c checkout) {
			c.git("config", "remote.o.fetch", "^refs/heads/old")
			c.git("config", "branch.x.merge", "y")
		}, "a.txt"),
		row(drafted, "", "section and setting on one line", func(c checkout) {
			data, err := os.ReadFile(c.path(".git/config"))
			must(c.tb, err)
			must(c.tb, os.WriteFile(c.path(".git/config"), append(data, "[g] h=1\n"...), 0o644))
		}, "a.txt"),
		row(drafted, "", "fileMode=false", func(c checkout) {
			c.git("config", "core.fileMode", "false")
			must(c.tb, os.Chmod(c.path("a.txt"), 0o755))
			c.write("run.sh", "#!/bin/sh\nexit\n")
			must(c.tb, os.Chmod(c.path("run.sh"), 0o644))
		}, "a.txt", "run.sh"),
		row(drafted, "", "symlinks=false", func(c checkout) {
			c.git("config", "core.symlinks", "false")
			c.remove("sym")
			c.write("sym", "b.txt")
		}, "sym"),
		row(throughG, "pre-commit", "hook", hook("pre-commit"), "a.txt"),
		row(throughG, "post-index-change", "hook of the index", hook("post-index-change"), "a.txt"),
		row(drafted, "", "hook that isn't executable", func(c checkout) { c.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n") }, "a.txt"),
		row(drafted, "", "hook that a commit doesn't run", hook("pre-push"), "a.txt"),
		row(throughG, "commit-msg", "hooksPath", func(c checkout) {
			c.hook("commit-msg", `echo more >> "$1"`)
			must(c.tb, os.Rename(c.path(".git/hooks"), c.path("own-hooks")))
			c.git("config", "core.hooksPath", "own-hooks")
		}, "a.txt"),
		{commitCase{"hooksPath in the user's configuration", func(tb testing.TB) checkout {
			tb.Helper()
			c := base(tb)
			c.write("a.txt", "A\n")
			c.hook("pre-commit", "echo formatted > a.txt; git add a.txt")
			home := strings.TrimPrefix(c.env[1], "HOME=")
			must(tb, os.Rename(c.path(".git/hooks"), filepath.Join(home, "hooks")))
			must(tb, os.WriteFile(filepath.Join(home, "none"), []byte("[core]\n\thooksPath = ~/hooks\n"), 0o644))
			return c
		}, []string{"a.txt"}}, throughG, "pre-commit"},
		row(throughG, "hooks are configured", "configured hooks", setting("hook.lint.event", "pre-commit"), "a.txt"),
		row(drafted, "", "commit encoding", setting("i18n.commitEncoding", "ISO-8859-1"), "a.txt"),
		row(drafted, "", "commit encoding UTF-8", setting("i18n.commitEncoding", "utf-8"), "a.txt"),
		row(throughG, "sharedRepository", "sharedRepository", setting("core.sharedRepository", "group"), "a.txt", "untracked"),
	}
}

func placeRows() []compatibility {
	var rows []compatibility
	for _, c := range placeCases() {
		rows = append(rows, rowOf(drafted, "", c))
	}
	return append(rows,
		rowOf(drafted, "", commitCase{"shallow clone", func(tb testing.TB) checkout {
			tb.Helper()
			c := base(tb)
			c.commitAll("second")
			clone := checkout{tb: tb, dir: tb.TempDir() + "/clone", env: c.env}
			c.git("clone", "-q", "--depth=1", "file://"+c.dir, clone.dir)
			clone.write("a.txt", "A\n")
			return clone
		}, []string{"a.txt"}}),
		rowOf(drafted, "", commitCase{"partial clone", func(tb testing.TB) checkout {
			tb.Helper()
			c := base(tb)
			c.git("config", "uploadpack.allowFilter", "true")
			clone := checkout{tb: tb, dir: tb.TempDir() + "/clone", env: c.env}
			c.git("clone", "-q", "--filter=blob:none", "file://"+c.dir, clone.dir)
			clone.write("a.txt", "A\n")
			return clone
		}, []string{"a.txt"}}),
		row(drafted, "", "relative alternates", func(c checkout) {
			must(c.tb, os.Rename(c.path(".git/objects"), c.path(".git/lent")))
			must(c.tb, os.Mkdir(c.path(".git/lent/objects"), 0o755))
			entries, err := os.ReadDir(c.path(".git/lent"))
			must(c.tb, err)
			for _, e := range entries {
				if e.Name() != "objects" {
					must(c.tb, os.Rename(c.path(".git/lent/"+e.Name()), c.path(".git/lent/objects/"+e.Name())))
				}
			}
			c.write(".git/objects/info/alternates", "../lent/objects\n")
		}, "a.txt"),
		row(drafted, "", "replaced and grafted", func(c checkout) {
			c.git("commit", "-q", "--allow-empty", "--only", "-m", "second")
			c.git("replace", "HEAD", "HEAD~")
			c.git("replace", c.line("rev-parse", "HEAD:b.txt"), c.line("rev-parse", "HEAD:dir/one"))
		}, "a.txt"),
		row(drafted, "", "core.worktree names this one", func(c checkout) { c.git("config", "core.worktree", c.dir) }, "a.txt"),
		row(refused, "core.worktree", "core.worktree elsewhere", func(c checkout) {
			must(c.tb, os.Mkdir(c.path("sub"), 0o755))
			c.git("config", "core.worktree", c.path("sub"))
		}, "a.txt"),
		rowOf(refused, "bare", commitCase{"bare", func(tb testing.TB) checkout {
			tb.Helper()
			c := base(tb)
			bare := checkout{tb: tb, dir: tb.TempDir() + "/bare", env: c.env}
			c.git("clone", "-q", "--bare", c.dir, bare.dir)
			return bare
		}, []string{"a.txt"}}),
	)
}
