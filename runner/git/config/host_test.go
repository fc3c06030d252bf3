package config

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// host is a machine of its own for git: a home, a system file, a repository,
// and no setting of the real ones.
type host struct {
	root    string // home, etc and repo are below it
	program string
	env     []string
	gitDir  string // "" for repo/.git
	top     string // "" for repo
}

func newHost(t testing.TB) host {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is the oracle, and isn't installed")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := host{root: root, program: program, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + root + "/home", "GIT_CONFIG_SYSTEM=" + root + "/etc/gitconfig", "LC_ALL=C",
	}}
	for _, dir := range []string{"home/.config/git", "etc", "repo/.git/objects", "repo/.git/refs"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.write(t, "repo/.git/HEAD", "ref: refs/heads/topic/one\n")
	return h
}

// write writes a file, in whose text ROOT is the host's root.
func (h host) write(t testing.TB, name, text string) {
	t.Helper()
	name = filepath.Join(h.root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.ReplaceAll(text, "ROOT", h.root)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// with gives the host with more variables; "-NAME" removes one.
func (h host) with(env ...string) host {
	kept := []string{}
	for _, e := range h.env {
		name, _, _ := strings.Cut(e, "=")
		if !strings.Contains(" "+strings.Join(env, " ")+" ", " -"+name+" ") {
			kept = append(kept, e)
		}
	}
	for _, e := range env {
		if !strings.HasPrefix(e, "-") {
			kept = append(kept, strings.ReplaceAll(e, "ROOT", h.root))
		}
	}
	h.env = kept
	return h
}

func (h host) worktree() string {
	if h.top != "" {
		return h.top
	}
	return h.root + "/repo"
}

// git runs the real git.
func (h host) git(args ...string) ([]byte, error) {
	cmd := exec.Command(h.program, args...)
	cmd.Dir = h.worktree()
	cmd.Env = h.env
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return out, err
}

func (h host) places() Places {
	p := Places{GitDir: h.gitDir, CommonDir: h.root + "/repo/.git", WorkTree: h.worktree(), Branch: "topic/one", Env: h.env}
	if p.GitDir == "" {
		p.GitDir = p.CommonDir
	}
	return p
}

// agree loads natively, and fails unless git reads the same, or refuses too.
func (h host) agree() (Config, error, error) {
	want, gitErr := Load(h.places(), h.git)
	got, err := Load(h.places(), nil)
	return got, err, differ(got.entries, err, want.entries, gitErr)
}

// differ tells how our reading differs from git's. Blanks are all one: before
// version 2.45 git made spaces of those within a value.
func differ(got []entry, err error, want []entry, gitErr error) error {
	if (err != nil) != (gitErr != nil) {
		return fmt.Errorf("we say %v, git says %v", err, gitErr)
	}
	blanks := cmp.Transformer("blanks", func(e entry) string {
		return fmt.Sprintf("%q %v %q", e.key, e.bare, strings.NewReplacer("\t", " ", "\r", " ").Replace(e.value))
	})
	if err == nil && (len(got) > 0 || len(want) > 0) {
		if diff := cmp.Diff(want, got, blanks); diff != "" {
			return fmt.Errorf("git -, ours +:\n%s", diff)
		}
	}
	return nil
}
