package agent

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chant/runner/checkout"
	"chant/runner/git"
	"chant/runner/record"
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
	w          *Workspace
	spec       *spec.Spec
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
	k := &desk{user: user, repo: repo, spec: s}
	source, err := checkout.Open(tb.Context(), repo, checkout.Options{Limit: 1, Temp: tb.TempDir(), Link: []string{"linked"}})
	must(tb, err)
	head, err := repo.Head()
	must(tb, err)
	k.w, err = OpenWorkspace(tb.Context(), repo, source, Task{
		Spec: s, Base: head.Commit, Targets: k.changed(), Keep: tb.TempDir(),
	})
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

// Changes is what an agent did to its checkout.
type Changes struct{ Targets, Refused, Modes, Outside []string }

// read reads what the agent left.
func (k *desk) read() Changes {
	k.user.tb.Helper()
	var run record.AgentRun
	must(k.user.tb, k.w.Read(context.Background(), &run))
	return Changes{slices.Sorted(maps.Keys(k.w.left)), run.Refused, run.Modes, run.Outside}
}

// bringBack reads and brings back what the agent left. It returns what is in conflict.
func (k *desk) bringBack() (Changes, record.AgentRun) {
	k.user.tb.Helper()
	c := k.read()
	var run record.AgentRun
	must(k.user.tb, k.w.BringBack(context.Background(), &run, ".chant/store/aside/r1"))
	return c, run
}

// stored compares what the checks would see with what a commit would hold now.
// The error tells that git can't commit what is there.
func (k *desk) stored() (diff string, err error) {
	tb := k.user.tb
	tb.Helper()
	objects := filepath.Join(tb.TempDir(), "objects")
	must(tb, os.Mkdir(objects, 0o755))
	seen, err := k.w.Store(objects)
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
	case "160000":
		return c.Mode + " commit " + string(c.Hash)
	}
	return c.Mode + " blob " + string(c.Hash)
}
