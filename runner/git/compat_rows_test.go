package git

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

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
