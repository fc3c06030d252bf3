package prove

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git"
)

// placed is a place of one commit that a check may have its way with.
func placed(t *testing.T, files map[string]string, guard ...string) *place {
	t.Helper()
	repo := &memory{history: history{commits: []map[string]string{files}}}
	s, err := commitSide(repo, "c1")
	if err != nil {
		t.Fatal(err)
	}
	isTest := func(path string) bool { return path != "src" }
	p, err := newPlace(t.Context(), repo, t.TempDir(), s.layout, guard, isTest)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// on reads back what a folder holds, as unpack takes it.
func on(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.Walk(dir, func(at string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, at)
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(at)
			files[name] = string(data)
			if exec := info.Mode()&0o100 != 0; exec != (len(data) > 1 && string(data[:2]) == "#!") {
				t.Errorf("%s has mode %s", name, info.Mode())
			}
			return err
		}
		target, err := os.Readlink(at)
		files[name] = "->" + target
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRestore(t *testing.T) {
	t.Parallel()
	files := map[string]string{"t/a": "a", "t/run": "#!run", "t/link": "->a", "src": "s", "free": "f"}
	guard := []string{"src", "t/a", "t/gone", "t/link", "t/run"}
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "a"), []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		meddle func(dir string) error
		test   string // the test file that is not as it was
	}{
		{"nothing", func(string) error { return nil }, ""},
		{"other bytes of the same length", func(dir string) error { return os.WriteFile(filepath.Join(dir, "t/a"), []byte("b"), 0o600) }, "t/a"},
		{"fix only", func(dir string) error { return os.WriteFile(filepath.Join(dir, "src"), []byte("b"), 0o600) }, ""},
		{"deleted", func(dir string) error { return os.RemoveAll(filepath.Join(dir, "t")) }, "t/a"},
		{"not executable", func(dir string) error { return os.Chmod(filepath.Join(dir, "t/run"), 0o600) }, "t/run"},
		{"a file that base has not", func(dir string) error { return os.WriteFile(filepath.Join(dir, "t/gone"), nil, 0o600) }, "t/gone"},
		{"another target", func(dir string) error {
			at := filepath.Join(dir, "t/link")
			if err := os.Remove(at); err != nil {
				return err
			}
			return os.Symlink("run", at)
		}, "t/link"},
		{"a folder in its place", func(dir string) error {
			at := filepath.Join(dir, "t/a")
			if err := os.Remove(at); err != nil {
				return err
			}
			return os.MkdirAll(filepath.Join(at, "deep"), 0o755)
		}, "t/a"},
		{"a file for its folder", func(dir string) error {
			if err := os.RemoveAll(filepath.Join(dir, "t")); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "t"), nil, 0o600)
		}, "t/a"},
		{"its folder led elsewhere", func(dir string) error {
			if err := os.RemoveAll(filepath.Join(dir, "t")); err != nil {
				return err
			}
			return os.Symlink(outside, filepath.Join(dir, "t"))
		}, "t/a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := placed(t, files, guard...)
			if err := tt.meddle(p.dir); err != nil {
				t.Fatal(err)
			}
			if got := p.tampered(); got != tt.test {
				t.Errorf("tampered is %q, want %q", got, tt.test)
			}
			if err := p.restore(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(files, on(t, p.dir)); diff != "" {
				t.Errorf("after restore (-want +got):\n%s", diff)
			}
			if data, err := os.ReadFile(filepath.Join(outside, "a")); err != nil || string(data) != "theirs" {
				t.Errorf("the file outside is %q, error %v", data, err)
			}
		})
	}
}

// A place holds its layout, whatever commit it was exported from.
func TestNewPlace(t *testing.T) {
	t.Parallel()
	repo := &memory{history: history{commits: []map[string]string{
		{"same": "1", "kind": "x", "dir/a": "a", "dir/b": "b", "file": "f", "link": "->same", "gone": "g"},
		{"same": "1", "kind": "#!x", "dir": "->same", "file/x": "f", "file/y": "#!f", "link": "l", "new/deep/er": "n"},
	}}}
	for _, pair := range [][2]git.Hash{{"c1", "c2"}, {"c2", "c1"}} {
		was, err := commitSide(repo, pair[0])
		if err != nil {
			t.Fatal(err)
		}
		want, err := commitSide(repo, pair[1])
		if err != nil {
			t.Fatal(err)
		}
		p, err := newPlace(t.Context(), repo, t.TempDir(), newLayout(pair[0], was.tree, want.tree), want.tree.paths(), everywhere)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(repo.files(pair[1]), on(t, p.dir)); diff != "" {
			t.Errorf("%s over %s (-want +got):\n%s", pair[1], pair[0], diff)
		}
		if got := p.tampered(); got != "" {
			t.Errorf("%s over %s: %s is not as it has to be", pair[1], pair[0], got)
		}
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}
}
