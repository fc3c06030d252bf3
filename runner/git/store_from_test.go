package git

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestStoreFrom stores files of the work tree, and copies of them in another folder:
// git has to make the same of both.
func TestStoreFrom(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		setup func(c checkout)
		paths []string
	}{
		{"plain", func(c checkout) { c.write("a.txt", "new\n") }, []string{"a.txt"}},
		{"new, and named like a pathspec", func(c checkout) {
			for _, name := range []string{":(top)odd", ":x", "-x", "*", "a\nb", "é/ü"} {
				c.write(name, name)
			}
		}, []string{"*", "-x", ":(top)odd", ":x", "a\nb", "é/ü"}},
		{"executable", func(c checkout) {
			c.write("tool", "x")
			must(c.tb, os.Chmod(c.path("tool"), 0o755))
		}, []string{"tool"}},
		{"executable, which does not count", func(c checkout) {
			c.git("config", "core.fileMode", "false")
			must(c.tb, os.Chmod(c.path("a.txt"), 0o755))
		}, []string{"a.txt"}},
		{"a file for a folder", func(c checkout) {
			c.remove("dir")
			c.write("dir", "x")
		}, []string{"dir"}},
		{"a folder for a file", func(c checkout) {
			c.remove("a.txt")
			c.write("a.txt/in", "x")
		}, []string{"a.txt/in"}},
		{"line ends", func(c checkout) {
			c.git("config", "core.autocrlf", "true")
			c.write("a.txt", "one\r\n")
		}, []string{"a.txt"}},
		{"line ends that the index has, too", func(c checkout) {
			c.write("a.txt", "one\r\n")
			c.git("commit", "-q", "-m", "CRLF", "a.txt")
			c.git("config", "core.autocrlf", "true")
			c.write("a.txt", "one\r\ntwo\r\n")
		}, []string{"a.txt"}},
		{"committed attributes", func(c checkout) {
			c.write("dir/.gitattributes", "* text\n*.u eol=crlf ident\n")
			c.commitAll("attributes")
			c.write("dir/new.u", "$Id$\r\n")
			c.write("dir/new", "x\r\n")
		}, []string{"dir/new", "dir/new.u"}},
		{"new attributes", func(c checkout) {
			c.write(".gitattributes", "* text\n")
			c.write("a.txt", "x\r\n")
		}, []string{".gitattributes", "a.txt"}},
		{"a filter, but not of a symlink", func(c checkout) {
			c.git("config", "filter.up.clean", "tr a-z A-Z")
			c.write(".git/info/attributes", "* filter=up\n")
			c.write("a.txt", "word\n")
			c.link("word", "link")
		}, []string{"a.txt", "link"}},
		{"assume-unchanged", func(c checkout) {
			c.git("update-index", "--assume-unchanged", "a.txt")
			c.write("a.txt", "new\n")
		}, []string{"a.txt"}},
		{"an index of version 4", func(c checkout) {
			c.git("update-index", "--index-version", "4")
			c.write("a.txt", "new\n")
		}, []string{"a.txt"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := base(t)
			tt.setup(c)
			dir := t.TempDir()
			copyTo(t, c, dir, tt.paths)
			r := c.open()
			index := c.git("ls-files", "-s", "-v")
			want, err := r.Store(t.Context(), tt.paths, "")
			must(t, err)
			objects := filepath.Join(t.TempDir(), "objects")
			must(t, os.Mkdir(objects, 0o755))
			got, err := r.StoreFrom(t.Context(), dir, tt.paths, objects)
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-work tree +folder):\n%s", diff)
			}
			if now := c.git("ls-files", "-s", "-v"); now != index {
				t.Errorf("the index became\n%s", now)
			}
		})
	}
}

// copyTo copies files of the work tree with their modes.
func copyTo(t *testing.T, c checkout, dir string, paths []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "tar", "-C", c.dir, "--null", "--verbatim-files-from", "-T", "-", "-cf", "-")
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\x00"))
	tar, err := cmd.Output()
	must(t, err)
	cmd = exec.CommandContext(t.Context(), "tar", "-C", dir, "-xf", "-")
	cmd.Stdin = strings.NewReader(string(tar))
	must(t, cmd.Run())
}

// What fsmonitor says of the work tree does not count for another folder.
func TestStoreFromWithFSMonitor(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.git("reset", "-q", "--hard")
	c.write(".git/monitor", "#!/bin/sh\nprintf 'token\\0'\n")
	must(t, os.Chmod(c.path(".git/monitor"), 0o755))
	c.git("config", "core.fsmonitor", c.path(".git/monitor"))
	c.git("update-index", "--fsmonitor")
	c.git("status")
	if state := c.line("ls-files", "-f", "a.txt"); state != "h a.txt" {
		t.Fatalf("%q: fsmonitor does not vouch for it", state)
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte("new\n"), 0o644))
	got, err := c.open().StoreFrom(t.Context(), dir, []string{"a.txt"}, "")
	must(t, err)
	if want := Hash(c.line("hash-object", filepath.Join(dir, "a.txt"))); len(got) != 1 || got[0].Hash != want {
		t.Errorf("stored %v, want the blob %s", got, want)
	}
}

func TestStoreFromRefuses(t *testing.T) {
	t.Parallel()
	c := base(t)
	dir := t.TempDir()
	for _, name := range []string{"../x", "/x", "sub/.git/config", "sub/.GIT/x", "git~1"} {
		_, err := c.open().StoreFrom(t.Context(), dir, []string{name}, "")
		if _, ok := errors.AsType[*PathError](err); !ok {
			t.Errorf("%q: %v, want a PathError", name, err)
		}
	}
}

func TestOwnPath(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		".git": true, "a/.git/b": true, ".GIT/x": true, "a/git~1": true, ".git ": true, ".git.": true, ".g\u200cit": true, `a\.git`: true,
		".gitignore": false, "git": false, "a.git": false, ".git2/x": false, "": false,
	} {
		if got := OwnPath(name); got != want {
			t.Errorf("OwnPath(%q) = %v", name, got)
		}
	}
}
