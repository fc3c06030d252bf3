package git

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listing tells what is below a folder: mode, and content or target.
func listing(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	all := make(map[string]string)
	must(tb, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		must(tb, err)
		rel, err := filepath.Rel(dir, p)
		must(tb, err)
		info, err := d.Info()
		must(tb, err)
		switch {
		case rel == ".":
		case d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			all[rel] = "folder"
		case d.Type() == fs.ModeSymlink:
			all[rel], err = os.Readlink(p)
		default:
			var data []byte
			data, err = os.ReadFile(p)
			all[rel] = info.Mode().String() + " " + string(data)
		}
		return err
	}))
	return all
}

func TestExport(t *testing.T) {
	t.Parallel()
	c := base(t)
	for _, name := range oddNames {
		c.write(name, name)
	}
	c.write("big", strings.Repeat("x", streamAbove+1))
	c.link("/etc", "outside")
	c.link("..", "dir/up")
	c.write(".gitattributes", "*.txt export-ignore eol=crlf\n")
	c.commitAll("all")
	c.git("update-index", "--add", "--cacheinfo", "160000,"+string(c.head())+",mod")
	c.git("commit", "-q", "-m", "gitlink")
	h := c.head()
	want := checkout{tb: t, dir: filepath.Join(t.TempDir(), "clone"), env: c.env}
	c.git("-c", "core.eol=lf", "clone", "-q", "--no-checkout", c.dir, want.dir)
	want.write(".git/info/attributes", "* -text\n")
	want.git("checkout", "-q", "main")
	for _, gc := range []bool{false, true} {
		if gc {
			c.git("gc", "-q")
		}
		dir := t.TempDir()
		must(t, c.open().Export(t.Context(), h, dir))
		if diff := cmp.Diff(listing(t, want.dir), listing(t, dir)); diff != "" {
			t.Errorf("export (-git +ours):\n%s", diff)
		}
		if err := c.open().Export(t.Context(), h, dir); err == nil {
			t.Error("a folder that isn't empty was taken")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.open().Export(ctx, h, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("Export = %v, want context.Canceled", err)
	}
}

// hostileCommits makes commits of trees that git itself would not have made;
// some lead to outside.
func hostileCommits(t *testing.T, c checkout, outside string) map[string]Hash {
	t.Helper()
	blob := c.line("rev-parse", "HEAD:a.txt")
	raw := func(h string) string {
		id, err := hex.DecodeString(h)
		must(t, err)
		return string(id)
	}
	object := func(kind, content string) string {
		h, err := c.try(content, "hash-object", "-t", kind, "--literally", "-w", "--stdin")
		must(t, err)
		return strings.TrimSpace(h)
	}
	sub := object("tree", "100644 evil\x00"+raw(blob))
	target := object("blob", outside)
	commits := make(map[string]Hash)
	for name, tree := range map[string]string{
		"dot dot":              "40000 ..\x00" + raw(sub),
		"dot":                  "100644 .\x00" + raw(blob),
		"empty name":           "100644 \x00" + raw(blob),
		"git folder":           "40000 .git\x00" + raw(sub),
		"git folder, caps":     "40000 .GIT\x00" + raw(sub),
		"git folder, macOS":    "40000 .g\u200cit\x00" + raw(sub),
		"git folder, NTFS":     "40000 GIT~1\x00" + raw(sub),
		"git folder, FAT":      "40000 .git. .\x00" + raw(sub),
		"separator":            "100644 ../evil\x00" + raw(blob),
		"absolute":             "100644 " + outside + "/evil\x00" + raw(blob),
		"symlink, then folder": "120000 a\x00" + raw(target) + "40000 a\x00" + raw(sub),
		"same file twice":      "100644 a\x00" + raw(blob) + "100644 a\x00" + raw(blob),
		"cut off":              "100644 a\x00" + raw(blob)[:10],
		"no mode":              "a\x00" + raw(blob),
	} {
		commits[name] = Hash(c.line("commit-tree", "-m", "hostile", object("tree", tree)))
	}
	return commits
}

func TestExportHostile(t *testing.T) {
	t.Parallel()
	c := base(t)
	outside := filepath.Join(t.TempDir(), "outside")
	must(t, os.Mkdir(outside, 0o755))
	for name, h := range hostileCommits(t, c, outside) {
		parent := t.TempDir()
		dir := filepath.Join(parent, "in")
		must(t, os.Mkdir(dir, 0o755))
		if err := c.open().Export(t.Context(), h, dir); err == nil {
			t.Errorf("%s: exported", name)
		}
		if got := listing(t, parent); len(got) != 1 || got["in"] != "folder" {
			t.Errorf("%s: left %q", name, got)
		}
		if got := listing(t, outside); len(got) > 0 {
			t.Errorf("%s: escaped: %q", name, got)
		}
	}
}

// TestExportWhole wants a tree of which one file can't be read to be absent.
func TestExportWhole(t *testing.T) {
	t.Parallel()
	c := base(t)
	blob := c.line("rev-parse", "HEAD:dir/sub/deep")
	c.remove(".git/objects/" + blob[:2] + "/" + blob[2:])
	parent := t.TempDir()
	dir := filepath.Join(parent, "in")
	must(t, os.Mkdir(dir, 0o700))
	if err := c.open().Export(t.Context(), c.head(), dir); !errors.Is(err, ErrMissing) {
		t.Errorf("Export = %v, want ErrMissing", err)
	}
	if got := listing(t, parent); len(got) != 1 {
		t.Errorf("left %q", got)
	}
	c.write("dir/sub/deep", "3\n")
	c.git("hash-object", "-w", "dir/sub/deep")
	link := filepath.Join(parent, "link")
	must(t, os.Symlink("in", link))
	must(t, c.open().Export(t.Context(), c.head(), link))
	info, err := os.Lstat(dir)
	must(t, err)
	if info.Mode().Perm() != 0o700 || len(listing(t, dir)) == 0 {
		t.Errorf("%v holds %q", info.Mode(), listing(t, dir))
	}
}
