package project

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git"
)

func TestSince(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	look := func(names ...string) Worktree {
		var changes []git.Change
		for _, name := range names {
			changes = append(changes, git.Change{Path: name})
		}
		w, err := statAll(root, changes)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	for _, name := range []string{"same", "longer", "replaced", "executable", "deleted", "committed"} {
		write(name, "x")
	}
	before := look("same", "longer", "replaced", "executable", "deleted", "committed", "gone", "file/below")

	write("longer", "xx")
	write("new", "x")
	write("file", "x") // what was a missing folder's is now below a file
	if err := os.Chmod(filepath.Join(root, "executable"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("other", "x")
	if err := os.Rename(filepath.Join(root, "other"), filepath.Join(root, "replaced")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(root, "deleted")); err != nil {
		t.Fatal(err)
	}
	after := look("same", "longer", "replaced", "executable", "deleted", "gone", "file/below", "new")

	want := []string{"committed", "deleted", "executable", "longer", "new", "replaced"}
	if diff := cmp.Diff(want, after.Since(before)); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if got := after.Since(after); len(got) != 0 {
		t.Errorf("nothing changed, and got %v", got)
	}
}
