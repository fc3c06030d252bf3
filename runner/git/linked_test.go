package git

import (
	"path/filepath"
	"strings"
	"testing"
)

// A linked worktree comes and goes, and the checkout that it belongs to stays
// as it is.
func TestLinkedWorktree(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("a.txt", "changed\n")
	before := c.git("status", "--porcelain")
	r := c.open()
	dir := filepath.Join(t.TempDir(), "linked")
	must(t, r.AddWorktree(t.Context(), dir))
	if got := c.git("-C", dir, "show", "--format=%H", "--no-patch"); strings.TrimSpace(got) != string(c.head()) {
		t.Errorf("the worktree is at %s, want %s", got, c.head())
	}
	if got := c.git("-C", dir, "status", "--porcelain", "--branch"); strings.TrimSpace(got) != "## HEAD (no branch)" {
		t.Errorf("the worktree's status: %q", got)
	}
	linked := checkout{tb: t, dir: dir, env: c.env}
	linked.write("a.txt", "an agent was here\n")
	linked.write("new.txt", "")
	must(t, r.RemoveWorktree(t.Context(), dir))
	if exists(dir) || strings.Contains(c.git("worktree", "list"), dir) {
		t.Error("the worktree is still there")
	}
	if got := c.git("status", "--porcelain"); got != before {
		t.Errorf("status is %q, was %q", got, before)
	}
	must(t, r.RemoveWorktree(t.Context(), dir))
	if err := r.RemoveWorktree(t.Context(), c.dir); err == nil {
		t.Error("the main worktree was taken for a linked one")
	}
}
