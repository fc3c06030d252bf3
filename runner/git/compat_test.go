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

func contentRows() []compatibility {
	attribute := func(line, file, content string) func(c checkout) {
		return func(c checkout) {
			c.git("config", "filter.up.clean", "tr a-z A-Z")
			c.git("config", "filter.lfs.clean", "printf 'version %s' x; cat > .git/large")
			c.write(".gitattributes", line+"\n")
			c.write(file, content)
		}
	}
	auto := func(value, content string) func(c checkout) {
		return func(c checkout) {
			c.git("config", "core.autocrlf", value)
			c.write("crlf", content)
		}
	}
	return []compatibility{
		row(drafted, "", "autocrlf without CR", auto("true", "a\nb\n"), "crlf"),
		row(drafted, "", "autocrlf with CR", auto("true", "a\r\nb\n"), "crlf"),
		row(drafted, "", "autocrlf=input with CR", auto("input", "a\r\nb\n"), "crlf"),
		row(drafted, "", "no autocrlf, with CR", auto("false", "a\r\nb\n"), "crlf"),
		row(drafted, "", "filter", attribute("*.up filter=up", "f.up", "shout\n"), "f.up", "a.txt"),
		row(drafted, "", "filter elsewhere", attribute("*.up filter=up", "f.down", "shout\n"), "f.down"),
		row(drafted, "", "LFS", attribute("*.bin filter=lfs diff=lfs merge=lfs -text", "f.bin", "large\n"), "f.bin"),
		row(drafted, "", "ident with $Id", attribute("*.c ident", "f.c", strings.Repeat("x", 64<<10-2)+"$Id: x$\n"), "f.c"),
		row(drafted, "", "ident without $Id", attribute("*.c ident", "f.c", "$I d$\n"), "f.c"),
		row(drafted, "", "working-tree-encoding", attribute("*.u working-tree-encoding=UTF-16LE", "f.u", "a\x00\n\x00"), "f.u"),
		row(drafted, "", "text with CR", attribute("*.t text", "f.t", "a\r\n"), "f.t"),
		row(drafted, "", "text without CR", attribute("* text=auto eol=crlf", "f.t", "a\n"), "f.t", "a.txt"),
		row(drafted, "", "eol with CR", attribute("*.t eol=lf", "f.t", "a\r\n"), "f.t"),
		row(drafted, "", "the old crlf with CR", attribute("*.t crlf=input", "f.t", "a\r\n"), "f.t"),
		row(drafted, "", "macro", attribute("[attr]mine text\n*.t mine", "f.t", "a\r\n"), "f.t"),
		row(drafted, "", "-text with CR", attribute("*.t -text", "f.t", "a\r\n"), "f.t"),
		row(drafted, "", "binary with CR", attribute("*.t binary\n*.x text", "f.t", "a\r\n"), "f.t"),
		row(drafted, "", "attributes in a folder", func(c checkout) {
			c.write("dir/.gitattributes", "one text\n")
			c.write("dir/one", "a\r\n")
		}, "dir/one"),
		row(drafted, "", "attributes in info", func(c checkout) {
			c.write(".git/info/attributes", "a.txt text\n")
			c.write("a.txt", "A\r\n")
		}, "a.txt"),
		row(drafted, "", "attributes in the index only", func(c checkout) {
			c.write(".gitattributes", "a.txt text\n")
			c.git("add", ".gitattributes")
			c.remove(".gitattributes")
			c.write("a.txt", "A\r\n")
		}, "a.txt"),
		row(drafted, "", "attributes of the user", func(c checkout) {
			name := filepath.Join(c.tb.TempDir(), "attributes")
			must(c.tb, os.WriteFile(name, []byte("*.txt text\n"), 0o644))
			c.git("config", "core.attributesFile", name)
			c.write("a.txt", "A\r\n")
		}, "a.txt"),
		row(drafted, "", "safecrlf", func(c checkout) {
			c.git("config", "core.safecrlf", "true")
			c.write(".gitattributes", "*.x text\n")
		}, "a.txt"),
		row(drafted, "", "symlink with attributes", func(c checkout) {
			c.write(".gitattributes", "* filter=up text\n")
			c.remove("sym")
			c.link("b\r\n", "sym")
		}, "sym"),
	}
}

// identityRows have no identity in the environment.
func identityRows() []compatibility {
	with := func(name string, change func(c *checkout)) compatibility {
		return rowOf(drafted, "", commitCase{"identity from " + name, func(tb testing.TB) checkout {
			tb.Helper()
			c := base(tb)
			c.env = slices.DeleteFunc(c.env, func(e string) bool {
				return strings.HasPrefix(e, "GIT_AUTHOR_") && !strings.Contains(e, "_DATE=") ||
					strings.HasPrefix(e, "GIT_COMMITTER_") && !strings.Contains(e, "_DATE=")
			})
			c.write("a.txt", "A\n")
			change(&c)
			return c
		}, []string{"a.txt"}})
	}
	who := "[user]\n\tname = Inc Luded\n\temail = inc@example.org\n"
	file := func(c *checkout) string {
		name := filepath.Join(c.tb.TempDir(), "more")
		must(c.tb, os.WriteFile(name, []byte(who), 0o644))
		return name
	}
	return []compatibility{
		with("include", func(c *checkout) { c.git("config", "include.path", file(c)) }),
		with("includeIf", func(c *checkout) { c.git("config", "includeIf.gitdir:"+c.dir+"/.path", file(c)) }),
		with("includeIf on the branch", func(c *checkout) { c.git("config", "includeIf.onbranch:ma*.path", file(c)) }),
		with("GIT_CONFIG_GLOBAL", func(c *checkout) { c.env = append(c.env, "GIT_CONFIG_GLOBAL="+file(c)) }),
		with("author and committer apart", func(c *checkout) {
			c.git("config", "include.path", file(c))
			c.git("config", "author.email", "author@example.org")
			c.git("config", "committer.name", " Com <Mitter>, ")
		}),
		with("EMAIL", func(c *checkout) {
			c.git("config", "user.name", "Only A. Name")
			c.env = append(c.env, "EMAIL=mail@example.org")
		}),
		with("GIT_AUTHOR_EMAIL over the configuration", func(c *checkout) {
			c.git("config", "include.path", file(c))
			c.env = append(c.env, "GIT_AUTHOR_EMAIL=env@example.org")
		}),
		rowOf(refused, "who you are", commitCase{"no identity", func(tb testing.TB) checkout {
			tb.Helper()
			c := with("nowhere", func(c *checkout) { c.git("config", "user.useConfigOnly", "true") }).setup(tb)
			return c
		}, []string{"a.txt"}}),
	}
}

func stateRows() []compatibility {
	marked := func(names ...string) func(c checkout) {
		return func(c checkout) {
			for _, name := range names {
				c.write(".git/"+name, string(c.head())+"\n")
			}
		}
	}
	return []compatibility{
		row(refused, "merge is in progress", "merge", marked("MERGE_HEAD"), "a.txt"),
		row(refused, "rebase is in progress", "rebase", marked("rebase-merge/head-name"), "a.txt"),
		row(refused, "am is in progress", "am", marked("rebase-apply/applying"), "a.txt"),
		row(refused, "cherry-pick is in progress", "cherry-pick", marked("CHERRY_PICK_HEAD"), "a.txt"),
		row(refused, "revert is in progress", "revert", marked("REVERT_HEAD"), "a.txt"),
		row(refused, "merge is in progress", "merge, with a hook", func(c checkout) {
			marked("MERGE_HEAD")(c)
			c.hook("pre-commit", "echo > ran")
		}, "a.txt"),
		row(refused, ".git/index.lock is held", "index locked", marked("index.lock"), "a.txt"),
		row(refused, ".git/refs/heads/main.lock is held", "branch locked", marked("refs/heads/main.lock"), "a.txt"),
		row(refused, ".git/index.lock is held", "index locked, with a hook", func(c checkout) {
			marked("index.lock")(c)
			c.hook("pre-commit", "echo > ran")
		}, "a.txt", "untracked"),
		row(refused, "unmerged", "unmerged path", func(c checkout) {
			blob := c.line("rev-parse", "HEAD:b.txt")
			_, err := c.try("0 "+zeros+"\ta.txt\n100644 "+blob+" 1\ta.txt\n100644 "+blob+" 2\ta.txt\n", "update-index", "--index-info")
			must(c.tb, err)
		}, "a.txt"),
	}
}

func pathRows() []compatibility {
	submodule := func(c checkout) {
		base(c.tb) // makes the template
		c.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", template, "mod")
		c.git("commit", "-q", "-m", "mod", "--only", "mod", ".gitmodules")
		in := checkout{tb: c.tb, dir: c.path("mod"), env: c.env}
		in.commitAll("moved on")
	}
	return []compatibility{
		row(drafted, "", "odd names", func(c checkout) {
			for _, name := range oddNames {
				c.write(name, name)
			}
		}, oddNames...),
		row(refused, "under another name", "other letter case", func(c checkout) {
			c.git("config", "core.ignoreCase", "true")
			c.write("A.TXT", "x\n")
		}, "A.TXT"),
		row(drafted, "", "letter case changes", func(c checkout) {
			c.remove("a.txt")
			c.write("A.TXT", "a\n")
		}, "a.txt", "A.TXT"),
		row(drafted, "", "beside a submodule", submodule, "a.txt"),
		row(drafted, "", "a submodule itself", submodule, "mod"),
		row(refused, "commit there", "in a submodule", submodule, "mod/a.txt"),
		row(refused, "symlink", "through a symlink", func(c checkout) { c.link("dir", "linked") }, "linked/one"),
		row(refused, "repository of its own", "in a nested repository", func(c checkout) {
			c.write("nested/f", "f\n")
			(checkout{tb: c.tb, dir: c.path("nested"), env: c.env}).git("init", "-q")
		}, "nested/f"),
		row(refused, "inside the repository", "outside", func(checkout) {}, "../x"),
	}
}

// TestSHA256 and other formats that only git reads.
func TestSHA256(t *testing.T) {
	t.Parallel()
	c := checkout{tb: t, dir: t.TempDir(), env: isolatedEnv(t)}
	c.git("init", "-q", "--template=", "-b", "main", "--object-format=sha256")
	c.write("a.txt", "a\n")
	c.commitAll("start")
	c.write("a.txt", "A\n")
	c.write("new", "n\n")
	r, err := Open(c.dir, c.env)
	must(t, err)
	defer func() { must(t, r.Close()) }()
	must(t, r.Ready(t.Context()))
	h, notice, err := noted(t, r, "a.txt", "new")
	must(t, err)
	if h != c.head() || !strings.Contains(notice, "sha256") {
		t.Errorf("commit %s, HEAD is %s; notice %q", h, c.head(), notice)
	}
	if out := c.git("status", "--porcelain"); out != "" {
		t.Errorf("status:\n%s", out)
	}
}
