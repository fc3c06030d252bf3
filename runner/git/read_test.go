package git

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeadAndResolve(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.git("reset", "-q", "--hard")
	first := c.head()
	c.git("tag", "-a", "-m", "v", "v1")
	c.git("commit", "-q", "-m", "second", "--allow-empty")
	second := c.head()
	r := c.open()
	check := func(want Head) {
		t.Helper()
		if got, err := r.Head(); got != want || err != nil {
			t.Errorf("Head = %v, %v, want %v", got, err, want)
		}
	}
	check(Head{"refs/heads/main", second})
	c.git("pack-refs", "--all")
	check(Head{"refs/heads/main", second})
	c.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
	c.git("symbolic-ref", "HEAD", "refs/heads/alias")
	check(Head{"refs/heads/main", second})
	c.git("checkout", "-q", "--detach", "v1")
	check(Head{"HEAD", first})

	for rev, want := range map[string]Hash{
		"HEAD": first, "main": second, "main~1": first, "main^": first, "v1": first, "refs/tags/v1": first,
		string(second): second, string(second[:8]): second, c.line("rev-parse", "v1"): first,
	} {
		if got, err := r.Resolve(t.Context(), rev); got != want || err != nil {
			t.Errorf("Resolve(%q) = %v, %v, want %v", rev, got, err, want)
		}
	}
	for _, rev := range []string{
		"", "no-such", "--all", "main~99", strings.Repeat("0", 40), strings.Repeat("1", 40), "main..v1", "HEAD:a.txt", "a\nb",
	} {
		if got, err := r.Resolve(t.Context(), rev); !errors.Is(err, ErrUnknownRevision) {
			t.Errorf("Resolve(%q) = %v, %v, want ErrUnknownRevision", rev, got, err)
		}
	}
	c.git("checkout", "-q", "--orphan", "fresh/branch")
	check(Head{"refs/heads/fresh/branch", ""})
	if _, err := r.Resolve(t.Context(), "HEAD"); !errors.Is(err, ErrUnknownRevision) {
		t.Errorf("Resolve(HEAD) of an unborn branch = %v", err)
	}
}

func TestBrokenHead(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"", "junk\n", "ref: ../../etc/passwd\n", "ref: refs/../../x\n", "ref: HEAD\n", "ref: refs/heads/loop\n"} {
		c := newCheckout(t)
		c.write(".git/refs/heads/loop", "ref: refs/heads/loop\n")
		c.write(".git/HEAD", head)
		if got, err := c.open().Head(); err == nil {
			t.Errorf("HEAD %q was read as %v", head, got)
		}
	}
}

// TestReadTree reads loose objects, packed ones, and those that another git
// packs while the repository is open.
func TestReadTree(t *testing.T) {
	t.Parallel()
	c := base(t)
	big := strings.Repeat("a line of a big file\n", 9<<20/21)
	c.write("dir/big", big)
	h := c.commitAll("all")
	r := c.open()
	check := func() {
		t.Helper()
		tree, err := r.Tree(h)
		if want := Hash(c.line("rev-parse", "HEAD^{tree}")); tree != want || err != nil {
			t.Errorf("Tree = %v, %v, want %v", tree, err, want)
		}
		for name, want := range map[string]string{"a.txt": "a\n", "dir/sub/deep": "3\n", "sym": "a.txt", "dir/big": big} {
			got, err := r.ReadFile(h, name)
			if string(got) != want || err != nil {
				t.Errorf("ReadFile(%q): %d bytes, %v", name, len(got), err)
			}
			entry, err := r.Entry(h, name)
			must(t, err)
			if size, err := r.Size(entry); size != int64(len(want)) || err != nil {
				t.Errorf("Size of %q = %d, %v, want %d", name, size, err, len(want))
			}
		}
		var listed strings.Builder
		files, err := r.List(h)
		must(t, err)
		for _, f := range files {
			fmt.Fprintf(&listed, "%s %s %s\n", f.Mode, f.Hash, f.Path)
		}
		if diff := cmp.Diff(c.git("ls-tree", "-r", "--format=%(objectmode) %(objectname) %(path)", "HEAD"), listed.String()); diff != "" {
			t.Errorf("List (-git +ours):\n%s", diff)
		}
	}
	check()
	c.git("gc", "-q")
	check()
	c.git("repack", "-q", "-a", "-d", "-F", "--depth=5")
	check()

	for _, name := range []string{"no", "dir", "a.txt/x", "dir/no", "", "/a.txt", "dir/"} {
		if _, err := r.ReadFile(h, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("ReadFile(%q) = %v, want fs.ErrNotExist", name, err)
		}
	}
	for _, bad := range []Hash{"", "HEAD", Hash(strings.Repeat("1", 40))} {
		if _, err := r.ReadFile(bad, "a.txt"); !errors.Is(err, ErrUnknownRevision) {
			t.Errorf("ReadFile of commit %q = %v, want ErrUnknownRevision", bad, err)
		}
	}
}

func TestMissingBlobIsNoAbsence(t *testing.T) {
	t.Parallel()
	c := base(t)
	blob := c.line("rev-parse", "HEAD:a.txt")
	c.remove(".git/objects/" + blob[:2] + "/" + blob[2:])
	_, err := c.open().ReadFile(c.head(), "a.txt")
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadFile = %v, want an error other than fs.ErrNotExist", err)
	}
}

func TestShallow(t *testing.T) {
	t.Parallel()
	origin := newCheckout(t)
	for i := range 4 {
		origin.write("f", fmt.Sprint(i))
		origin.commitAll(fmt.Sprint(i))
	}
	c := checkout{tb: t, dir: t.TempDir() + "/clone", env: origin.env}
	origin.git("clone", "-q", "--depth=2", "file://"+origin.dir, c.dir)
	r := c.open()
	c.write("f", "new")
	if _, err := r.Commit(t.Context(), CommitRequest{Paths: []string{"f"}, Message: "m"}); err != nil {
		t.Errorf("committing in a shallow clone: %v", err)
	}
	c.git("fsck")
}

// TestTreeOfCommit holds the tree of a commit to what git reads out of it.
func TestTreeOfCommit(t *testing.T) {
	t.Parallel()
	c := base(t)
	tree, parent := c.line("rev-parse", "HEAD^{tree}"), string(c.head())
	for name, text := range map[string]string{
		"usual":           "tree T\nparent P\nauthor A <a> 1 +0000\ncommitter C <c> 5 +0100\n\nsubject\ngoes on\n\nbody\n",
		"no parent":       "tree T\nauthor A <a> 1 +0000\ncommitter C <c> 5 +0100\n\nm",
		"signed":          "tree T\nauthor A <a> 1 +0000\ncommitter C <c> 5 +0100\ngpgsig x\n tree 1\n committer X <x> 9 +0000\n\nm\n",
		"parent too late": "tree T\nauthor A <a> 1 +0000\ncommitter C <c> 5 +0100\nparent P\n\nm\n",
		"odd names":       "tree T\nauthor A <a> 1 +0000\ncommitter > C> <c> 5 +0100\n\nm\n",
		"no message":      "tree T\nauthor A <a> 1 +0000\ncommitter C <c> 5 +0100\n\n",
	} {
		text = strings.NewReplacer("T\n", tree+"\n", "P\n", parent+"\n").Replace(text)
		h, err := c.try(text, "hash-object", "-t", "commit", "--literally", "-w", "--stdin")
		must(t, err)
		h = strings.TrimSpace(h)
		got, err := c.open().Tree(Hash(h))
		if want := Hash(c.line("rev-parse", h+"^{tree}")); got != want || err != nil {
			t.Errorf("%s: got %q, error %v, want %q", name, got, err, want)
		}
	}
}

// TestOldModes reads a mode that git once wrote.
func TestOldModes(t *testing.T) {
	t.Parallel()
	c := base(t)
	id, err := hex.DecodeString(c.line("rev-parse", "HEAD:a.txt"))
	must(t, err)
	tree, err := c.try("100664 old\x00"+string(id)+"100775 run\x00"+string(id), "hash-object", "-t", "tree", "--literally", "-w", "--stdin")
	must(t, err)
	h := Hash(c.line("commit-tree", "-m", "old", strings.TrimSpace(tree)))
	if data, err := c.open().ReadFile(h, "old"); string(data) != "a\n" || err != nil {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	files, err := c.open().List(h)
	if want := []Content{{"old", "100644", Hash(hex.EncodeToString(id))}, {"run", "100755", Hash(hex.EncodeToString(id))}}; !slices.Equal(files, want) || err != nil {
		t.Errorf("List = %q, %v", files, err)
	}
}

// TestEmptyTree reads the tree that needn't be stored.
func TestEmptyTree(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	h := Hash(c.line("commit-tree", "-m", "empty", string(emptyTree)))
	c.remove(".git/objects/4b")
	r := c.open()
	if files, err := r.List(h); len(files) > 0 || err != nil {
		t.Errorf("List = %q, %v", files, err)
	}
}
