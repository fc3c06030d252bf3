package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Ready reports, without changing anything, whether a commit could be made now,
// and so spares the work that would come before one. Another program's lock
// is waited for as in Commit. What depends on the paths is only known then.
//
// The error is ErrNoGit, ErrNoIdentity, an InProgressError, an OwnerError, an
// EnvironmentError, a DamagedIndexError or a LockedError.
func (r *Repo) Ready(ctx context.Context) error {
	head, _, err := r.usable(ctx)
	if err != nil {
		return err
	}
	if _, err := r.Identity(ctx); err != nil {
		return err
	}
	if _, err := r.tracked(ctx, nil); err != nil {
		return err
	}
	return r.unlocked(ctx, head)
}

// usable refuses what keeps any commit from being made, and returns HEAD and
// the folder of the hooks.
func (r *Repo) usable(ctx context.Context) (head Head, hooks string, err error) {
	if err := r.checkEnvironment(); err != nil {
		return Head{}, "", err
	}
	if hooks, err = r.checkWorkTree(ctx); err != nil {
		return Head{}, "", err
	}
	if err := r.inProgress(); err != nil {
		return Head{}, "", err
	}
	if head, err = r.Head(); err != nil {
		return Head{}, "", err
	}
	if head.Commit != "" {
		if _, err := r.commitAt(head.Commit); err != nil {
			return Head{}, "", fmt.Errorf("the last commit can't be read (run git fsck; git fetch may bring it back): %w", err)
		}
	}
	return head, hooks, nil
}

// checkEnvironment refuses variables that tell git to work elsewhere: on
// another repository than the one that was opened, or on another index than
// the user's own. Git sets them for its hooks; there they most often name
// what is opened anyway, and then they do no harm.
func (r *Repo) checkEnvironment() error {
	for _, v := range []struct{ name, own string }{
		{"GIT_DIR", r.gitDir},
		{"GIT_COMMON_DIR", r.common},
		{"GIT_WORK_TREE", r.top},
		{"GIT_INDEX_FILE", filepath.Join(r.gitDir, "index")},
		{"GIT_OBJECT_DIRECTORY", filepath.Join(r.common, "objects")},
		{"GIT_QUARANTINE_PATH", ""},
	} {
		value := lookEnv(r.given, v.name)
		if value == "" {
			continue
		}
		if v.own == "" || resolved(inside(r.top, value)) != resolved(v.own) {
			return &EnvironmentError{Name: v.name, Value: value}
		}
	}
	return nil
}

// resolved follows symlinks as far as the path exists.
func resolved(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, filepath.Base(name))
}

// checkWorkTree asks git whether it would work here, and on this work tree
// (core.bare and core.worktree may say otherwise). It returns the folder of
// the hooks.
func (r *Repo) checkWorkTree(ctx context.Context) (hooks string, err error) {
	out, err := r.git(ctx, call{args: []string{"rev-parse", "--path-format=absolute", "--show-toplevel", "--git-path", "hooks"}})
	if err != nil {
		return "", err
	}
	answer := strings.TrimSuffix(string(out), "\n")
	if hooks, ok := strings.CutPrefix(answer, r.top+"\n"); ok {
		return hooks, nil
	}
	top, hooks, _ := strings.Cut(answer, "\n")
	ours, errOurs := os.Stat(r.top)
	theirs, errTheirs := os.Stat(top)
	if err := errors.Join(errOurs, errTheirs); err != nil {
		return "", err
	}
	if !os.SameFile(ours, theirs) { // another spelling of the name is none
		return "", fmt.Errorf("core.worktree says that the work tree is %s (use that folder)", top)
	}
	return hooks, nil
}

// inProgress looks for the files by which git remembers a half-done
// operation. A rebase comes first, because it leaves the others' files too.
func (r *Repo) inProgress() error {
	for _, mark := range []struct{ file, what string }{
		{"rebase-merge", "rebase"},
		{"rebase-apply/applying", "am"},
		{"rebase-apply", "rebase"},
		{"MERGE_HEAD", "merge"},
		{"CHERRY_PICK_HEAD", "cherry-pick"},
		{"REVERT_HEAD", "revert"},
	} {
		if exists(filepath.Join(r.gitDir, filepath.FromSlash(mark.file))) {
			return &InProgressError{What: mark.what}
		}
	}
	// Between two commits of a series only the list of those to come is left.
	todo, err := os.ReadFile(filepath.Join(r.gitDir, "sequencer", "todo"))
	if err != nil {
		return nil //nolint:nilerr // no list, no series
	}
	if strings.HasPrefix(string(todo), "revert") {
		return &InProgressError{What: "revert"}
	}
	return &InProgressError{What: "cherry-pick"}
}

// unlocked refuses to go on while another program holds the index, HEAD or the
// branch. Most locks are gone in a moment, so it waits as Commit does.
func (r *Repo) unlocked(ctx context.Context, head Head) error {
	return r.persist(ctx, locked, func() error {
		if lock := r.lockOf(head); lock != "" {
			return &LockedError{Path: lock, Err: os.ErrExist}
		}
		return nil
	})
}

// lockOf returns a lock file that exists and that a commit would need.
func (r *Repo) lockOf(head Head) string {
	for _, file := range []string{filepath.Join(r.gitDir, "index"), r.refFile("HEAD"), r.refFile(head.Ref)} {
		if lock := file + ".lock"; exists(lock) {
			return lock
		}
	}
	return ""
}

// Identity returns the committer, as git finds it, in the form "Name <mail>".
// The error is ErrNoIdentity where git knows none.
func (r *Repo) Identity(ctx context.Context) (string, error) {
	who, err := r.identity(ctx, "GIT_COMMITTER_IDENT")
	return who[:strings.LastIndexByte(who, '>')+1], err
}

// identity returns the value of GIT_AUTHOR_IDENT or GIT_COMMITTER_IDENT: name,
// mail and date as commits hold them.
func (r *Repo) identity(ctx context.Context, variable string) (string, error) {
	out, err := r.git(ctx, call{args: []string{"var", variable}})
	if failed, ok := errors.AsType[*CommandError](err); ok && failed.Code == fatal {
		return "", fmt.Errorf("%w: %w", ErrNoIdentity, err)
	}
	return strings.TrimSuffix(string(out), "\n"), err
}

// commitHooks are the hooks that git commit --only runs; see githooks(5).
var commitHooks = []string{ //nolint:gochecknoglobals // a constant list
	"pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction", "post-index-change",
}

// NeedsGit returns the reason for which only git commit can make a commit in
// this repository, such as "there is a pre-commit hook"; "" where Draft can.
func (r *Repo) NeedsGit(ctx context.Context) (reason string, err error) {
	hooks, err := r.checkWorkTree(ctx)
	if err != nil {
		return "", err
	}
	settings, err := r.settings(ctx)
	if err != nil {
		return "", err
	}
	return r.onlyGit(settings, hooks)
}

// settings reads git's whole configuration.
func (r *Repo) settings(ctx context.Context) (config, error) {
	out, err := r.git(ctx, call{args: []string{"config", "--list", "-z"}})
	if err != nil {
		return nil, fmt.Errorf("reading git's configuration: %w", err)
	}
	return parseConfig(out), nil
}

func (r *Repo) onlyGit(settings config, hooks string) (reason string, err error) {
	f, err := r.format()
	if err != nil {
		return "", err
	}
	if !f.plain() {
		return "this is " + f.String(), nil
	}
	for key := range settings { // hooks of git 2.54 and later
		if strings.HasPrefix(key, "hook.") {
			return "hooks are configured", nil
		}
	}
	switch strings.ToLower(settings["core.sharedrepository"]) {
	case "", "umask", "false", "no", "off", "0":
	default:
		return "core.sharedRepository is set", nil
	}
	for _, name := range commitHooks {
		if executable(filepath.Join(hooks, name)) {
			return "there is a " + name + " hook", nil
		}
	}
	return "", nil
}
