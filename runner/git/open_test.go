package git

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	env := isolatedEnv(t)
	top := base(t)
	bare := checkout{tb: t, dir: t.TempDir(), env: env}
	bare.git("init", "-q", "--bare")
	stray := checkout{tb: t, dir: t.TempDir(), env: env}
	stray.write(".git", "gitdir: nowhere\n")
	junk := checkout{tb: t, dir: t.TempDir(), env: env}
	junk.write(".git", "junk\n")
	hollow := checkout{tb: t, dir: t.TempDir(), env: env}
	must(t, os.Mkdir(hollow.path(".git"), 0o755))
	for name, tt := range map[string]struct {
		dir  string
		none bool // wants ErrNotRepository
	}{
		"nothing":       {t.TempDir(), true},
		"missing":       {filepath.Join(top.dir, "missing"), false},
		"below the top": {top.path("dir"), false},
		"in .git":       {top.path(".git"), false},
		"bare":          {bare.dir, false},
		"stray gitdir":  {stray.dir, false},
		"junk .git":     {junk.dir, true},
		"hollow .git":   {hollow.dir, true},
	} {
		r, err := Open(tt.dir, env)
		if err == nil || r != nil || errors.Is(err, ErrNotRepository) != tt.none {
			t.Errorf("%s: Open = %v, %v", name, r, err)
		}
	}
}

// TestReadyRefuses what git itself would not work in.
func TestReadyRefuses(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"core.bare=true", "core.worktree=" + t.TempDir(), "core.repositoryformatversion=2"} {
		c := base(t)
		c.configure(setting)
		_, errStore := c.open().Draft(t.Context())
		if err := c.open().Ready(t.Context()); err == nil || errStore == nil {
			t.Errorf("%s: Ready = %v, Draft = %v", setting, err, errStore)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		settings string
		plain    bool // go-git and files are enough
		asks     bool // git is asked for the format
	}{
		{"core.repositoryformatversion=0", true, false},
		{"core.repositoryformatversion=1", true, false},
		{"pack.window=10k core.bare=off", true, false},
		{"core.repositoryformatversion=1 extensions.noop=true", true, true},
		{"core.repositoryformatversion=1 extensions.worktreeConfig=true", true, true},
		{"core.repositoryformatversion=1 extensions.preciousObjects=true", true, true},
		{"core.repositoryformatversion=1 extensions.partialClone=origin", true, true},
		{"core.repositoryformatversion=1 extensions.objectFormat=sha1", true, true},
		{"core.repositoryformatversion=1 extensions.objectFormat=sha256", false, true},
		{"core.repositoryformatversion=1 extensions.refStorage=reftable", false, true},
		{"core.repositoryformatversion=1 extensions.something=true", false, true},
	} {
		c := newCheckout(t)
		c.configure(tt.settings)
		if f, err := c.open().format(); (f.odd == "") != tt.plain || err != nil {
			t.Errorf("%s: the format is %v, %v", tt.settings, f, err)
		}
		c.env = []string{"PATH="}
		if _, err := c.open().Head(); errors.Is(err, ErrNoGit) != tt.asks || err != nil && !tt.asks {
			t.Errorf("%s: Head without git: %v", tt.settings, err)
		}
	}
	c := newCheckout(t)
	c.configure("core.repositoryformatversion=2")
	if _, err := c.open().Head(); err == nil {
		t.Error("a repository of format 2 was read")
	}
}

// configure sets keys, even those with which git itself would stop working.
func (c checkout) configure(settings string) {
	c.tb.Helper()
	for s := range strings.FieldsSeq(settings) {
		key, value, _ := strings.Cut(s, "=")
		c.git("config", "-f", ".git/config", key, value)
	}
}

// TestUnknownFormats leaves the word to git, which knows its own extensions.
func TestUnknownFormats(t *testing.T) {
	t.Parallel()
	for _, extension := range []string{"refStorage=novel", "something=true"} {
		c := base(t)
		h := c.head()
		c.configure("core.repositoryformatversion=1 extensions." + extension)
		r := c.open()
		if got, err := r.Head(); err == nil {
			t.Errorf("%s: Head = %v", extension, got)
		}
		_, err := r.ReadFile(h, "a.txt")
		if _, gits := errors.AsType[*CommandError](err); !gits && extension == "something=true" {
			t.Errorf("%s: ReadFile = %v, want git's reason", extension, err)
		}
	}
}

func TestOpenRelativeAlternates(t *testing.T) {
	t.Parallel()
	c := base(t)
	clone := checkout{tb: t, dir: filepath.Join(filepath.Dir(c.dir), "clone"), env: c.env}
	c.git("clone", "-q", "-s", c.dir, clone.dir)
	clone.write(".git/objects/info/alternates", "# comment\n../../../base/.git/objects\n/no/such/objects\n")
	if data, err := clone.open().ReadFile(c.head(), "a.txt"); string(data) != "a\n" || err != nil {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
}
