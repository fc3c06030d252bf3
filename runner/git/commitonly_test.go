package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// hook installs a hook that runs the lines of a shell script.
func (c checkout) hook(name string, lines ...string) {
	c.tb.Helper()
	c.write(".git/hooks/"+name, "#!/bin/sh\n"+strings.Join(lines, "\n")+"\n")
	must(c.tb, os.Chmod(c.path(".git/hooks/"+name), 0o755))
}

// noted commits and returns why git commit did it; "" where a Draft did.
func noted(tb testing.TB, r *Repo, paths ...string) (Hash, string, error) {
	tb.Helper()
	h, err := r.Commit(tb.Context(), CommitRequest{Paths: paths, Message: message})
	if err != nil {
		return "", "", err
	}
	_, err = r.Draft(tb.Context())
	if needs, ok := errors.AsType[*NeedsGitError](err); ok {
		return h, needs.Reason, nil
	}
	return h, "", err
}

// TestHooks compares what each hook sees with what it sees under git.
func TestHooks(t *testing.T) {
	t.Parallel()
	spying := func(tb testing.TB) checkout {
		c := base(tb)
		log := filepath.Join(c.dir, ".git", "spy")
		for _, name := range commitHooks {
			c.hook(name,
				`{ echo "== `+name+` $#"; pwd | sed 's:.*/::'; basename "$GIT_INDEX_FILE" | sed 's/[0-9][0-9]*/N/'; echo "$GIT_EDITOR $LC_ALL"`,
				`case `+name+` in reference-transaction) cat;; prepare-*|commit-msg) cat "$1"; echo "$2";; esac`,
				`git diff --cached --name-status HEAD; } >> `+log,
			)
		}
		c.hook("commit-msg", `echo "commit-msg $1" >> `+log, `printf '\nSigned-off-by: hook\n# kept\n' >> "$1"`)
		c.write("a.txt", "A\n")
		c.write("new", "n\n")
		return c
	}
	ours, theirs := spying(t), spying(t)
	paths := []string{"a.txt", "new"}
	got, notice, err := noted(t, ours.open(), paths...)
	must(t, err)
	gitCommitOnly(t, theirs, paths)
	if got != theirs.head() || notice != "there is a pre-commit hook" {
		t.Errorf("commit %s, git's is %s; notice %q", got, theirs.head(), notice)
	}
	read := func(c checkout) string {
		data, err := os.ReadFile(c.path(".git/spy"))
		must(t, err)
		return string(data)
	}
	if diff := cmp.Diff(read(theirs), read(ours)); diff != "" {
		t.Errorf("hooks saw (-git +ours):\n%s", diff)
	}
	if diff := cmp.Diff(state(t, theirs), state(t, ours)); diff != "" {
		t.Errorf("state (-git +ours):\n%s", diff)
	}
}

// TestHookEnvironment compares the whole environment of hooks and filters with
// that which git commit gives them, and lets a hook use pathspecs.
func TestHookEnvironment(t *testing.T) {
	t.Parallel()
	dump := func(commit func(c checkout)) string {
		c := base(t)
		c.env = append(slices.Clone(c.env), "LC_ALL=de_DE.UTF-8", "GIT_OPTIONAL_LOCKS=1", "MINE=yes")
		c.write("x/new.js", "n\n")
		c.write("a.txt", "A\n")
		c.git("add", "-N", "x/new.js")
		for _, name := range commitHooks {
			c.hook(name, `{ echo "== `+name+`"; env | sort; } >> `+c.path(".git/dump"))
		}
		c.hook("pre-commit", `{ echo "== pre-commit"; env | sort; git diff --cached --name-only -- '*.js'; } >> `+c.path(".git/dump"))
		c.git("config", "filter.env.clean", "env | sort >> "+c.path(".git/filter")+"; cat")
		c.write(".gitattributes", "a.txt filter=env\n")
		commit(c)
		var text string
		for _, name := range []string{".git/dump", ".git/filter"} {
			data, err := os.ReadFile(c.path(name))
			must(t, err)
			lines := strings.Split(string(data), "\n")
			if name == ".git/filter" { // how often a filter runs is git's business
				slices.Sort(lines)
				lines = slices.Compact(lines)
			}
			text += strings.Join(lines, "\n")
		}
		home := strings.TrimPrefix(c.env[1], "HOME=")
		text = strings.NewReplacer(filepath.Dir(c.dir), "TEMP", home, "HOME").Replace(text)
		return regexp.MustCompile(`next-index-\d+`).ReplaceAllString(text, "next-index-N")
	}
	ours := dump(func(c checkout) {
		_, err := c.open().CommitOnly(t.Context(), CommitRequest{Paths: []string{"a.txt", "x/new.js"}, Message: "m"})
		must(t, err)
	})
	theirs := dump(func(c checkout) { c.git("commit", "-q", "--only", "-m", "m", "--", "a.txt", "x/new.js") })
	for _, part := range []string{"== pre-commit", "MINE=yes", "\nx/new.js\n", "== post-index-change"} {
		if !strings.Contains(ours, part) {
			t.Errorf("the dump has no %q:\n%s", part, ours)
		}
	}
	if diff := cmp.Diff(distinct(theirs), distinct(ours)); diff != "" {
		t.Errorf("environment (-git +ours):\n%s", diff)
	}
}

// distinct returns the lines of a text, each once: some hooks run more often
// where new files have to be named to git first.
func distinct(text string) []string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return slices.Compact(lines)
}

// TestHookChangesContent: what pre-commit adds again is committed.
func TestHookChangesContent(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.hook("pre-commit", "echo formatted > a.txt", "git add a.txt")
	c.write("a.txt", "raw\n")
	h, _, err := noted(t, c.open(), "a.txt")
	must(t, err)
	if got := c.git("show", string(h)+":a.txt"); got != "formatted\n" {
		t.Errorf("committed %q", got)
	}
}

// TestFailedHookLeavesNothing, whichever hook it is and whatever is new.
func TestFailedHookLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pre-commit", "prepare-commit-msg", "commit-msg", "reference-transaction"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := base(t)
			c.write("a.txt", "A\n")
			c.write("x/new", "n\n")
			c.write("new-staged-2/in", "i\n")
			c.git("add", "new-staged-2")
			c.remove("new-staged-2")
			c.write("new-staged-2", "a file now\n") // evicts what is staged below it
			before := append(state(t, c), c.git("ls-files", "-s", "-v"))
			c.hook(name, "echo first reason", "echo second reason >&2", "exit 1")
			_, _, err := noted(t, c.open(), "a.txt", "x/new", "untracked", "new-staged-2")
			e, ok := errors.AsType[*CommandError](err)
			if !ok || !strings.Contains(e.Message, "first reason\nsecond reason") {
				t.Errorf("Commit = %v, want all that the hook said", err)
			}
			if diff := cmp.Diff(before, append(state(t, c), c.git("ls-files", "-s", "-v"))); diff != "" {
				t.Errorf("after a failed commit (-before +after):\n%s", diff)
			}
		})
	}
}

// TestHookCancelled: the end of the context ends git and its hook, and what
// git has locked is free again.
func TestHookCancelled(t *testing.T) {
	t.Parallel()
	c := base(t)
	fifo := c.path(".git/fifo")
	must(t, unix.Mkfifo(fifo, 0o600))
	c.hook("pre-commit", "echo > .git/fifo", "exec sleep 1000")
	c.write("a.txt", "A\n")
	before := state(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	r := c.open()
	go func() {
		_, err := r.Commit(ctx, CommitRequest{Paths: []string{"a.txt", "untracked"}, Message: "m"})
		done <- err
	}()
	f, err := os.Open(fifo) // waits for the hook
	must(t, err)
	must(t, f.Close())
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Commit = %v, want context.Canceled", err)
	}
	if diff := cmp.Diff(before, state(t, c)); diff != "" {
		t.Errorf("after a cancelled commit (-before +after):\n%s", diff)
	}
	for _, lock := range []string{"index.lock", "refs/heads/main.lock"} {
		if exists(c.path(".git/" + lock)) {
			t.Errorf("%s was left behind", lock)
		}
	}
}

// TestHookLeavesProcess: what post-commit leaves running isn't waited for.
func TestHookLeavesProcess(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.hook("post-commit", "sleep 30 &", `echo $! > .git/left`)
	c.write("a.txt", "A\n")
	_, _, err := noted(t, c.open(), "a.txt")
	must(t, err)
	data, err := os.ReadFile(c.path(".git/left"))
	must(t, err)
	c.env = append(c.env, "PID="+strings.TrimSpace(string(data)))
	c.git("-c", "alias.end=!kill $PID", "end") // fails unless it still runs
}

// allEnv, when set, lets the tests compare every case with git; by default it
// is some, as each comparison starts some twenty processes.
const allEnv = "CHANT_TEST_ALL"

// TestByGitIsGits commits cases of all kinds by the git back end and by git.
func TestByGitIsGits(t *testing.T) {
	t.Parallel()
	cases := slices.Concat(contentCases(), indexCases(), placeCases())
	for i, tt := range cases {
		if i%5 != 0 && os.Getenv(allEnv) == "" {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			hooked := func(tb testing.TB) checkout {
				c := tt.setup(tb)
				hooks := filepath.Join(tb.TempDir(), "hooks")
				must(tb, os.Mkdir(hooks, 0o755))
				must(tb, os.WriteFile(filepath.Join(hooks, "post-commit"), []byte("#!/bin/sh\n"), 0o755))
				c.git("config", "core.hooksPath", hooks)
				return c
			}
			compareWithGit(t, hooked(t), hooked(t), tt.paths)
		})
	}
}

// TestByGitNothing: no hook runs where there is nothing to commit.
func TestByGitNothing(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.hook("pre-commit", "echo ran > ran", "exit 1")
	before := state(t, c)
	for _, paths := range [][]string{nil, {"a.txt", "sym"}, {"no/such"}} {
		if _, _, err := noted(t, c.open(), paths...); !errors.Is(err, ErrNothing) {
			t.Errorf("Commit(%q) = %v, want ErrNothing", paths, err)
		}
	}
	if diff := cmp.Diff(before, state(t, c)); diff != "" {
		t.Errorf("changed:\n%s", diff)
	}
}

// TestByGitExactly: a folder in place of a named path isn't swept in.
func TestByGitExactly(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.hook("post-commit", "exit 0")
	c.remove("a.txt", "b.txt")
	c.write("a.txt/in", "in\n")
	c.write("a.txt/other", "other\n")
	c.git("add", "a.txt")
	c.link("dir", "linked")
	r := c.open()
	for _, paths := range [][]string{{"a.txt"}, {"dir"}, {"dir/sub"}, {"linked/one"}, {"b.txt", "a.txt"}} {
		before := state(t, c)
		_, _, err := noted(t, r, paths...)
		if _, ok := errors.AsType[*PathError](err); !ok {
			t.Errorf("Commit(%q) = %v, want a PathError", paths, err)
		}
		if diff := cmp.Diff(before, state(t, c)); diff != "" {
			t.Errorf("changed:\n%s", diff)
		}
	}
	h, _, err := noted(t, r, "a.txt", "a.txt/in")
	must(t, err)
	if got := c.line("show", "--format=", "--name-status", "--no-renames", string(h)); got != "D\ta.txt\nA\ta.txt/in" {
		t.Errorf("committed:\n%s", got)
	}
	if got := c.line("diff", "--cached", "--name-only", "a.txt"); got != "a.txt/other" {
		t.Errorf("still staged:\n%s", got)
	}
}

// TestByGitManyPaths: names go to git by files, of which any number fits.
func TestByGitManyPaths(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.hook("post-commit", "exit 0")
	var paths []string
	for i := range 300 {
		name := fmt.Sprintf("many/%s/%d", strings.Repeat("x", 150), i)
		c.write(name, "x")
		paths = append(paths, name)
	}
	h, _, err := noted(t, c.open(), paths...)
	must(t, err)
	if got := strings.Count(c.git("show", "--format=", "--name-only", string(h)), "\n"); got != len(paths) {
		t.Errorf("%d paths were committed, want %d", got, len(paths))
	}
}

func TestByGitWaitsForLock(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.hook("post-commit", "exit 0")
	before := state(t, c)
	c.write(".git/index.lock", "")
	r := c.open()
	r.patience = 1
	_, _, err := noted(t, r, "untracked")
	if e, ok := errors.AsType[*LockedError](err); !ok || e.Path != c.path(".git/index.lock") {
		t.Errorf("Commit = %v, want a LockedError", err)
	}
	c.remove(".git/index.lock")
	if diff := cmp.Diff(before, state(t, c)); diff != "" {
		t.Errorf("changed:\n%s", diff)
	}
	c.write(".git/index.lock", "")
	r.patience = 1 << 40
	done := make(chan error)
	go func() {
		_, _, err := noted(t, r, "untracked")
		done <- err
	}()
	c.remove(".git/index.lock")
	must(t, <-done)
}
