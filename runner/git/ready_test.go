package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReady(t *testing.T) {
	t.Parallel()
	conflict := func(c checkout, args ...string) {
		c.git("stash", "-q", "-u")
		c.git("checkout", "-q", "-b", "side")
		c.write("a.txt", "side\n")
		c.commitAll("side")
		c.write("a.txt", "side 2\n")
		c.commitAll("side 2")
		c.git("checkout", "-q", "main")
		c.write("a.txt", "main\n")
		c.commitAll("main")
		if _, err := c.try("", args...); err == nil {
			c.tb.Fatalf("git %q met no conflict", args)
		}
	}
	for _, tt := range []struct {
		what string
		args []string
	}{
		{"merge", []string{"merge", "side"}},
		{"rebase", []string{"rebase", "side"}},
		{"rebase", []string{"rebase", "--apply", "side"}},
		{"cherry-pick", []string{"cherry-pick", "side~", "side"}},
		{"revert", []string{"revert", "--no-edit", "HEAD~", "side~"}},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			c := base(t)
			conflict(c, tt.args...)
			c.write("new", "n\n")
			r := c.open()
			_, errCommit := r.Commit(t.Context(), CommitRequest{Paths: []string{"new"}, Message: "m"})
			for _, err := range []error{r.Ready(t.Context()), errCommit} {
				if e, ok := errors.AsType[*InProgressError](err); !ok || e.What != tt.what {
					t.Errorf("got %v, want a %s in progress", err, tt.what)
				}
			}
		})
	}
}

func TestReadyForAm(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("patch", "From 0 Mon Sep 17 00:00:00 2001\nFrom: A <a@b>\nSubject: x\n\n---\n"+
		"diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-zzz\n+y\n--\n")
	c.git("reset", "-q", "--hard")
	if _, err := c.try("", "am", "patch"); err == nil {
		t.Fatal("the patch applied")
	}
	err := c.open().Ready(t.Context())
	if e, ok := errors.AsType[*InProgressError](err); !ok || e.What != "am" {
		t.Errorf("Ready = %v, want am in progress", err)
	}
}

func TestReadyBetweenPicks(t *testing.T) {
	t.Parallel()
	c := base(t)
	must(t, os.Mkdir(c.path(".git/sequencer"), 0o755))
	c.write(".git/sequencer/todo", "revert 1234567 x\n")
	if e, ok := errors.AsType[*InProgressError](c.open().Ready(t.Context())); !ok || e.What != "revert" {
		t.Errorf("Ready = %v, want a revert in progress", e)
	}
}

func TestUnmergedPath(t *testing.T) {
	t.Parallel()
	c := base(t)
	blob := c.line("rev-parse", "HEAD:a.txt")
	if _, err := c.try("0 "+zeros+"\ta.txt\n100644 "+blob+" 1\ta.txt\n100644 "+blob+" 2\ta.txt\n", "update-index", "--index-info"); err != nil {
		t.Fatal(err)
	}
	c.write("a.txt", "<<<<\n")
	_, err := c.open().Commit(t.Context(), CommitRequest{Paths: []string{"a.txt"}, Message: "m"})
	if _, ok := errors.AsType[*PathError](err); !ok {
		t.Errorf("Commit = %v, want a PathError", err)
	}
}

func TestNoIdentity(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.git("config", "user.useConfigOnly", "true")
	c.env = slices.DeleteFunc(c.env, func(e string) bool {
		return strings.HasPrefix(e, "GIT_AUTHOR_") || strings.HasPrefix(e, "GIT_COMMITTER_")
	})
	r := c.open()
	_, errCommit := r.Commit(t.Context(), CommitRequest{Paths: []string{"untracked"}, Message: "m"})
	for _, err := range []error{r.Ready(t.Context()), errCommit} {
		if !errors.Is(err, ErrNoIdentity) {
			t.Errorf("got %v, want ErrNoIdentity", err)
		}
	}
	c.git("config", "user.name", "N")
	c.git("config", "user.email", "n@example.org")
	must(t, r.Ready(t.Context()))
}

// TestNoGit: what a plain repository holds is read without git.
func TestNoGit(t *testing.T) {
	t.Parallel()
	c := base(t)
	head := c.head()
	env := slices.Clone(c.env)
	env[0] = "PATH=" + t.TempDir()
	r, err := Open(c.dir, env)
	must(t, err)
	defer func() { must(t, r.Close()) }()
	if got, err := r.Resolve(t.Context(), "HEAD"); got != head || err != nil {
		t.Errorf("Resolve(HEAD) = %v, %v", got, err)
	}
	if data, err := r.ReadFile(head, "a.txt"); string(data) != "a\n" || err != nil {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	if _, err := r.Tree(Hash(strings.Repeat("1", 40))); !errors.Is(err, ErrUnknownRevision) {
		t.Errorf("Tree of no commit: %v, want ErrUnknownRevision", err)
	}
	_, errStatus := r.Status(t.Context())
	_, errCommit := r.Commit(t.Context(), CommitRequest{Paths: []string{"untracked"}, Message: "m"})
	for _, err := range []error{errStatus, errCommit, r.Ready(t.Context())} {
		if !errors.Is(err, ErrNoGit) {
			t.Errorf("got %v, want ErrNoGit", err)
		}
	}
}

// TestCommitUndoes: where the branch can't be moved, the index is put back.
func TestCommitUndoes(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("a.txt", "staged\n")
	c.remove("b.txt")
	c.write("b.txt/was-file", "")
	c.git("add", "a.txt")
	c.write("a.txt", "final\n")
	c.write("dir-x2", "new\n")
	c.remove("dir")
	c.write("dir", "now a file\n")
	before := state(t, c)
	c.write(".git/hooks/reference-transaction", "#!/bin/sh\necho not now >&2\nexit 1\n")
	must(t, os.Chmod(c.path(".git/hooks/reference-transaction"), 0o755))
	_, err := c.open().Commit(t.Context(), CommitRequest{Paths: []string{"a.txt", "dir", "dir-x2", "b.txt/was-file"}, Message: "m"})
	if e, ok := errors.AsType[*CommandError](err); !ok || e.Command != "commit" || !strings.HasPrefix(e.Message, "not now") {
		t.Errorf("Commit = %v, want what the hook said", err)
	}
	if diff := cmp.Diff(before, state(t, c)); diff != "" {
		t.Errorf("after a failed commit (-before +after):\n%s", diff)
	}
}

func TestCommitWaitsForLocks(t *testing.T) {
	t.Parallel()
	for _, lock := range []string{"index.lock", "HEAD.lock", "refs/heads/main.lock"} {
		t.Run(filepath.Base(lock), func(t *testing.T) {
			t.Parallel()
			c := base(t)
			before := state(t, c)
			c.write("a.txt", "A\n")
			c.write(".git/"+lock, "")
			r := c.open()
			r.patience = 1
			_, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"a.txt"}, Message: "m"})
			if e, ok := errors.AsType[*LockedError](err); !ok || !strings.HasSuffix(e.Path, lock) {
				t.Fatalf("Commit = %v, want a LockedError", err)
			}
			c.remove(".git/" + lock)
			c.write("a.txt", "a\n")
			if diff := cmp.Diff(before, state(t, c)); diff != "" {
				t.Errorf("after a failed commit (-before +after):\n%s", diff)
			}
			c.write("a.txt", "A\n")
			c.write(".git/"+lock, "")
			r.patience = 1 << 40
			done := make(chan error)
			go func() {
				_, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"a.txt"}, Message: "m"})
				done <- err
			}()
			c.remove(".git/" + lock)
			must(t, <-done)
		})
	}
}

func TestCommitCancelled(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("a.txt", "A\n")
	before := state(t, c)
	c.write(".git/index.lock", "")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	r := c.open()
	go func() {
		_, err := r.Commit(ctx, CommitRequest{Paths: []string{"a.txt"}, Message: "m"})
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Commit = %v, want context.Canceled", err)
	}
	c.remove(".git/index.lock")
	if diff := cmp.Diff(before, state(t, c)); diff != "" {
		t.Errorf("after a cancelled commit (-before +after):\n%s", diff)
	}
}

// TestForeignEnvironment: a variable that names another place is refused, one
// that names the own place, as git sets them for its hooks, is not.
func TestForeignEnvironment(t *testing.T) {
	t.Parallel()
	c, other := base(t), base(t)
	before := []any{state(t, c), state(t, other)}
	c.write("a.txt", "A\n")
	commit := func(variables ...string) error {
		r, err := Open(c.dir, append(slices.Clone(c.env), variables...))
		must(t, err)
		defer func() { must(t, r.Close()) }()
		errReady := r.Ready(t.Context())
		_, err = r.Commit(t.Context(), CommitRequest{Paths: []string{"a.txt"}, Message: "m"})
		if (errReady == nil) != (err == nil) {
			t.Errorf("%q: Ready gives %v, Commit %v", variables, errReady, err)
		}
		return err
	}
	git := other.path(".git")
	for _, v := range []string{
		"GIT_DIR=" + git, "GIT_WORK_TREE=" + other.dir, "GIT_INDEX_FILE=" + git + "/index", "GIT_INDEX_FILE=.git/next-index-1.lock",
		"GIT_OBJECT_DIRECTORY=" + git + "/objects", "GIT_COMMON_DIR=" + git, "GIT_QUARANTINE_PATH=" + git,
	} {
		if err := commit(v); !errors.Is(err, errEnvironment) || !strings.Contains(err.Error(), v) {
			t.Errorf("with %s: %v, want errEnvironment", v, err)
		}
	}
	must(t, os.WriteFile(c.path("a.txt"), []byte("a\n"), 0o644))
	if diff := cmp.Diff(before, []any{state(t, c), state(t, other)}); diff != "" {
		t.Errorf("a refused commit changed something:\n%s", diff)
	}
	c.write("a.txt", "A\n")
	must(t, commit("GIT_DIR="+c.path(".git"), "GIT_WORK_TREE=.", "GIT_INDEX_FILE=.git/index", "GIT_COMMON_DIR=.git",
		"GIT_OBJECT_DIRECTORY=.git/objects", "GIT_NAMESPACE=ns", "GIT_GLOB_PATHSPECS=1", "GIT_PREFIX=dir/", "LC_ALL=de_DE.UTF-8"))
}

func TestForeignOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	for _, given := range []string{"", ".git"} {
		t.Run("worktree"+given, func(t *testing.T) {
			t.Parallel()
			c := base(t)
			c.write("a.txt", "A\n")
			must(t, os.Chown(c.path(given), 12345, -1))
			global := filepath.Join(t.TempDir(), "config")
			must(t, os.WriteFile(global, nil, 0o644))
			ready := func(variables ...string) error {
				env := append(slices.Clone(c.env), "GIT_CONFIG_GLOBAL="+global)
				r, err := Open(c.dir, append(env, variables...))
				must(t, err)
				defer func() { must(t, r.Close()) }()
				return r.Ready(t.Context())
			}
			for _, tt := range []struct {
				config string
				safe   bool
			}{
				{"", false}, {"directory = *", true}, {"directory = " + c.dir, true}, {"directory = /elsewhere", false},
				{"directory = *\n\tdirectory =", false},
			} {
				must(t, os.WriteFile(global, []byte("[safe]\n\t"+tt.config+"\n"), 0o644))
				err := ready()
				if refused := errors.Is(err, errOwner); refused == tt.safe || err != nil && tt.safe {
					t.Errorf("safe.%s: %v", tt.config, err)
				}
			}
			must(t, os.WriteFile(global, nil, 0o644))
			must(t, ready("SUDO_UID=12345"))
			// The repository itself can't declare itself safe.
			must(t, os.WriteFile(c.path(".git/config"), []byte("[safe]\n\tdirectory = *\n"), 0o644))
			if !errors.Is(ready(), errOwner) {
				t.Error("the repository's own safe.directory was believed")
			}
		})
	}
}

func TestReadyNamesLocks(t *testing.T) {
	t.Parallel()
	for _, lock := range []string{"index.lock", "HEAD.lock", "refs/heads/main.lock"} {
		c := base(t)
		r := c.open()
		r.patience = 1
		c.write(".git/"+lock, "")
		err := r.Ready(t.Context())
		if e, ok := errors.AsType[*LockedError](err); !ok || !strings.HasSuffix(e.Path, lock) {
			t.Errorf("Ready = %v, want a LockedError for %s", err, lock)
		}
		if !exists(c.path(".git/" + lock)) {
			t.Errorf("the foreign %s was removed", lock)
		}
	}
}

func TestDamagedIndex(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(data []byte) []byte{
		"version":  func(data []byte) []byte { data[7] = 9; return data },
		"checksum": func(data []byte) []byte { data[70] ^= 1; return data },
		"short":    func(data []byte) []byte { return data[:len(data)/2] },
		"empty":    func([]byte) []byte { return nil },
	} {
		c := base(t)
		data, err := os.ReadFile(c.path(".git/index"))
		must(t, err)
		must(t, os.WriteFile(c.path(".git/index"), damage(data), 0o644))
		r := c.open()
		_, errCommit := r.Commit(t.Context(), CommitRequest{Paths: []string{"untracked"}, Message: "m"})
		for _, err := range []error{r.Ready(t.Context()), errCommit} {
			if !errors.Is(err, errDamagedIndex) || !strings.Contains(err.Error(), c.path(".git/index")) {
				t.Errorf("%s: %v, want errDamagedIndex", name, err)
			}
		}
	}
}

func TestMissingTip(t *testing.T) {
	t.Parallel()
	c := base(t)
	head := string(c.head())
	c.remove(".git/objects/" + head[:2] + "/" + head[2:])
	if err := c.open().Ready(t.Context()); err == nil || !strings.Contains(err.Error(), head) {
		t.Errorf("Ready = %v, want an error that names the commit", err)
	}
}
