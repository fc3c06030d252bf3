package checkout

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.git("config", "filter.up.smudge", "tr a-z A-Z")
	r.write(map[string]string{
		".gitattributes": "filtered filter=up\n", "t/a": "a", "t/run": "#!run", "src": "s", "free": "f", "filtered": "up", "*": "glob",
	})
	must(t, os.Symlink("a", r.path("t/link")))
	must(t, os.Chmod(r.path("t/run"), 0o755))
	commit := r.commit(nil)
	outside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(outside, "a"), []byte("theirs"), 0o600))
	write := func(name, data string, perm os.FileMode) func(dir string) error {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(data), perm) }
	}
	remove := func(name string) func(string) error {
		return func(dir string) error { return os.RemoveAll(filepath.Join(dir, name)) }
	}
	then := func(steps ...func(string) error) func(string) error {
		return func(dir string) error {
			for _, step := range steps {
				if err := step(dir); err != nil {
					return err
				}
			}
			return nil
		}
	}
	mkdir := func(name string) func(string) error {
		return func(dir string) error { return os.MkdirAll(filepath.Join(dir, name), 0o755) }
	}
	link := func(target, name string) func(string) error {
		return func(dir string) error { return os.Symlink(target, filepath.Join(dir, name)) }
	}
	all := []string{"filtered", "gone/x", "src", "t/a", "t/gone", "t/link", "t/run"}
	in := []string{"t/a", "t/link", "t/run"}
	for _, tt := range []struct {
		name    string
		change  func(dir string) error
		changed []string
	}{
		{"nothing", then(), nil},
		{"other bytes of the same length", write("t/a", "b", 0), []string{"t/a"}},
		{"longer", write("src", "so", 0), []string{"src"}},
		{"another file", write("free", "b", 0), nil},
		{"filtered", write("filtered", "up", 0), []string{"filtered"}},
		{"deleted", remove("t"), in},
		{"made", write("t/gone", "", 0o600), []string{"t/gone"}},
		{"made, a symlink", link("a", "t/gone"), []string{"t/gone"}},
		{"made, a folder", mkdir("t/gone"), nil},
		{"not executable", func(dir string) error { return os.Chmod(filepath.Join(dir, "t/run"), 0o644) }, []string{"t/run"}},
		{"executable", func(dir string) error { return os.Chmod(filepath.Join(dir, "t/a"), 0o755) }, []string{"t/a"}},
		{"folder instead of a file", then(remove("t/a"), write("t/x", "", 0o600), mkdir("t/a/b")), []string{"t/a"}},
		{"file instead of a folder", then(remove("t"), write("t", "", 0o600)), in},
		{"symlink out instead of a folder", then(remove("t"), link(outside, "t")), in},
		{"symlink out instead of a file", then(remove("t/a"), link(outside+"/a", "t/a")), []string{"t/a"}},
		{"another target", then(remove("t/link"), link("run", "t/link")), []string{"t/link"}},
		{"pipe", then(remove("t/a"), func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "t/a"), 0o600) }), []string{"t/a"}},
		{"behind a symlink", link("t", "gone"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := r.checkout(Options{}, commit)
			files, err := c.Files(t.Context(), append(all, "src"))
			must(t, err)
			defer func() { must(t, files.Close()) }()
			want := contents(t, c.Top())
			same(t, "changed at first", []string(nil), files.Changed())
			must(t, tt.change(c.Top()))
			same(t, "changed", tt.changed, sorted(files.Changed()))
			must(t, files.Restore())
			same(t, "changed after it was restored", []string(nil), files.Changed())
			got := contents(t, c.Top())
			for _, name := range all {
				same(t, name, want[name], got[name])
			}
			data, err := os.ReadFile(filepath.Join(outside, "a"))
			must(t, err)
			same(t, "outside", "theirs", string(data))
		})
	}
}

// What a run of another holder did to the files before does not count.
func TestFilesOfAUsedCheckout(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	c := r.checkout(Options{}, r.commit(map[string]string{"a": "1", "[a]*": "2", "b/c": "3"}))
	must(t, os.WriteFile(filepath.Join(c.Top(), "a"), []byte("b"), 0o600))
	must(t, os.RemoveAll(filepath.Join(c.Top(), "b")))
	must(t, os.Symlink("/etc", filepath.Join(c.Top(), "b")))
	in := r.at(c)
	in.git("add", "-A")
	in.git("commit", "-q", "-m", "mine")
	files, err := c.Files(t.Context(), []string{"[a]*", "b/c"})
	must(t, err)
	defer files.Close()
	same(t, "files", map[string]string{"a": "b", "[a]*": "2", "b/c": "3"}, contents(t, c.Top()))
	must(t, os.Remove(filepath.Join(c.Top(), "[a]*")))
	must(t, files.Restore())
	same(t, "files", map[string]string{"a": "b", "[a]*": "2", "b/c": "3"}, contents(t, c.Top()))
}

func TestFilesLeaveSubmodulesOut(t *testing.T) {
	t.Parallel()
	r := withSubmodules(t)
	c := r.checkout(Options{}, r.head())
	files, err := c.Files(t.Context(), []string{"libs/lib", "a"})
	must(t, err)
	defer files.Close()
	must(t, os.RemoveAll(filepath.Join(c.Top(), "libs/lib")))
	same(t, "changed", []string(nil), files.Changed())
}
