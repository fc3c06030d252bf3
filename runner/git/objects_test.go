package git

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// manyVersions makes a repository with one pack, of files that git stores as
// deltas.
func manyVersions(tb testing.TB, versions int) checkout {
	tb.Helper()
	c := newCheckout(tb)
	var s strings.Builder
	var lines []string
	for i := range 200 {
		lines = append(lines, fmt.Sprintf("line %d of a file that changes a little", i*i))
	}
	for v := range versions {
		lines[v*7%len(lines)] = fmt.Sprint("changed in version ", v)
		text := strings.Join(lines, "\n")
		fmt.Fprintf(&s, "commit refs/heads/main\ncommitter C <c@example.org> %d +0000\ndata 1\nm\n", 1700000000+v)
		fmt.Fprintf(&s, "M 644 inline d/f\ndata %d\n%s\nM 644 inline d/%d\ndata 5\nsmall\n", len(text), text, v)
	}
	fmt.Fprint(&s, "M 644 inline empty\ndata 0\n\ntag t\nfrom refs/heads/main\ntagger C <c@example.org> 1700000000 +0000\ndata 3\ntag\n")
	_, err := c.try(s.String(), "fast-import", "--quiet")
	must(tb, err)
	c.git("repack", "-adfq", "--depth=50")
	return c
}

// onlyPack gives the pack of a repository that has one.
func (c checkout) onlyPack() string {
	c.tb.Helper()
	found, err := filepath.Glob(c.path(".git/objects/pack/*.pack"))
	must(c.tb, err)
	if len(found) != 1 {
		c.tb.Fatalf("packs %q", found)
	}
	return found[0]
}

// indexOf gives the index file of a pack.
func indexOf(pack string) string { return strings.TrimSuffix(pack, ".pack") + ".idx" }

// gitObject is what git cat-file says of an object.
type gitObject struct {
	id            Hash
	kind, content string
}

func (c checkout) allObjects() []gitObject {
	c.tb.Helper()
	from := bytes.NewBufferString(c.git("cat-file", "--batch-all-objects", "--batch"))
	var all []gitObject
	for from.Len() > 0 {
		var o gitObject
		var size int
		_, err := fmt.Fscanf(from, "%s %s %d\n", &o.id, &o.kind, &size)
		must(c.tb, err)
		o.content = string(from.Next(size))
		from.Next(1)
		all = append(all, o)
	}
	return all
}

// reader opens a reader that must not ask git, and one that has to.
func (c checkout) readers() (byGoGit, byGit *objects) {
	c.tb.Helper()
	r := c.open()
	byGit = &objects{repo: r, digits: sha1Digits}
	c.env = []string{"PATH="}
	byGoGit, err := c.open().openObjects()
	must(c.tb, err)
	c.tb.Cleanup(func() { must(c.tb, errors.Join(byGoGit.close(), byGit.close())) })
	return byGoGit, byGit
}

// TestReadIsGits compares every object of packs in all their forms with what
// git reads.
func TestReadIsGits(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(c checkout){
		"usual": func(checkout) {},
		"names as bases": func(c checkout) {
			c.git("config", "repack.useDeltaBaseOffset", "false")
			c.git("repack", "-adfq")
		},
		"far offsets": func(c checkout) {
			pack := c.onlyPack()
			c.remove(".git/objects/pack/" + filepath.Base(indexOf(pack)))
			c.git("index-pack", "--index-version=2,0x400", pack)
		},
		"old index": func(c checkout) {
			c.git("config", "pack.indexVersion", "1")
			c.git("repack", "-adfq")
		},
		"no deltas": func(c checkout) {
			c.git("config", "pack.depth", "0")
			c.git("repack", "-adfq")
		},
		"named by git before 1.9": func(c checkout) {
			pack := c.onlyPack()
			old := filepath.Join(filepath.Dir(pack), "pack-"+strings.Repeat("ab", 20))
			must(t, os.Rename(pack, old+".pack"))
			must(t, os.Rename(indexOf(pack), old+".idx"))
		},
		"several packs": func(c checkout) {
			for i := range 3 {
				c.write("more", strings.Repeat("m\n", i))
				c.commitAll("more")
				c.git("repack", "-dq")
			}
		},
		"an index without a pack": func(c checkout) { c.write(".git/objects/pack/pack-1.idx", "alone") },
		"loose": func(c checkout) {
			pack, err := os.ReadFile(c.onlyPack())
			must(t, err)
			c.remove(".git/objects/pack")
			_, err = c.try(string(pack), "unpack-objects", "-q")
			must(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := manyVersions(t, 40)
			c.tb = t
			change(c)
			compareAll(t, c, strings.Contains(name, "old") || strings.Contains(name, "1.9"))
		})
	}
}

func compareAll(t *testing.T, c checkout, old bool) {
	t.Helper()
	all := c.allObjects()
	if len(all) < 120 {
		t.Fatalf("%d objects", len(all))
	}
	byGoGit, byGit := c.readers()
	readers := []*objects{byGoGit, byGit}
	if old { // go-git refuses it
		readers[0] = &objects{repo: byGit.repo, digits: sha1Digits, storage: byGit.repo.openStorage()}
		t.Cleanup(func() { must(t, readers[0].close()) })
	}
	for _, o := range all {
		for i, r := range readers {
			kind, data, err := r.read(o.id)
			if kind.String() != o.kind || string(data) != o.content || err != nil {
				t.Errorf("reader %d, %s: %s, %d bytes, %v; want %s, %d bytes", i, o.id, kind, len(data), err, o.kind, len(o.content))
			}
		}
	}
	for _, id := range []Hash{"", "HEAD", all[0].id[:39], all[0].id[:38] + "zz", Hash(strings.Repeat("1", 40)), Hash(strings.Repeat("1", 64))} {
		for i, r := range readers {
			if _, _, err := r.read(id); !errors.Is(err, errNoObject) && (!old || i != 0 || err == nil) { // go-git can't tell
				t.Errorf("reader %d: read(%q) = %v, want errNoObject", i, id, err)
			}
		}
	}
}

// TestDamage flips bytes all over a pack and a loose object: nothing may be
// read as something else.
func TestDamage(t *testing.T) {
	t.Parallel()
	c := manyVersions(t, 8)
	want := make(map[Hash]string)
	for _, o := range c.allObjects() {
		want[o.id] = o.content
	}
	c.write("loose", strings.Repeat("some text\n", 20))
	loose := Hash(c.line("hash-object", "-w", "loose"))
	want[loose] = strings.Repeat("some text\n", 20)
	for _, file := range []string{c.onlyPack(), c.path(".git/objects/" + string(loose[:2]+"/"+loose[2:]))} {
		whole, err := os.ReadFile(file)
		must(t, err)
		must(t, os.Chmod(file, 0o644))
		flips, seen := 0, 0
		for at := 0; at < len(whole); at += max(1, len(whole)/40) {
			damaged := slices.Clone(whole)
			damaged[at] ^= 0x55
			must(t, os.WriteFile(file, damaged, 0o600))
			flips++
			r, err := c.open().openObjects()
			must(t, err)
			for id, content := range want {
				_, data, err := r.read(id)
				if err != nil {
					seen++
				} else if string(data) != content {
					t.Errorf("%s, byte %d: %s was read as something else", filepath.Base(file), at, id)
				}
				if errors.Is(err, errNoObject) || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s, byte %d: %s is missing: %v", filepath.Base(file), at, id, err)
				}
			}
			must(t, r.close())
		}
		must(t, os.WriteFile(file, whole, 0o600))
		if seen < flips*3/4 {
			t.Errorf("%s: %d errors of %d flips", filepath.Base(file), seen, flips)
		}
	}
}

// TestClosed: what is read after Close is neither missing nor there.
func TestClosed(t *testing.T) {
	t.Parallel()
	c := base(t)
	r, err := Open(c.dir, c.env)
	must(t, err)
	if _, err := r.ReadFile(c.head(), "a.txt"); err != nil {
		t.Error(err)
	}
	must(t, r.Close())
	if _, err := r.ReadFile(c.head(), "a.txt"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("ReadFile = %v, want fs.ErrClosed", err)
	}
}
