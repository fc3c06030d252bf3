package git

import (
	"errors"
	"fmt"
)

// The errors that a caller may want to tell apart; test for them by
// errors.Is. Each message says how to mend the matter.
var (
	// ErrNotRepository is returned by Open where there is no git repository.
	ErrNotRepository = errors.New("not a git repository (run git init, or use -C DIR)")
	// ErrUnknownRevision is returned by Resolve for a text that names no commit.
	ErrUnknownRevision = errors.New("no such commit (name a branch, a tag or a commit; git log lists them)")
	// ErrShallow is returned where history ends because the clone is shallow.
	ErrShallow = errors.New("history ends here because the clone is shallow (run git fetch --unshallow)")
	// ErrNothing is returned where a commit would change nothing.
	ErrNothing = errors.New("nothing to commit: the files are as in the last commit")
	// ErrHeadMoved is returned by Publish where HEAD isn't what Draft has read.
	// Nothing has changed then.
	ErrHeadMoved = errors.New("another program has moved HEAD (try again when it is done)")
	// ErrNoIdentity is returned by Ready, Draft and Commit where git knows no
	// author.
	ErrNoIdentity = errors.New("git doesn't know who you are (run git config user.name NAME and git config user.email MAIL)")
	// ErrNoGit is returned where the git program is needed and can't be found.
	ErrNoGit = errors.New("the git program isn't on PATH (install git)")
)

// What is refused for these reasons says more, and how to mend it.
var (
	errEnvironment  = errors.New("the environment names another work tree")
	errOwner        = errors.New("the repository belongs to another user")
	errDamagedIndex = errors.New("the index is damaged")
	errSigning      = errors.New("signing the commit, as commit.gpgSign asks")
)

// wrap puts what was being done before an error, if there is one.
func wrap(err *error, doing string) {
	if *err != nil {
		*err = fmt.Errorf("%s: %w", doing, *err)
	}
}

// InProgressError is returned by Ready, Draft and Commit while an operation is
// half done in the work tree, because a commit would become a part of it.
type InProgressError struct {
	What string // "merge", "rebase", "cherry-pick", "revert" or "am"
}

// Error names the operation and the ways out of it.
func (e *InProgressError) Error() string {
	return fmt.Sprintf("a %s is in progress (finish it, or end it by git %s --abort)", e.What, e.What)
}

// NeedsGitError is returned by Draft where only git commit can make a commit.
type NeedsGitError struct {
	Reason string // such as "there is a pre-commit hook"
}

// Error returns the reason.
func (e *NeedsGitError) Error() string { return "only git commit can commit here: " + e.Reason }

// PathError says why one path can't be committed.
type PathError struct {
	Path   string // as it was requested
	Reason string // with the mend, where there is one
}

// Error returns the path and the reason.
func (e *PathError) Error() string { return fmt.Sprintf("%q: %s", e.Path, e.Reason) }

// LockedError is returned where another program held a lock of the repository
// for as long as it was waited for.
type LockedError struct {
	Path string // the lock file, in the host's form
	Err  error  // git's own words, where it was git that met the lock
}

// Error names the lock file. chant never removes another program's lock.
func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is held by another program (wait for it; remove the file only if no git is running): %v", e.Path, e.Err)
}

// Unwrap returns Err.
func (e *LockedError) Unwrap() error { return e.Err }

// CommandError is returned where a git command could not do its work.
type CommandError struct {
	Command string // such as "update-ref"
	Code    int    // exit status; -1 where a signal ended it
	Message string // the telling line of its stderr; its last lines where hooks may have written there
}

// Error returns the command and git's own words.
func (e *CommandError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("git %s: exit status %d", e.Command, e.Code)
	}
	return fmt.Sprintf("git %s: %s", e.Command, e.Message)
}
