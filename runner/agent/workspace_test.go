package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chant/runner/checkout"
	"chant/runner/git"
	"chant/spec"
)

// tree is a folder's files by path: "MODE CONTENT", where the mode is that of a git
// tree, or a kind that git does not know.
type tree map[string]string

// dir is a folder that a test works in.
type dir struct {
	tb  testing.TB
	top string
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (d dir) path(name string) string { return filepath.Join(d.top, name) }

func (d dir) remove(name string) {
	d.tb.Helper()
	must(d.tb, os.RemoveAll(d.path(name)))
}

// write makes a file, and removes what is in its way.
func (d dir) write(name, content string) {
	d.tb.Helper()
	d.clear(name)
	must(d.tb, os.WriteFile(d.path(name), []byte(content), 0o644))
}

func (d dir) link(name, target string) {
	d.tb.Helper()
	d.clear(name)
	must(d.tb, os.Symlink(target, d.path(name)))
}

func (d dir) clear(name string) {
	d.tb.Helper()
	for i, c := range name {
		if info, err := os.Lstat(d.path(name[:i])); c == '/' && err == nil && !info.IsDir() {
			d.remove(name[:i])
		}
	}
	d.remove(name)
	must(d.tb, os.MkdirAll(filepath.Dir(d.path(name)), 0o755))
}

func (d dir) chmod(name string, mode fs.FileMode) {
	d.tb.Helper()
	must(d.tb, os.Chmod(d.path(name), mode))
}

func (d dir) git(args ...string) string {
	d.tb.Helper()
	cmd := exec.CommandContext(context.Background(), "git", args...)
	cmd.Dir, cmd.Env = d.top, gitEnv()
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.tb.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func gitEnv() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nowhere", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@x", "GIT_AUTHOR_DATE=1700000000 +0000",
		"GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@x", "GIT_COMMITTER_DATE=1700000000 +0000",
	}
}

// files reads the folder, without git's own.
func (d dir) files() tree {
	d.tb.Helper()
	found := tree{}
	must(d.tb, filepath.WalkDir(d.top, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if entry != nil && entry.Name() == ".git" {
				return fs.SkipDir
			}
			return err
		}
		info, err := entry.Info()
		must(d.tb, err)
		at, err := filepath.Rel(d.top, name)
		must(d.tb, err)
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(name)
			must(d.tb, err)
			mode := "100644 "
			if info.Mode()&0o100 != 0 {
				mode = "100755 "
			}
			found[at] = mode + string(data)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			must(d.tb, err)
			found[at] = "120000 " + target
		default:
			found[at] = info.Mode().Type().String()
		}
		return nil
	}))
	return found
}

// desk is a user's repository with an agent's workspace.
type desk struct {
	user, work dir
	repo       *git.Repo
	calls      *counted
	w          *Workspace
	spec       *spec.Spec
}

// counted counts what is asked of git.
type counted struct {
	*git.Repo
	calls int
}

func (c *counted) Run(ctx context.Context, call git.Call) ([]byte, error) {
	c.calls++
	return c.Repo.Run(ctx, call)
}

func (c *counted) StoreFrom(ctx context.Context, dir string, paths []string, objects string) ([]git.Content, error) {
	c.calls++
	return c.Repo.StoreFrom(ctx, dir, paths, objects)
}

const specPath = ".chant/specs/001.md"

// newRepo makes a repository with one commit of what setup makes.
func newRepo(tb testing.TB, setup func(d dir)) dir {
	tb.Helper()
	top, err := filepath.EvalSymlinks(tb.TempDir())
	must(tb, err)
	d := dir{tb, top}
	d.git("init", "-q", "--template=", "-b", "main")
	d.write(".gitignore", "*.o\nout/\n")
	setup(d)
	d.git("add", "-A")
	d.git("commit", "-q", "--allow-empty", "-m", "base")
	return d
}

// sitDown opens a workspace as a run does. targets are the entries of target_files.
func sitDown(tb testing.TB, user dir, targets string) *desk {
	tb.Helper()
	return trySitDown(tb, user, targets, false)
}

// trySitDown returns nil where git can't commit what the user has, and that may be.
func trySitDown(tb testing.TB, user dir, targets string, mayRefuse bool) *desk {
	tb.Helper()
	s, problems := spec.Parse(specPath, []byte("---\ntarget_files: ["+targets+"]\n---\n# T\n"))
	must(tb, problems.Err())
	repo, err := git.Open(user.top, gitEnv())
	must(tb, err)
	tb.Cleanup(func() { must(tb, repo.Close()) })
	k := &desk{user: user, repo: repo, calls: &counted{Repo: repo}, spec: s}
	source, err := checkout.Open(tb.Context(), repo, checkout.Options{Limit: 1, Temp: tb.TempDir(), Link: []string{"linked"}})
	must(tb, err)
	head, err := repo.Head()
	must(tb, err)
	k.w, err = OpenWorkspace(tb.Context(), k.calls, source, Task{Spec: s, Base: head.Commit, Targets: k.changed()})
	if _, refused := errors.AsType[*git.PathError](err); refused && mayRefuse {
		return nil
	}
	must(tb, err)
	tb.Cleanup(func() { must(tb, k.w.Close()) })
	k.work = dir{tb, k.w.Dir()}
	return k
}

// changed returns the changed target files of the user's work tree.
func (k *desk) changed() []string {
	k.user.tb.Helper()
	status, err := k.repo.Status(context.Background())
	must(k.user.tb, err)
	var paths []string
	for _, c := range status {
		if k.spec.Targets(c.Path) {
			paths = append(paths, c.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

// bringBack reads and brings back what the agent left.
func (k *desk) bringBack() (Changes, Conflicts) {
	k.user.tb.Helper()
	c, err := k.w.Read(context.Background())
	must(k.user.tb, err)
	conflicts, err := k.w.BringBack(".chant/store/aside/r1")
	must(k.user.tb, err)
	return c, conflicts
}

// stored compares what the checks would see with what a commit would hold now.
// The error tells that git can't commit what is there.
func (k *desk) stored() (diff string, err error) {
	tb := k.user.tb
	tb.Helper()
	objects := filepath.Join(tb.TempDir(), "objects")
	must(tb, os.Mkdir(objects, 0o755))
	seen, err := k.w.Store(context.Background(), objects)
	must(tb, err)
	want, err := k.repo.Store(context.Background(), k.changed(), objects)
	if err != nil {
		return "", err
	}
	// What equals HEAD is in neither tree a change.
	head := map[string]string{}
	for line := range strings.SplitSeq(k.user.git("ls-tree", "-r", "-z", "HEAD"), "\x00") {
		facts, at, _ := strings.Cut(line, "\t")
		head[at] = facts
	}
	seen = slices.DeleteFunc(seen, func(c git.Content) bool { return head[c.Path] == factsOf(c) })
	want = slices.DeleteFunc(want, func(c git.Content) bool { return head[c.Path] == factsOf(c) })
	return cmp.Diff(want, seen, cmpopts.EquateEmpty()), nil
}

func (k *desk) checkStored() {
	k.user.tb.Helper()
	diff, err := k.stored()
	must(k.user.tb, err)
	if diff != "" {
		k.user.tb.Errorf("what is checked (-committed +checked):\n%s", diff)
	}
}

func factsOf(c git.Content) string {
	switch c.Mode {
	case "":
		return ""
	case modeSubmodule:
		return c.Mode + " commit " + string(c.Hash)
	}
	return c.Mode + " blob " + string(c.Hash)
}

func TestWorkspace(t *testing.T) {
	t.Parallel()
	nothing := func(dir) {}
	for _, tt := range []struct {
		name    string
		targets string
		base    func(d dir) // what is committed
		user    func(d dir) // what the user has changed since
		agent   func(d dir)
		meet    func(d dir) // what the user does meanwhile
		want    func(d dir) // what is changed by bringing back
		changes Changes
		clash   []string // what is in conflict
	}{
		{
			name: "nothing", targets: "a", base: func(d dir) { d.write("a", "1") }, user: func(d dir) { d.write("a", "2"); d.write("b", "2") },
		},
		{
			name: "written, new, removed", targets: "src, b", base: func(d dir) { d.write("src/a", "1"); d.write("b", "1"); d.write("c", "1") },
			agent: func(d dir) {
				d.write("src/a", "2")
				d.write("src/deep/er/n", "n")
				d.remove("b")
				d.write("c", "2")
				d.write("d", "2")
			},
			want:    func(d dir) { d.write("src/a", "2"); d.write("src/deep/er/n", "n"); d.remove("b") },
			changes: Changes{Targets: []string{"b", "src/a", "src/deep/er/n"}, Outside: []string{"c", "d"}},
		},
		{
			name: "uncommitted", targets: "src", base: func(d dir) { d.write("src/a", "1"); d.write("src/b", "1"); d.write("src/c", "1") },
			user: func(d dir) { d.write("src/a", "2"); d.remove("src/b"); d.write("src/n", "2"); d.chmod("src/c", 0o755) },
			agent: func(d dir) {
				if diff := cmp.Diff(tree{"src/a": "100644 2", "src/n": "100644 2", "src/c": "100755 1", ".gitignore": "100644 *.o\nout/\n"}, d.files()); diff != "" {
					d.tb.Errorf("the agent's checkout (-want +got):\n%s", diff)
				}
				d.write("src/a", "3")
			},
			want:    func(d dir) { d.write("src/a", "3") },
			changes: Changes{Targets: []string{"src/a"}},
		},
		{
			name: "back to what is committed", targets: "a", base: func(d dir) { d.write("a", "1") }, user: func(d dir) { d.write("a", "2") },
			agent: func(d dir) { d.write("a", "1") }, want: func(d dir) { d.write("a", "1") },
			changes: Changes{Targets: []string{"a"}},
		},
		{
			name: "a folder for a file, a file for a folder", targets: "src", base: func(d dir) { d.write("src/a", "1"); d.write("src/b/c/d", "1") },
			agent:   func(d dir) { d.write("src/a/in", "2"); d.write("src/b", "2") },
			want:    func(d dir) { d.write("src/a/in", "2"); d.write("src/b", "2") },
			changes: Changes{Targets: []string{"src/a", "src/a/in", "src/b", "src/b/c/d"}},
		},
		{
			name: "a file for a folder that is not empty", targets: `"src/*", "src/b/c"`, base: func(d dir) { d.write("src/b/c", "1") },
			user: func(d dir) { d.write("src/b/mine.o", "mine") }, agent: func(d dir) { d.write("src/b", "2") },
			want:    func(d dir) { d.remove("src/b/c"); d.write(".chant/store/aside/r1/src/b", "2") },
			changes: Changes{Targets: []string{"src/b", "src/b/c"}},
			clash:   []string{"src/b"},
		},
		{
			name: "an empty folder for a file", targets: "a", base: func(d dir) { d.write("a", "1") },
			agent: func(d dir) { d.clear("a/x") }, want: func(d dir) { d.remove("a") },
			changes: Changes{Targets: []string{"a"}},
		},
		{
			name: "the last file of a folder", targets: "src/a/b", base: func(d dir) { d.write("src/a/b", "1"); d.write("src/c", "1") },
			agent: func(d dir) { d.remove("src/a") }, want: func(d dir) { d.remove("src/a") },
			changes: Changes{Targets: []string{"src/a/b"}},
		},
		{
			name: "links", targets: "src", base: func(d dir) { d.write("src/a", "1"); d.link("src/l", "a"); d.link("src/m", "a") },
			agent: func(d dir) {
				d.link("src/a", "../../../out")
				d.link("src/l", "/etc/passwd")
				d.write("src/m", "2")
				d.link("src/n", "a")
			},
			want: func(d dir) {
				d.link("src/a", "../../../out")
				d.link("src/l", "/etc/passwd")
				d.write("src/m", "2")
				d.link("src/n", "a")
			},
			changes: Changes{Targets: []string{"src/a", "src/l", "src/m", "src/n"}},
		},
		{
			name: "a folder becomes a link", targets: "src/a", base: func(d dir) { d.write("src/a", "1"); d.write("other/a", "1") },
			agent: func(d dir) { d.link("src", "other") }, want: func(d dir) { d.remove("src") },
			changes: Changes{Targets: []string{"src/a"}, Outside: []string{"src"}},
		},
		{
			name: "a folder becomes a link out", targets: `"src/**"`, base: func(d dir) { d.write("src/a", "1") },
			agent: func(d dir) { d.link("src", "/etc") }, want: func(d dir) { d.link("src", "/etc") },
			changes: Changes{Targets: []string{"src", "src/a"}},
		},
		{
			name: "modes", targets: "src", base: func(d dir) {
				d.write("src/run", "1")
				d.chmod("src/run", 0o755)
				d.write("src/plain", "1")
				d.write("src/private", "1")
			},
			user: func(d dir) { d.chmod("src/private", 0o600) },
			agent: func(d dir) {
				d.write("src/run", "2")
				d.chmod("src/plain", 0o777)
				d.chmod("src/private", 0o666)
				d.write("src/new", "2")
				d.chmod("src/new", 0o755)
			},
			want: func(d dir) {
				d.write("src/run", "2")
				d.chmod("src/run", 0o755)
				d.write("src/new", "2")
				d.chmod("src/new", 0o755)
			},
			changes: Changes{Targets: []string{"src/new", "src/run"}, Modes: []string{"src/plain", "src/run"}},
		},
		{
			name: "names", targets: "src", base: nothing,
			agent: func(d dir) {
				d.write("src/:(top)x", "1")
				d.write("src/a\nb", "1")
				d.write(":y", "1")
				d.write("-z", "1")
				d.write(":y.o", "1")
			},
			want:    func(d dir) { d.write("src/:(top)x", "1"); d.write("src/a\nb", "1") },
			changes: Changes{Targets: []string{"src/:(top)x", "src/a\nb"}, Outside: []string{"-z", ":y"}},
		},
		{
			name: "what git ignores", targets: "src, named.o", base: func(d dir) {
				d.write("src/a", "1")
				d.git("add", "-f", ".")
				d.write("kept.o", "1")
				d.git("add", "-f", "kept.o")
			},
			agent: func(d dir) {
				d.write("src/x.o", "2")
				d.write("named.o", "2")
				d.write("x.o", "2")
				d.write("out/deep/y", "2")
				d.write("kept.o", "2")
				d.write("z", "2")
				d.write(".gitignore", "*\n")
			},
			want:    func(d dir) { d.write("named.o", "2") },
			changes: Changes{Targets: []string{"named.o"}, Outside: []string{".gitignore", "kept.o", "z"}},
		},
		{
			name: "what was linked, and git ignores", targets: `"**"`,
			base:    func(d dir) { d.write(".gitignore", "linked\n*.o\n") },
			user:    func(d dir) { d.write("linked/x", "1") },
			agent:   func(d dir) { d.write("linked/x", "2"); d.write("a", "2") },
			want:    func(d dir) { d.write("a", "2") },
			changes: Changes{Targets: []string{"a"}},
		},
		{
			name: "where git does not answer", targets: "src", base: nothing, user: func(d dir) { d.link("l", "/"); d.write("f", "1") },
			agent:   func(d dir) { d.write("l/x.o", "2"); d.write("f/x.o", "2"); d.write("x.o", "2") },
			changes: Changes{Outside: []string{"l/x.o"}},
		},
		{
			name: "what no commit can hold", targets: "src", base: func(d dir) { d.write("src/a", "1") },
			agent: func(d dir) {
				d.remove("src/a")
				must(d.tb, syscall.Mkfifo(d.path("src/a"), 0o644))
				must(d.tb, syscall.Mkfifo(d.path("src/b"), 0o644))
				d.write("src/s/.git", "gitdir: /")
				d.write("src/t/.GIT/config", "x")
				d.write("src/git~1", "x")
				d.write("src/c", "2")
			},
			want: func(d dir) { d.write("src/c", "2") },
			changes: Changes{Targets: []string{"src/c"}, Refused: []string{
				"src/a (neither a file nor a symbolic link)", "src/b (neither a file nor a symbolic link)",
				"src/git~1 (its name means git's own folder on some systems)",
				"src/s/.git (its name means git's own folder on some systems)",
				"src/t/.GIT/config (its name means git's own folder on some systems)",
			}},
		},
		{
			name: "git's own", targets: `"**"`, base: nothing,
			agent: func(d dir) {
				d.git("init", "-q", "sub")
				d.write("sub/f", "2")
				d.write(".git/hooks/x", "x")
				d.remove(".git/HEAD")
			},
			want: func(d dir) { d.write("sub/f", "2") }, changes: Changes{Targets: []string{"sub/f"}},
		},
		{
			name: "chant's own", targets: `"**", ".chant/docs/*", ".chant/specs"`, base: func(d dir) { d.write(specPath, "# T\n"); d.write(".chant/specs/2.md", "# T\n") },
			agent: func(d dir) {
				d.write(".chant/config.md", "x")
				d.write(".chant/store/x", "x")
				d.write(".chant/docs/x", "x")
				d.write(specPath, "# U\n")
				d.write(".chant/specs/2.md", "# U\n")
				d.remove(".gitignore")
			},
			want: func(d dir) {
				d.write(".chant/docs/x", "x")
				d.write(".chant/specs/2.md", "# U\n")
				d.remove(".gitignore")
			},
			changes: Changes{Targets: []string{".chant/docs/x", ".chant/specs/2.md", ".gitignore"}, Outside: []string{".chant/config.md", specPath, ".chant/store/x"}},
		},
		{
			name: "conflicts", targets: "src", base: func(d dir) {
				d.write("src/a", "1")
				d.write("src/b", "1")
				d.write("src/c", "1")
				d.write("src/d", "1")
			},
			agent: func(d dir) {
				d.write("src/a", "2")
				d.write("src/b", "2")
				d.remove("src/c")
				d.write("src/d", "2")
				d.write("src/n", "2")
			},
			meet: func(d dir) {
				d.write("src/a", "3")
				d.remove("src/b")
				d.write("src/c", "3")
				d.write("src/d", "2")
				d.write("src/n/x", "3")
			},
			want: func(d dir) {
				d.write(".chant/store/aside/r1/src/a", "2")
				d.write(".chant/store/aside/r1/src/b", "2")
				d.write(".chant/store/aside/r1/src/n", "2")
			},
			changes: Changes{Targets: []string{"src/a", "src/b", "src/c", "src/d", "src/n"}},
			clash:   []string{"src/a", "src/b", "src/c", "src/n"},
		},
		{
			name: "something of the user's in the way", targets: `"**/f"`, base: nothing,
			user: func(d dir) {
				d.write("file", "1")
				d.link("link", "/tmp")
				d.git("init", "-q", "repo")
				d.write("dir/f/x", "1")
			},
			agent: func(d dir) {
				d.write("file/f", "2")
				d.write("link/f", "2")
				d.write("repo/f", "2")
				d.write("dir/f", "2")
			},
			want: func(d dir) {
				for _, at := range []string{"file/f", "link/f", "repo/f", "dir/f"} {
					d.write(".chant/store/aside/r1/"+at, "2")
				}
			},
			changes: Changes{Targets: []string{"dir/f", "file/f", "link/f", "repo/f"}},
			clash:   []string{"dir/f", "file/f", "link/f", "repo/f"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			user := newRepo(t, tt.base)
			for _, step := range []*func(dir){&tt.user, &tt.agent, &tt.meet, &tt.want} {
				if *step == nil {
					*step = nothing
				}
			}
			tt.user(user)
			k := sitDown(t, user, tt.targets)
			index := user.git("ls-files", "-s")
			tt.agent(k.work)
			tt.meet(user)
			before := dir{t, t.TempDir()}
			must(t, exec.CommandContext(t.Context(), "cp", "-a", user.top+"/.", before.top).Run())
			changes, conflicts := k.bringBack()
			if diff := cmp.Diff(tt.changes, changes, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			tt.want(before)
			if diff := cmp.Diff(before.files(), user.files()); diff != "" {
				t.Errorf("the work tree (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.clash, conflicts.Paths); diff != "" {
				t.Errorf("conflicts (-want +got):\n%s", diff)
			}
			if now := user.git("ls-files", "-s"); now != index {
				t.Errorf("the index became\n%s", now)
			}
			if len(conflicts.Paths) == 0 && tt.name != "what git ignores" { // as it is, no commit would hold named.o
				k.checkStored()
			}
		})
	}
}

// An agent that runs again changes what it changed, or takes it back.
func TestWorkspaceAttempts(t *testing.T) {
	t.Parallel()
	user := newRepo(t, func(d dir) { d.write("src/a", "1"); d.write("src/b", "1") })
	user.write("src/b", "2")
	k := sitDown(t, user, "src")
	k.work.write("src/a", "2")
	k.work.remove("src/b")
	k.work.write("src/c", "2")
	_, err := k.w.Read(t.Context())
	must(t, err)
	k.work.write("src/a", "1")
	k.work.write("src/b", "2")
	k.work.write("src/c", "3")
	changes, conflicts := k.bringBack()
	if diff := cmp.Diff(Changes{Targets: []string{"src/c"}}, changes); diff != "" || conflicts.Paths != nil {
		t.Errorf("conflicts %v, changes (-want +got):\n%s", conflicts, diff)
	}
	want := tree{".gitignore": "100644 *.o\nout/\n", "src/a": "100644 1", "src/b": "100644 2", "src/c": "100644 3"}
	if diff := cmp.Diff(want, user.files()); diff != "" {
		t.Errorf("the work tree (-want +got):\n%s", diff)
	}
	k.checkStored()
}

// What an agent does to its checkout after Read, by a process that it left running,
// is neither checked nor brought back.
func TestWorkspaceKeepsWhatWasRead(t *testing.T) {
	t.Parallel()
	user := newRepo(t, func(d dir) { d.write("a", "1"); d.write("b", "1") })
	user.write("b", "2")
	k := sitDown(t, user, "a, b")
	k.work.write("a", "2")
	_, err := k.w.Read(t.Context())
	must(t, err)
	k.work.write("a", "3")
	k.work.write("b", "3")
	_, err = k.w.BringBack("aside")
	must(t, err)
	if got := user.files(); got["a"] != "100644 2" || got["b"] != "100644 2" {
		t.Errorf("came back: %v", got)
	}
	k.checkStored()
}

func TestWorkspaceGone(t *testing.T) {
	t.Parallel()
	for name, vanish := range map[string]func(d dir){
		"removed": func(d dir) { d.remove("") },
		"replaced": func(d dir) {
			must(d.tb, os.Rename(d.top, d.top+"-away"))
			must(d.tb, os.Symlink("/", d.top))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := newRepo(t, func(d dir) { d.write("a", "1") })
			k := sitDown(t, user, "a, b")
			k.work.write("b", "2")
			_, err := k.w.Read(t.Context())
			must(t, err)
			vanish(k.work)
			if _, err := k.w.Read(t.Context()); !errors.Is(err, ErrNoFolder) {
				t.Errorf("Read: %v, want ErrNoFolder", err)
			}
			if _, err := k.w.BringBack("aside"); err != nil { // of the first attempt
				t.Error(err)
			}
			if got := user.files(); got["a"] != "100644 1" || got["b"] != "100644 2" {
				t.Errorf("the work tree is %v", got)
			}
		})
	}
}

// A file in a submodule belongs to another repository.
func TestWorkspaceSubmodule(t *testing.T) {
	t.Parallel()
	other := newRepo(t, func(d dir) { d.write("f", "1") })
	user := newRepo(t, func(d dir) {
		d.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.top, "sub")
	})
	other.write("f", "2")
	other.git("commit", "-q", "-am", "two")
	user.git("-c", "protocol.file.allow=always", "-C", "sub", "pull", "-q", other.top, "main") // an uncommitted change
	k := sitDown(t, user, "sub, a")
	k.work.write("sub/f", "3")
	k.work.write("sub/n", "3")
	k.work.write("a", "3")
	changes, _ := k.bringBack()
	want := Changes{
		Targets: []string{"a"},
		Refused: []string{"sub/f (it is in the submodule sub)", "sub/n (it is in the submodule sub)"},
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	k.checkStored()
}

// Of folders that nobody may read nothing is known, least of all that files are gone.
func TestWorkspaceUnreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read anything")
	}
	user := newRepo(t, func(d dir) { d.write("src/a", "1"); d.write("src/d/b", "1") })
	k := sitDown(t, user, "src")
	k.work.chmod("src/a", 0)
	k.work.write("src/d/b", "2")
	k.work.chmod("src/d", 0)
	changes, _ := k.bringBack()
	want := Changes{Targets: []string{"src/d/b"}, Modes: nil, Refused: []string{"src/a (not readable)"}}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// Many files ask git as often as one.
func TestWorkspaceManyFiles(t *testing.T) {
	t.Parallel()
	const many = 200
	count := func(n int) int {
		user := newRepo(t, func(d dir) {
			for i := range many {
				d.write(fmt.Sprintf("src/%d/f", i), "1")
			}
		})
		k := sitDown(t, user, `"src/**"`)
		for i := range n {
			k.work.write(fmt.Sprintf("src/%d/f", i), "2")
			k.work.write(fmt.Sprintf("out/%d", i), "2")
		}
		changes, _ := k.bringBack()
		if len(changes.Targets) != n || len(changes.Outside) > 0 {
			t.Errorf("%d files changed: %d target files, and outside %d", n, len(changes.Targets), len(changes.Outside))
		}
		calls := k.calls.calls
		k.checkStored()
		return k.calls.calls - calls
	}
	if one, all := count(1), count(many); one != all {
		t.Errorf("git was asked %d times for one file, %d times for %d", one, all, many)
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	const text = "---\nstatus: pending\n---\n# T\n\n## Acceptance Criteria\n\n- [ ] A\n- [x] B\n"
	was, problems := spec.Parse(specPath, []byte(text))
	must(t, problems.Err())
	for _, tt := range []struct {
		name  string
		agent func(d dir)
		want  []string
	}{
		{"nothing", func(dir) {}, []string{}},
		{"a tick", func(d dir) { d.write(specPath, strings.Replace(text, "[ ]", "[x]", 1)) }, []string{"ticked criterion 1"}},
		{"a tick taken away", func(d dir) { d.write(specPath, strings.Replace(text, "[x]", "[ ]", 1)) }, []string{}},
		{"a tick of its own", func(d dir) { d.write(specPath, text+"- [x] C\n") }, []string{"ticked criterion 3"}},
		{"a status", func(d dir) { d.write(specPath, strings.Replace(text, "pending", "completed", 1)) }, []string{"changed its status"}},
		{"no spec", func(d dir) { d.remove(specPath) }, []string{}},
		{"a link", func(d dir) { d.link(specPath, "/etc/passwd") }, []string{}},
		{"a pipe", func(d dir) {
			d.remove(specPath)
			must(d.tb, syscall.Mkfifo(d.path(specPath), 0o644))
		}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := sitDown(t, newRepo(t, func(d dir) { d.write(specPath, text) }), "a")
			tt.agent(k.work)
			if diff := cmp.Diff(tt.want, k.w.Claims(was)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Bringing back leaves nothing behind: no checkout, no copies.
func TestWorkspaceClose(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	user := newRepo(t, func(d dir) { d.write("a", "1") })
	k := sitDown(t, user, "a")
	k.work.write("a", "2")
	k.work.write("deep/x", "2")
	k.work.chmod("deep", 0)
	k.bringBack()
	must(t, k.w.Close())
	left, err := os.ReadDir(temp)
	must(t, err)
	if slices.ContainsFunc(left, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), "chant-") }) {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(k.w.Dir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the checkout: %v", err)
	}
}
