package prove

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chant/runner/record"
)

func TestProveFurnishesTrees(t *testing.T) {
	t.Parallel()
	config := "---\nworktree: {link: [deps/lib, absent], setup: 'echo ready > state'}\n---\n"
	commits := atBase(story(), ".chant/config.md", config, "t/test.sh", "test \"$(cat state)\" = ready\ntest -e deps/lib/x\n"+testScript)
	r := newRepo(t, commits...)
	r.write(t, map[string]string{"deps/lib/x": "1"})
	if got := r.prove(t, Options{}); got.Verdict != record.Proven || len(got.Notes) > 0 {
		t.Errorf("got %s: %s, notes %q", got.Verdict, got.Reason, got.Notes)
	}
	r = newRepo(t, atBase(story(), ".chant/config.md", "---\nworktree: {setup: 'echo no way; exit 3'}\n---\n")...)
	if _, err := r.prover.Prove(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "no way") {
		t.Errorf("a setup that fails: got error %v", err)
	}
}

// Checks that can reach the code in the work tree prove nothing.
func TestProveWaysBack(t *testing.T) {
	t.Parallel()
	r := newRepo(t, atBase(story("src/x", "1"), ".chant/config.md", "---\nworktree: {link: deps}\n---\n", ".gitignore", "deps\n")...)
	r.write(t, map[string]string{"deps/self": "->../src"})
	got := r.prove(t, Options{})
	const way = "deps/self is a symbolic link to src of the work tree"
	if got.Verdict != record.NotProvable || !strings.Contains(got.Reason, way) || !slices.Contains(got.Notes, way) {
		t.Errorf("got %s: %s, notes %q", got.Verdict, got.Reason, got.Notes)
	}
	if want := "-red\n-green\n-causal\n+intact\n-kept\n"; table(got) != want {
		t.Errorf("got cells\n%s", table(got))
	}
}

// A submodule that the user has no copy of is named, and one that the fix changes
// can't be proven.
func TestProveSubmodules(t *testing.T) {
	t.Parallel()
	one, two := "@"+strings.Repeat("1", 40), "@"+strings.Repeat("2", 40)
	got := newRepo(t, atBase(story(), "lib", one)...).prove(t, Options{})
	if got.Verdict != record.Proven || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "submodule lib is missing") {
		t.Errorf("got %s: %s, notes %q", got.Verdict, got.Reason, got.Notes)
	}
	got = newRepo(t, atBase(story("src/lib", two), "src/lib", one)...).prove(t, Options{})
	if got.Verdict != record.NotProvable || !strings.Contains(got.Reason, "changes the submodule src/lib") {
		t.Errorf("a changed one: got %s: %s", got.Verdict, got.Reason)
	}
}

// Every checkout is kept, and named with its tree.
func TestProveKeepsCheckouts(t *testing.T) {
	t.Parallel()
	r := newRepo(t, atBase(story("README", "y\n"), ".chant/config.md", "---\nsuite: test -e README\n---\n")...)
	got := r.prove(t, Options{Keep: true})
	folders := map[string][]string{} // by tree
	for _, e := range r.events {
		if notice, ok := e.(record.Notice); ok {
			found := regexp.MustCompile(`^tree (\S+) is kept in (\S+)$`).FindStringSubmatch(notice.Text)
			if found == nil {
				t.Fatalf("got the notice %q", notice.Text)
			}
			folders[found[1]] = append(folders[found[1]], found[2])
			defer os.RemoveAll(filepath.Dir(found[2]))
		}
	}
	values := map[string]string{
		record.CellRed: "wrong\n", record.CellGreen: "right\n", record.CellCausal: "wrong\n", record.CellKept: "right\n",
	}
	for _, c := range got.Cells {
		want, ok := values[c.Name]
		if !ok {
			continue
		}
		dirs := folders[c.Tree[:12]]
		if len(dirs) == 0 {
			t.Errorf("no folder of %s, tree %s, in %v", c.Name, c.Tree, folders)
		}
		for _, dir := range dirs {
			if data, err := os.ReadFile(filepath.Join(dir, "value.txt")); err != nil || string(data) != want {
				t.Errorf("%s: value.txt is %q, error %v", c.Name, data, err)
			}
		}
	}
}
