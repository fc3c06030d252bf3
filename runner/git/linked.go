package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// AddWorktree makes a linked worktree at dir, an absolute path with nothing at
// it, and checks out HEAD's commit there, on no branch. Git does it, with the
// user's hooks and filters; without the program the error is ErrNoGit.
func (r *Repo) AddWorktree(ctx context.Context, dir string) error {
	_, err := r.git(ctx, call{args: []string{"worktree", "add", "--quiet", "--detach", "--", dir, "HEAD"}, plain: true})
	if err != nil {
		return fmt.Errorf("making a worktree: %w", err)
	}
	return nil
}

// RemoveWorktree removes the linked worktree at dir with whatever is in it. That
// there is none is no error.
func (r *Repo) RemoveWorktree(ctx context.Context, dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	// Forced twice: one that somebody locked goes too.
	_, err := r.git(ctx, call{args: []string{"worktree", "remove", "--force", "--force", "--", dir}, plain: true})
	if err != nil {
		return fmt.Errorf("removing a worktree: %w", err)
	}
	return nil
}
