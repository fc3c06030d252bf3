package git

import (
	"context"
	"errors"
)

// CommitRequest says what to commit.
type CommitRequest struct {
	// Paths are the files, slash-separated and from the top of the work tree:
	// one that is there is committed as it is, one that isn't is deleted.
	Paths []string
	// Message gets exactly one newline at its end.
	Message string
}

// Commit commits exactly the named paths, as they are in the work tree, onto
// HEAD, and returns the new commit. All else that is staged or changed stays
// as it is; for the named paths the index then agrees with the commit. It is
// made by a Draft, or by CommitOnly where that is needed.
//
// Where other processes commit too, it waits for up to about ten seconds and
// commits on top of theirs. The errors are those of Ready, ErrNothing, PathError,
// LockedError, ErrHeadMoved and CommandError.
func (r *Repo) Commit(ctx context.Context, req CommitRequest) (h Hash, err error) {
	d, err := r.Draft(ctx)
	if _, needsGit := errors.AsType[*NeedsGitError](err); needsGit {
		return r.CommitOnly(ctx, req)
	}
	if err != nil {
		return "", err
	}
	contents, err := r.Store(ctx, req.Paths, "")
	if err != nil {
		return "", err
	}
	r.at("stored")
	err = r.persist(ctx, overtaken, func() (err error) {
		if err = d.restart(); err == nil {
			h, err = d.Commit(ctx, contents, req.Message)
		}
		if err != nil {
			return err
		}
		return d.publish(ctx)
	})
	if err != nil {
		return "", err
	}
	return h, nil
}
