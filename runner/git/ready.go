package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/object"

	gitconfig "chant/runner/git/config"
)

// Ready tells, without changing anything, whether a commit could be made now,
// and so spares the work that would come before one. Another program's lock
// is waited for as in Commit. What depends on the paths is only known then.
//
// The error is ErrNoGit, ErrNoIdentity, an InProgressError, an OwnerError, an
// EnvironmentError, a DamagedIndexError or a LockedError.
func (r *Repo) Ready(ctx context.Context) error {
	s := &session{}
	if err := r.look(ctx, s); err != nil {
		return err
	}
	if err := r.refuse(ctx, s); err != nil {
		return err
	}
	if _, _, err := r.choose(ctx, s); err != nil {
		return err
	}
	return r.locked(ctx, s.head)
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

// identities is who a commit is by.
type identities struct {
	author, committer object.Signature
}

// identities finds the names and dates as git does.
func (r *Repo) identities(c gitconfig.Config) (identities, error) {
	author, committer, err := gitconfig.Identity(c, r.given, r.now())
	if errors.Is(err, gitconfig.ErrNoIdentity) {
		return identities{}, ErrNoIdentity
	}
	if err != nil {
		return identities{}, fmt.Errorf("finding who commits: %w", err)
	}
	return identities{object.Signature(author), object.Signature(committer)}, nil
}

// committerIdent gives the committer in the form "Name <mail>".
func (ids identities) committerIdent() string {
	return ids.committer.Name + " <" + ids.committer.Email + ">"
}
