package git

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// manyStates is base with a path in each state that Dirty tells apart.
func manyStates(tb testing.TB) checkout {
	tb.Helper()
	c := base(tb)
	c.write("a.txt", "A\n") // other size
	c.write("b.txt", "B\n") // same size
	must(tb, os.Chmod(c.path("dir/one"), 0o755))
	c.remove("dir/two", "sym", "dir-x")
	c.link("b.txt", "sym")
	c.write("dir-x/in", "in\n")
	c.git("mv", "dir.txt", "moved.txt")
	c.write("later", "x\n")
	c.git("add", "-N", "later")
	c.write("ignored", "x\n")
	c.write(".git/info/exclude", "ignored\n")
	c.write("assumed", "x\n")
	c.git("add", "assumed")
	c.git("update-index", "--assume-unchanged", "assumed")
	c.write("assumed", "changed\n")
	must(tb, os.Chmod(c.path("run.sh"), 0o700)) // metadata alone
	return c
}

// TestDirty compares with git's whole status.
func TestDirty(t *testing.T) {
	t.Parallel()
	configured := func(key, value string) func(tb testing.TB) checkout {
		return func(tb testing.TB) checkout {
			c := manyStates(tb)
			c.git("config", key, value)
			return c
		}
	}
	for name, setup := range map[string]func(tb testing.TB) checkout{
		"all":       manyStates,
		"fileMode":  configured("core.fileMode", "false"),
		"symlinks":  configured("core.symlinks", "false"),
		"autocrlf":  configured("core.autocrlf", "true"),
		"split":     func(tb testing.TB) checkout { c := manyStates(tb); c.git("update-index", "--split-index"); return c },
		"untouched": base,
		"attributes": func(tb testing.TB) checkout {
			c := manyStates(tb)
			c.write(".gitattributes", "*.txt text\n")
			c.write("a.txt", "a\r\n")
			return c
		},
		"unborn": func(tb testing.TB) checkout {
			c := newCheckout(tb)
			c.write("a.txt", "a\n")
			c.write("b.txt", "b\n")
			c.git("add", "a.txt")
			return c
		},
		"unmerged": func(tb testing.TB) checkout {
			c := manyStates(tb)
			blob := c.line("rev-parse", "HEAD:a.txt")
			_, err := c.try("0 "+zeros+"\ta.txt\n100644 "+blob+" 1\ta.txt\n100644 "+blob+" 2\ta.txt\n", "update-index", "--index-info")
			must(tb, err)
			return c
		},
		"submodule": func(tb testing.TB) checkout {
			c := manyStates(tb)
			c.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", template, "mod")
			c.write("mod/a.txt", "dirty\n")
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := setup(t)
			r := c.open()
			want, err := r.Status(t.Context())
			must(t, err)
			asked := []string{
				"no/such", "ignored", "other", "gone", "new-staged", "untracked", "dir", "dir/sub", "dir/sub/deep", "mod", ".gitattributes", ".gitmodules",
				"a.txt", "b.txt", "dir/one", "dir/two", "sym", "dir-x", "dir-x/in", "dir.txt", "moved.txt", "later", "assumed", "run.sh",
			}
			slices.SortStableFunc(want, func(a, b Change) int { return slices.Compare([]byte(a.Path), []byte(b.Path)) })
			got, err := r.Dirty(t.Context(), append(asked, "a.txt"))
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-Status +Dirty):\n%s", diff)
			}
		})
	}
}

// TestDirtyAlone: for tracked files no git is needed.
func TestDirtyAlone(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("a.txt", "A\n")
	c.remove("b.txt")
	touched := time.Unix(1700000000, 0)
	must(t, os.Chtimes(c.path("dir/one"), touched, touched))
	env := slices.Clone(c.env)
	env[0] = "PATH=" + t.TempDir()
	r, err := Open(c.dir, env)
	must(t, err)
	defer func() { must(t, r.Close()) }()
	got, err := r.Dirty(t.Context(), []string{"a.txt", "b.txt", "dir/one", "dir/two", "new-staged", "no/such"})
	must(t, err)
	want := []Change{{Path: "a.txt", Unstaged: true}, {Path: "b.txt", Unstaged: true}, {Path: "new-staged", Staged: true}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(Version{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := r.Dirty(t.Context(), []string{"untracked"}); !errors.Is(err, ErrNoGit) {
		t.Errorf("Dirty of an untracked file = %v, want ErrNoGit", err)
	}
	if _, err := r.Dirty(t.Context(), []string{"../x"}); err == nil {
		t.Error("a path outside was taken")
	}
}

// TestDirtyRacy: a file written again in the second in which it was staged.
func TestDirtyRacy(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("a.txt", "1\n")
	c.git("add", "a.txt")
	info, err := os.Lstat(c.path("a.txt"))
	must(t, err)
	c.write("a.txt", "2\n")
	must(t, os.Chtimes(c.path("a.txt"), info.ModTime(), info.ModTime()))
	got, err := c.open().Dirty(t.Context(), []string{"a.txt"})
	must(t, err)
	if diff := cmp.Diff([]Change{{Path: "a.txt", Staged: true, Unstaged: true}}, got, cmpopts.IgnoreTypes(Version{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
