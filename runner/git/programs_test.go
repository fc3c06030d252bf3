package git

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// loggingGit puts a git program first on the PATH of c that logs how it is
// called, and returns a function that reads the log.
func (c *checkout) loggingGit(t *testing.T) (calls func() string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	must(t, os.WriteFile(filepath.Join(dir, "git"), []byte("#!/bin/sh\necho \"$@\" >> "+log+"\nexec "+tool(t, "git")+" \"$@\"\n"), 0o755))
	c.env = append(slices.Clone(c.env), "PATH="+dir+":"+os.Getenv("PATH"))
	return func() string {
		data, err := os.ReadFile(log)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		_ = os.Remove(log) // there is none where git was not called
		return string(data)
	}
}

// TestGitCalls: reading starts no git, and git commit runs where it is needed
// only.
func TestGitCalls(t *testing.T) {
	t.Parallel()
	c := base(t)
	calls := c.loggingGit(t)
	r := c.open()
	head, err := r.Head()
	must(t, err)
	_, err = r.List(head.Commit)
	must(t, err)
	_, err = r.ReadFile(head.Commit, "dir/sub/deep")
	must(t, err)
	_, err = r.Tree(head.Commit)
	must(t, err)
	if got := calls(); got != "" {
		t.Errorf("git was called:\n%s", got)
	}
	c.write("a.txt", "A\n")
	_, err = r.Commit(t.Context(), CommitRequest{Paths: []string{"a.txt", "untracked"}, Message: "m"})
	must(t, err)
	got := calls()
	if strings.Contains(got, "commit --") || strings.Contains(got, "commit-tree") || strings.Count(got, "\n") > 10 {
		t.Errorf("git was called:\n%s", got)
	}
	c.hook("post-commit", "exit 0")
	c.write("a.txt", "B\n")
	_, err = r.Commit(t.Context(), CommitRequest{Paths: []string{"a.txt"}, Message: "m"})
	must(t, err)
	if got := calls(); !strings.Contains(got, "commit --only") {
		t.Errorf("git was called:\n%s", got)
	}
}

// TestReadersRunNothing: what only asks git runs no program of the user's.
func TestReadersRunNothing(t *testing.T) {
	t.Parallel()
	c := base(t)
	ran := filepath.Join(t.TempDir(), "ran")
	program := script(t, "echo $0 >> "+ran)
	for _, setting := range []string{"core.fsmonitor", "core.pager", "diff.external"} {
		c.git("config", setting, program)
	}
	for _, hook := range commitHooks {
		c.hook(hook, "echo "+hook+" >> "+ran)
	}
	index := func() string {
		data, err := os.ReadFile(c.path(".git/index"))
		must(t, err)
		return string(data)
	}
	c.write("a.txt", "A\n")
	_ = os.Remove(ran) // git config runs nothing, but other commands above may have
	before := index()
	r := c.open()
	_, errStatus := r.Status(t.Context())
	_, errResolve := r.Resolve(t.Context(), "main~0")
	if _, err := r.Draft(t.Context()); err == nil {
		t.Error("a draft was begun, although there are hooks")
	}
	must(t, errors.Join(errStatus, errResolve, r.Ready(t.Context())))
	if data, err := os.ReadFile(ran); err == nil {
		t.Errorf("these ran:\n%s", data)
	}
	if index() != before {
		t.Error("the index was written")
	}
}

// TestReplacedFile: a replace ref does not hide that a file was tampered with.
func TestReplacedFile(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("b.txt", "tampered\n")
	was, is := c.line("rev-parse", "HEAD:b.txt"), c.line("hash-object", "-w", "b.txt")
	c.git("replace", was, is)
	r := c.open()
	if data, err := r.ReadFile(c.head(), "b.txt"); string(data) != "b\n" || err != nil {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	changes, err := r.Status(t.Context())
	must(t, err)
	if !slices.ContainsFunc(changes, func(c Change) bool { return c.Path == "b.txt" && c.Unstaged }) {
		t.Errorf("Status = %v, without b.txt", changes)
	}
	contents, err := r.Store(t.Context(), []string{"b.txt"}, "")
	if want := []Content{{"b.txt", "100644", Hash(is)}}; !slices.Equal(contents, want) || err != nil {
		t.Errorf("Store = %v, %v, want %v", contents, err, want)
	}
}

// TestReadersInParallel: each goroutine has a reader of its own.
func TestReadersInParallel(t *testing.T) {
	t.Parallel()
	c := manyVersions(t, 30)
	r := c.open()
	commits := strings.Fields(c.git("rev-list", "HEAD"))
	done := make(chan error)
	for range 8 {
		go func() {
			var errs []error
			for _, commit := range commits {
				_, err := r.ReadFile(Hash(commit), "d/f")
				errs = append(errs, err)
			}
			done <- errors.Join(errs...)
		}()
	}
	for range 8 {
		must(t, <-done)
	}
	if _, err := r.Blob(Hash(strings.Repeat("1", 40))); !errors.Is(err, errNoObject) {
		t.Errorf("Blob of no object = %v, want errNoObject", err)
	}
	if data, err := r.Blob(Hash(c.line("rev-parse", "HEAD:d/3"))); string(data) != "small" || err != nil {
		t.Errorf("Blob = %q, %v", data, err)
	}
}
