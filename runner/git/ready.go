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
// The error is ErrNoGit, ErrNoIdentity, an InProgressError, a LockedError, or
// one that says what is wrong with the environment, the owner, or the index.
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
		if _, err := r.Tree(head.Commit); err != nil {
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
		if value != "" && !sameFile(inside(r.top, value), v.own) {
			return fmt.Errorf("%w: %s=%s (unset it)", errEnvironment, v.name, value)
		}
	}
	return nil
}

// sameFile reports whether two names, in whatever spelling, mean one file, which
// needn't exist.
func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA != nil && errB != nil && filepath.Base(a) == filepath.Base(b) {
		infoA, errA = os.Stat(filepath.Dir(a))
		infoB, errB = os.Stat(filepath.Dir(b))
	}
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// checkWorkTree asks git whether it would work here, and on this work tree
// (core.bare and core.worktree may say otherwise). It returns the folder of
// the hooks.
func (r *Repo) checkWorkTree(ctx context.Context) (hooks string, err error) {
	out, err := r.git(ctx, call{args: []string{"rev-parse", "--path-format=absolute", "--show-toplevel", "--git-path", "hooks"}})
	if err != nil {
		return "", err
	}
	top, hooks, _ := strings.Cut(strings.TrimSuffix(string(out), "\n"), "\n")
	if rest, ok := strings.CutPrefix(string(out), r.top+"\n"); ok { // whose name may hold a newline
		return strings.TrimSuffix(rest, "\n"), nil
	}
	if !sameFile(top, r.top) {
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

// needsGit returns a NeedsGitError where only git commit can make a commit.
func (r *Repo) needsGit(settings config, hooks string) error {
	f, err := r.format()
	if err != nil {
		return err
	}
	if f.odd != "" {
		return &NeedsGitError{Reason: "the repository has " + f.odd}
	}
	for key := range settings { // hooks of git 2.54 and later
		if strings.HasPrefix(key, "hook.") {
			return &NeedsGitError{Reason: "hooks are configured"}
		}
	}
	if shared := "core.sharedrepository"; settings.on(shared) && !strings.EqualFold(settings[shared], "umask") {
		return &NeedsGitError{Reason: "core.sharedRepository is set"}
	}
	for _, name := range commitHooks {
		if executable(filepath.Join(hooks, name)) {
			return &NeedsGitError{Reason: "there is a " + name + " hook"}
		}
	}
	return nil
}
