package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// AddWorktree makes a linked worktree at dir, an absolute path with nothing at it,
// whatever git remembers of one that was there, and checks out HEAD's commit there,
// on no branch. Git does it, with the user's hooks and filters; without the program
// the error is ErrNoGit.
func (r *Repo) AddWorktree(ctx context.Context, dir string) error {
	_, err := r.git(ctx, call{args: []string{"worktree", "add", "--quiet", "--force", "--force", "--detach", "--", dir, "HEAD"}, plain: true})
	if err != nil {
		return fmt.Errorf("making a worktree: %w", err)
	}
	return nil
}

// RemoveWorktree removes the linked worktree at dir with whatever is in it. That
// there is none is no error, and neither is something else at dir, which goes.
func (r *Repo) RemoveWorktree(ctx context.Context, dir string) error {
	if err := os.RemoveAll(dir); err != nil { // git refuses what is no worktree any more
		return fmt.Errorf("removing a worktree: %w", err)
	}
	out, err := r.git(ctx, call{args: []string{"worktree", "list", "--porcelain"}})
	if err != nil {
		return fmt.Errorf("listing worktrees: %w", err)
	}
	known := dir
	if parent, err := filepath.EvalSymlinks(filepath.Dir(dir)); err == nil {
		known = filepath.Join(parent, filepath.Base(dir))
	}
	if !slices.Contains(strings.Split(string(out), "\n"), "worktree "+known) {
		return nil
	}
	// Forced twice: one that somebody locked goes too.
	_, err = r.git(ctx, call{args: []string{"worktree", "remove", "--force", "--force", "--", dir}, plain: true})
	if err != nil {
		return fmt.Errorf("removing a worktree: %w", err)
	}
	return nil
}
