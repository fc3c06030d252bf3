package git

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// template is the folder in which makeBase makes its repository, once.
var (
	template string
	made     sync.Once
)

// init gives TestMain the main thread.
func init() { runtime.LockOSThread() } //nolint:gochecknoinits // only here is it certainly the main thread

func TestMain(m *testing.M) {
	if dir := os.Getenv(mainThreadEnv); dir != "" {
		if err := talkOnMainThread(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	runtime.UnlockOSThread()
	if os.Getenv(committerEnv) != "" {
		if err := commitFromEnv(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(run(m))
}

// run makes what all tests share. Random tests start hundreds of processes,
// so there are fewer of them by default than rapid would do.
func run(m *testing.M) int {
	if err := flag.Set("rapid.checks", "10"); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "chant-git-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	template = dir
	return m.Run()
}

// checkout is a work tree made by the git program, shut off from the user's
// configuration, with fixed identities and dates: the same steps give the
// same commits.
type checkout struct {
	tb  testing.TB
	dir string
	env []string
}

func isolatedEnv(tb testing.TB) []string {
	tb.Helper()
	home := tb.TempDir()
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home,
		"GIT_CONFIG_GLOBAL=" + filepath.Join(home, "none"),
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada Author",
		"GIT_AUTHOR_EMAIL=ada@example.org",
		"GIT_AUTHOR_DATE=1700000000 -0030",
		"GIT_COMMITTER_NAME=Carl C. Committer",
		"GIT_COMMITTER_EMAIL=carl@example.org",
		"GIT_COMMITTER_DATE=1700000100 +0530",
	}
}

// newCheckout makes an empty repository.
func newCheckout(tb testing.TB) checkout {
	tb.Helper()
	c := checkout{tb: tb, dir: tb.TempDir(), env: isolatedEnv(tb)}
	c.git("init", "-q", "--template=", "-b", "main")
	return c
}

// try runs git and gives its stdout; the error holds its stderr.
func (c checkout) try(stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), "git", args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	cmd.Stdin = strings.NewReader(stdin)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("git %q: %w\n%s", args, err, &stderr)
	}
	return string(out), err
}

func (c checkout) git(args ...string) string {
	c.tb.Helper()
	out, err := c.try("", args...)
	must(c.tb, err)
	return out
}

func (c checkout) line(args ...string) string {
	c.tb.Helper()
	return strings.TrimSpace(c.git(args...))
}

func (c checkout) path(name string) string { return filepath.Join(c.dir, filepath.FromSlash(name)) }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// write creates or replaces a file, and the folders it lies in.
func (c checkout) write(name, content string) {
	c.tb.Helper()
	must(c.tb, os.MkdirAll(filepath.Dir(c.path(name)), 0o755))
	must(c.tb, os.WriteFile(c.path(name), []byte(content), 0o644))
}

func (c checkout) remove(names ...string) {
	c.tb.Helper()
	for _, name := range names {
		must(c.tb, os.RemoveAll(c.path(name)))
	}
}

func (c checkout) link(target, name string) {
	c.tb.Helper()
	must(c.tb, os.Symlink(target, c.path(name)))
}

// commitAll commits the whole work tree.
func (c checkout) commitAll(message string) Hash {
	c.tb.Helper()
	c.git("add", "-A")
	c.git("commit", "-q", "--allow-empty", "-m", message)
	return c.head()
}

func (c checkout) head() Hash {
	c.tb.Helper()
	return Hash(c.line("rev-parse", "HEAD"))
}

func (c checkout) open() *Repo {
	c.tb.Helper()
	r, err := Open(c.dir, c.env)
	must(c.tb, err)
	c.tb.Cleanup(func() { must(c.tb, r.Close()) })
	return r
}
