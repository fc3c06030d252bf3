package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func openFS(t *testing.T, c checkout, h Hash) fs.FS {
	t.Helper()
	tree, err := c.open().FS(h)
	must(t, err)
	return tree
}

func TestFS(t *testing.T) {
	t.Parallel()
	c := base(t)
	for _, name := range oddNames {
		// io/fs has no other names, and fstest no backslashes.
		if utf8.ValidString(name) && !strings.Contains(name, `\`) {
			c.write(name, name)
		}
	}
	c.write("d", "between dir and dir.x")
	c.write("dir.x", "sorts before dir for git")
	c.write("dir/run", "#!/bin/sh\n")
	must(t, os.Chmod(c.path("dir/run"), 0o755))
	c.write("empty", "")
	c.link("sub/deep", "dir/short")
	c.commitAll("all")
	c.git("update-index", "--add", "--cacheinfo", "160000,"+string(c.head())+",mod")
	c.git("commit", "-q", "-m", "gitlink")
	c.git("gc", "-q")
	tree := openFS(t, c, c.head())
	files := strings.Split(strings.Trim(c.git("ls-files", "-z"), "\x00"), "\x00")
	must(t, fstest.TestFS(tree, files...))
	out := t.TempDir()
	must(t, c.open().Export(t.Context(), c.head(), out))
	want := listing(t, out)
	got := map[string]string{}
	links := tree.(fs.ReadLinkFS)
	must(t, fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		if !info.ModTime().Equal(time.Unix(1700000100, 0)) {
			t.Errorf("%s: time %v", p, info.ModTime())
		}
		switch {
		case p == ".":
		case d.IsDir():
			got[p] = "folder"
		case d.Type() == fs.ModeSymlink:
			got[p], err = links.ReadLink(p)
			must(t, err)
		default:
			data, err := fs.ReadFile(tree, p)
			must(t, err)
			if info.Size() != int64(len(data)) {
				t.Errorf("%s: size %d of %d", p, info.Size(), len(data))
			}
			got[p] = info.Mode().String() + " " + string(data)
		}
		return nil
	}))
	for p, s := range want { // the umask of the tests isn't ours
		if rest, ok := strings.CutPrefix(s, "-rwx"); ok {
			want[p] = "-rwxr-xr-x" + rest[6:]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("FS (-export +FS):\n%s", diff)
	}
}

func TestFSLinks(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("d/e/f", "f")
	c.write("d/g", "g")
	for name, target := range map[string]string{
		"to-file": "d/e/f", "to-dir": "d/e", "d/up": "../d/g", "d/e/twice": "../../to-dir/../g", "self": "self",
		"loop1": "loop2", "loop2": "loop1", "abs": "/etc/passwd", "out": "../x", "d/out": "../../x",
		"nowhere": "no/such", "dot": ".", "through": "d/g/../e/f", "long": strings.Repeat("x", 4000),
	} {
		c.link(target, name)
	}
	h := c.commitAll("links")
	tree := openFS(t, c, h)
	for name, want := range map[string]string{
		"to-file": "f", "to-dir/f": "f", "d/up": "g", "d/e/twice": "g", "dot/dot/d/g": "g",
	} {
		got, err := fs.ReadFile(tree, name)
		if string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if info, err := fs.Stat(tree, name); err != nil || !info.Mode().IsRegular() {
			t.Errorf("Stat(%s) = %v, %v", name, info, err)
		}
	}
	for _, name := range []string{"self", "loop1", "abs", "out", "d/out", "nowhere", "long", "a.txt/x", "to-file/x", "no"} {
		if _, err := fs.ReadFile(tree, name); err == nil {
			t.Errorf("%s was read", name)
		}
		if name != "self" && name != "loop1" {
			if _, err := tree.Open(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Open(%s) = %v, want fs.ErrNotExist", name, err)
			}
		}
	}
	for _, name := range []string{"", "/a.txt", "../a.txt", "d/../a.txt", "d/"} {
		if _, err := fs.ReadFile(tree, name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v, want fs.ErrInvalid", name, err)
		}
	}
	if info, err := fs.Lstat(tree, "out"); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("Lstat = %v, %v", info, err)
	}
	if _, err := fs.ReadLink(tree, "a.txt"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("ReadLink of a file = %v", err)
	}
	closed, err := Open(c.dir, c.env)
	must(t, err)
	must(t, closed.Close())
	if _, err := closed.FS(h); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("FS of a closed repository = %v", err)
	}
	if _, err := c.open().FS("nonsense"); !errors.Is(err, ErrUnknownRevision) {
		t.Errorf("FS of nonsense = %v", err)
	}
}

// TestFSHostile reads trees that git would not have made.
func TestFSHostile(t *testing.T) {
	t.Parallel()
	c := base(t)
	for name, h := range hostileCommits(t, c, t.TempDir()) {
		if list, err := fs.ReadDir(openFS(t, c, h), "."); err == nil {
			t.Errorf("%s: listed %v", name, list)
		}
		if list, err := c.open().Files(h, ""); err == nil {
			t.Errorf("%s: Files = %q", name, list)
		}
	}
}

// TestReadDuringRepack reads while another git replaces the packs.
func TestReadDuringRepack(t *testing.T) {
	t.Parallel()
	c := base(t)
	for i := range 30 {
		c.write("dir/f"+string(rune('a'+i%26))+strings.Repeat("x", i), strings.Repeat("line\n", i))
	}
	h := c.commitAll("all")
	r := c.open()
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				out := filepath.Join(t.TempDir(), "out")
				if err := os.Mkdir(out, 0o755); err != nil {
					t.Error(err)
				}
				if err := r.Export(t.Context(), h, out); err != nil {
					t.Error(err)
				}
				fresh, err := Open(c.dir, c.env)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := fresh.Files(h, ""); err != nil {
					t.Error(err)
				}
				if err := fresh.Close(); err != nil {
					t.Error(err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 6 {
		c.write("more", strings.Repeat("m", i))
		c.commitAll("more")
		c.git("repack", "-q", "-a", "-d", "-f")
		c.git("prune-packed", "-q")
	}
	close(done)
	readers.Wait()
}
