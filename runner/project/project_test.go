package project

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lay writes files below a new folder.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFindRoot(t *testing.T) {
	t.Parallel()
	root := lay(t, map[string]string{".chant/specs/001.md": "", "a/b/c.txt": "", "a/.chant": "a file is no project"})
	for _, dir := range []string{"", "a", "a/b", ".chant/specs", "a/missing/deep"} {
		if got, err := FindRoot(filepath.Join(root, dir)); err != nil || got != root {
			t.Errorf("from %q: got %q, error %v", dir, got, err)
		}
	}
	if got, err := FindRoot(t.TempDir()); !errors.Is(err, ErrNoProject) {
		t.Errorf("got %q, error %v, want ErrNoProject", got, err)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	root := lay(t, map[string]string{
		".chant/specs/001.md":           status("completed"),
		".chant/specs/002.md":           "---\nstatus: [\n---\n",
		".chant/specs/.003.md":          "an editor's",
		".chant/specs/notes.txt":        "no spec",
		".chant/specs/folder/004.md":    "specs lie flat",
		".chant/archive/2026/01/000.md": status("completed"),
	})
	if err := os.Symlink("nowhere", filepath.Join(root, ".chant/specs/005.md")); err != nil {
		t.Fatal(err)
	}
	p, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range p.Set.All() {
		got = append(got, s.ID)
	}
	if diff := cmp.Diff([]string{"000", "001", "002", "005"}, got); diff != "" {
		t.Errorf("specs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"002": true, "005": true}, p.Invalid()); diff != "" {
		t.Errorf("invalid (-want +got):\n%s", diff)
	}
	err = p.Problems[".chant/specs/005.md"].Err()
	if !errors.Is(err, p.Problems[".chant/specs/005.md"][0]) || !strings.Contains(err.Error(), "spec 005: .chant/specs/005.md:") {
		t.Errorf("the unreadable file's problem is %v", err)
	}
}

func TestLoadEmptyAndBroken(t *testing.T) {
	t.Parallel()
	p, err := Load(lay(t, map[string]string{".chant/README": ""}))
	if err != nil || len(p.Set.All()) != 0 {
		t.Errorf("a project without specs: error %v", err)
	}
	for name, files := range map[string]map[string]string{
		"config":             {".chant/config.md": "---\ninterpreters: [\n---\n"},
		"config is a folder": {".chant/config.md/x": ""},
		"specs is a file":    {".chant/specs": ""},
	} {
		if p, err := Load(lay(t, files)); err == nil {
			t.Errorf("%s: loaded as %v", name, p)
		}
	}
}

func status(word string) string { return "---\nstatus: " + word + "\n---\n# T\n" }
