package checkout

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git"
	"chant/runner/process"
)

// processes is shared because a process can have one Supervisor only.
var processes *process.Supervisor

func TestMain(m *testing.M) {
	// The Supervisor takes children of the main thread for orphans, so git must
	// be started by others.
	runtime.LockOSThread()
	if err := flag.Set("rapid.checks", "8"); err != nil {
		panic(err)
	}
	var err error
	if processes, err = process.New(time.Now); err != nil {
		panic(err)
	}
	processes.Grace = 100 * time.Millisecond
	os.Exit(m.Run())
}

// repo is a work tree made by the git program, shut off from the configuration
// of whoever runs the tests.
type repo struct {
	tb  testing.TB
	dir string
	env []string
}

func newRepo(tb testing.TB, args ...string) repo {
	tb.Helper()
	r := emptyFolder(tb)
	r.git(append([]string{"init", "-q", "--template=", "-b", "main"}, args...)...)
	return r
}

// emptyFolder is where a test can clone a repository to.
func emptyFolder(tb testing.TB) repo {
	tb.Helper()
	dir, err := filepath.EvalSymlinks(tb.TempDir())
	must(tb, err)
	return repo{tb: tb, dir: dir, env: []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + tb.TempDir(),
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada Author", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_AUTHOR_DATE=1700000000 +0000",
		"GIT_COMMITTER_NAME=Ada Author", "GIT_COMMITTER_EMAIL=ada@example.org", "GIT_COMMITTER_DATE=1700000000 +0000",
	}}
}

// clone clones r, over a protocol that keeps shallow and partial clones so.
func (r repo) clone(args ...string) repo {
	r.tb.Helper()
	r.git("config", "uploadpack.allowFilter", "true")
	r.git("config", "uploadpack.allowAnySHA1InWant", "true")
	c := emptyFolder(r.tb)
	c.git(append(append([]string{"-c", "protocol.file.allow=always", "clone", "-q"}, args...), "file://"+r.dir, ".")...)
	return c
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (r repo) in(dir string) repo {
	r.dir = filepath.Join(r.dir, dir)
	return r
}

// try runs git and returns what it printed.
func (r repo) try(stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), "git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, r.env, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("git %q: %w\n%s", args, err, out)
	}
	return string(out), err
}

func (r repo) git(args ...string) string {
	r.tb.Helper()
	out, err := r.try("", args...)
	must(r.tb, err)
	return strings.TrimSpace(out)
}

func (r repo) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

// write writes files, by path.
func (r repo) write(files map[string]string) {
	r.tb.Helper()
	for name, data := range files {
		must(r.tb, os.MkdirAll(filepath.Dir(r.path(name)), 0o755))
		must(r.tb, os.WriteFile(r.path(name), []byte(data), 0o644))
	}
}

// commit writes files and commits the whole work tree.
func (r repo) commit(files map[string]string) git.Hash {
	r.tb.Helper()
	r.write(files)
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", "files")
	return r.head()
}

func (r repo) head() git.Hash { r.tb.Helper(); return git.Hash(r.git("rev-parse", "HEAD")) }

// source opens the repository for checkouts.
func (r repo) source(opts Options) (*Source, error) {
	r.tb.Helper()
	user, err := git.Open(r.dir, r.env)
	must(r.tb, err)
	r.tb.Cleanup(func() { must(r.tb, user.Close()) })
	if opts.Temp == "" {
		opts.Temp = r.tb.TempDir()
	}
	opts.Limit = max(opts.Limit, 8)
	opts.Env, opts.Processes = append(opts.Env, r.env...), processes
	return Open(r.tb.Context(), user, opts)
}

func (r repo) open(opts Options) *Source {
	r.tb.Helper()
	s, err := r.source(opts)
	must(r.tb, err)
	return s
}

// checkout checks out a commit until the test ends.
func (r repo) checkout(opts Options, commit git.Hash) *Checkout {
	r.tb.Helper()
	c, err := r.open(opts).Commit(r.tb.Context(), commit)
	must(r.tb, err)
	r.tb.Cleanup(func() { must(r.tb, c.Close()) })
	return c
}

// at is the repository of a checkout.
func (r repo) at(c *Checkout) repo {
	r.dir = c.Top()
	return r
}

// contents returns all files below a folder: their bytes with an "x" before those
// of executables, or "-> target". Git folders are left out.
func contents(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	files := map[string]string{}
	must(tb, filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == ".git" {
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return err
		}
		name, err := filepath.Rel(dir, at)
		if err != nil || d.IsDir() {
			return err
		}
		if d.Type() == fs.ModeSymlink {
			target, err := os.Readlink(at)
			files[name] = "-> " + target
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(at)
		files[name] = string(data)
		if info.Mode()&0o100 != 0 {
			files[name] = "x" + files[name]
		}
		return err
	}))
	return files
}

// bytesOf returns every file below a folder, git's own included.
func bytesOf(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	files := map[string]string{}
	must(tb, filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(at)
		files[at] = string(data)
		return err
	}))
	return files
}

// same fails the test where two values differ.
func same(tb testing.TB, what string, want, got any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// fails fails the test unless the error contains all texts.
func fails(tb testing.TB, err error, texts ...string) {
	tb.Helper()
	if err == nil {
		tb.Fatal("no error")
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			tb.Errorf("%q is not in the error: %v", text, err)
		}
	}
}

// empty fails the test where a folder has entries.
func empty(tb testing.TB, dir string) {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	must(tb, err)
	for _, e := range entries {
		tb.Errorf("left behind: %s", e.Name())
	}
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
