package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/storage/atomicfile"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		setup func(t *testing.T, dir string)
		path  string
		err   error
		want  map[string]string // of every name in the folder
	}{
		{
			name: "new file", path: "a",
			want: map[string]string{"a": "-: new"},
		},
		{
			name: "existing file", path: "a",
			setup: func(t *testing.T, dir string) {
				t.Helper()
				write(t, filepath.Join(dir, "a"), []byte("a longer old one"))
			},
			want: map[string]string{"a": "-: new"},
		},
		{
			name: "through links", path: "link",
			setup: func(t *testing.T, dir string) {
				t.Helper()
				write(t, filepath.Join(dir, "a"), []byte("old"))
				link(t, "a", filepath.Join(dir, "between"))
				link(t, "between", filepath.Join(dir, "link"))
			},
			want: map[string]string{"a": "-: new", "between": "L: a", "link": "L: between"},
		},
		{
			name: "dangling link", path: "link", err: fs.ErrNotExist,
			setup: func(t *testing.T, dir string) { t.Helper(); link(t, "nothing", filepath.Join(dir, "link")) },
			want:  map[string]string{"link": "L: nothing"},
		},
		{
			name: "folder", path: "a", err: atomicfile.ErrNotRegular,
			setup: func(t *testing.T, dir string) { t.Helper(); mkdir(t, filepath.Join(dir, "a")) },
			want:  map[string]string{"a": "d: "},
		},
		{
			name: "link to a folder", path: "link", err: atomicfile.ErrNotRegular,
			setup: func(t *testing.T, dir string) {
				t.Helper()
				mkdir(t, filepath.Join(dir, "a"))
				link(t, "a", filepath.Join(dir, "link"))
			},
			want: map[string]string{"a": "d: ", "link": "L: a"},
		},
		{
			name: "named pipe", path: "a", err: atomicfile.ErrNotRegular,
			setup: func(t *testing.T, dir string) {
				t.Helper()
				if err := syscall.Mkfifo(filepath.Join(dir, "a"), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			want: map[string]string{"a": "p: "},
		},
		{name: "no folder", path: "no/a", err: fs.ErrNotExist, want: map[string]string{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if test.setup != nil {
				test.setup(t, dir)
			}
			err := atomicfile.Write(filepath.Join(dir, test.path), []byte("new"), 0o644)
			if !errors.Is(err, test.err) {
				t.Errorf("Write: %v, want %v", err, test.err)
			}
			if diff := cmp.Diff(test.want, contents(t, dir)); diff != "" {
				t.Errorf("folder (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "existing")
	write(t, path, []byte("old"))
	if err := os.Chmod(path, 0o751); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := mode(t, path); got != 0o751 {
		t.Errorf("Write made the mode of an existing file %o", got)
	}
	if err := atomicfile.Transform(path, func([]byte) ([]byte, error) { return []byte("newer"), nil }); err != nil {
		t.Fatal(err)
	}
	if got := mode(t, path); got != 0o751 {
		t.Errorf("Transform made the mode of an existing file %o", got)
	}

	// A file that is made without this package shows 0666 minus the umask.
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	written, created := filepath.Join(dir, "written"), filepath.Join(dir, "created")
	if err := errors.Join(atomicfile.Write(written, nil, 0o666), atomicfile.Create(created, nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{written, created} {
		if got, want := mode(t, path), mode(t, plain); got != want {
			t.Errorf("the mode of %s is %o, want %o", path, got, want)
		}
	}
}

func TestCreateReplacesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), []byte("old"))
	mkdir(t, filepath.Join(dir, "folder"))
	link(t, "nothing", filepath.Join(dir, "dangling"))
	want := contents(t, dir)
	for name := range want {
		if err := atomicfile.Create(filepath.Join(dir, name), []byte("new"), 0o600); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Create(%s): %v, want %v", name, err, fs.ErrExist)
		}
	}
	if diff := cmp.Diff(want, contents(t, dir)); diff != "" {
		t.Errorf("folder (-want +got):\n%s", diff)
	}
}

func TestCreateHasOneWinner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	var winners atomic.Int32
	var winner atomic.Value
	var all sync.WaitGroup
	for _, text := range []string{"a", "b", "c", "d", "e", "f"} {
		all.Go(func() {
			switch err := atomicfile.Create(path, []byte(text), 0o600); {
			case err == nil:
				winners.Add(1)
				winner.Store(text)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if winners.Load() != 1 || read(t, path) != winner.Load() {
		t.Errorf("%d winners, the last %v; the file holds %q", winners.Load(), winner.Load(), read(t, path))
	}
	if left := leftovers(t, path); len(left) > 0 {
		t.Errorf("temporary files are left: %q", left)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// contents returns the kind of each name, with its text or the target of a link.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range names(t, dir) {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		var text string
		switch info.Mode().Type() {
		case 0:
			text = read(t, path)
		case fs.ModeSymlink:
			if text, err = os.Readlink(path); err != nil {
				t.Fatal(err)
			}
		}
		all[name] = info.Mode().String()[:1] + ": " + text
	}
	return all
}
