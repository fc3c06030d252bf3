package checkout

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"chant/runner/git"
)

func data(path, mode, data string) Change { return Change{Path: path, Mode: mode, Data: []byte(data)} }

func TestTree(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	must(t, os.Symlink("a", r.path("link")))
	base := r.commit(map[string]string{"a": "1", "dir/b": "2", "dir/sub/c": "3"})
	blob := git.Hash(r.git("rev-parse", "HEAD:dir/b"))
	with := func(changed map[string]string, without ...string) map[string]string {
		files := map[string]string{"a": "1", "dir/b": "2", "dir/sub/c": "3", "link": "-> a"}
		maps.Copy(files, changed)
		for _, name := range without {
			delete(files, name)
		}
		return files
	}
	before := bytesOf(t, r.dir)
	t.Cleanup(func() { same(t, "the user's repository", before, bytesOf(t, r.dir)) })
	s := r.open(Options{})
	for _, tt := range []struct {
		name    string
		changes []Change
		want    map[string]string
	}{
		{"none", nil, with(nil)},
		{"content", []Change{data("a", "100644", "\x00\n")}, with(map[string]string{"a": "\x00\n"})},
		{"blob", []Change{{Path: "a", Mode: "100644", Hash: blob}}, with(map[string]string{"a": "2"})},
		{"mode", []Change{{Path: "dir/b", Mode: "100755", Hash: blob}}, with(map[string]string{"dir/b": "x2"})},
		{"symlink", []Change{data("a", "120000", "dir")}, with(map[string]string{"a": "-> dir"})},
		{"file instead of a symlink", []Change{data("link", "100644", "")}, with(map[string]string{"link": ""})},
		{"removed", []Change{{Path: "a"}, {Path: "dir/sub/c"}}, with(nil, "a", "dir/sub/c")},
		{"removed what is not there", []Change{{Path: "none"}, {Path: "a/none"}}, with(nil)},
		{"a folder is no file to remove", []Change{{Path: "dir"}}, with(nil)},
		{
			"file instead of a folder", []Change{data("dir", "100644", "f"), {Path: "dir/b"}},
			with(map[string]string{"dir": "f"}, "dir/b", "dir/sub/c"),
		},
		{"folder instead of a file", []Change{data("a/b/c", "100644", "f"), {Path: "a"}}, with(map[string]string{"a/b/c": "f"}, "a")},
		{
			"odd names", []Change{data("\"n\"\n\\ é", "100644", "f"), data(" ", "100644", "f")},
			with(map[string]string{"\"n\"\n\\ é": "f", " ": "f"}),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := s.Tree(t.Context(), base, tt.changes)
			must(t, err)
			defer func() { must(t, c.Close()) }()
			in := r.at(c)
			same(t, "files", tt.want, contents(t, c.Top()))
			same(t, "status", "", in.git("status", "--porcelain"))
			same(t, "HEAD", c.Commit(), in.head())
			same(t, "tree", string(c.Tree()), in.git("rev-parse", "HEAD^{tree}"))
			same(t, "parent", string(base), in.git("rev-parse", "HEAD^"))
			same(t, "refs", "main", in.git("for-each-ref", "--format=%(refname:short)"))
			again, err := r.open(Options{}).Tree(t.Context(), base, tt.changes)
			must(t, err)
			same(t, "commit of the same tree", c.Commit(), again.Commit())
			must(t, again.Close())
		})
	}
}

func TestTreeRefused(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	base := r.commit(map[string]string{"a": "1"})
	temp := t.TempDir()
	s := r.open(Options{Temp: temp})
	for _, c := range []Change{
		data("../outside", "100644", ""), data(".git/config", "100644", ""), data("/etc/passwd", "100644", ""),
		{Path: "a", Mode: "100644", Hash: git.Hash(strings.Repeat("5", 40))},
	} {
		if made, err := s.Tree(t.Context(), base, []Change{c}); err == nil {
			t.Errorf("%s: no error, but %v", c.Path, contents(t, made.Top()))
		}
	}
	empty(t, temp)
}

// A repository without a commit has trees to check all the same.
func TestTreeOnNothing(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"sha1", "sha256"} {
		r := newRepo(t, "--object-format="+format)
		c, err := r.open(Options{}).Tree(t.Context(), "", []Change{data("dir/a", "100644", "1"), {Path: "none"}})
		must(t, err)
		same(t, "files", map[string]string{"dir/a": "1"}, contents(t, c.Top()))
		same(t, "commits", "1", r.at(c).git("rev-list", "--count", "HEAD"))
		must(t, c.Close())
	}
}

// Contents are stored in a draft before they make a tree, and stay there.
func TestDraft(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	base := r.commit(map[string]string{"a": "1"})
	before := bytesOf(t, r.dir)
	temp := t.TempDir()
	s := r.open(Options{Temp: temp})
	d, err := s.New()
	must(t, err)
	storing := r
	storing.env = append(slices.Clip(r.env), "GIT_OBJECT_DIRECTORY="+d.Objects(), "GIT_ALTERNATE_OBJECT_DIRECTORIES="+r.path(".git/objects"))
	blob, err := storing.try("stored", "hash-object", "-w", "--stdin")
	must(t, err)
	change := Change{Path: "a", Mode: "100644", Hash: git.Hash(strings.TrimSpace(blob))}
	c, err := d.Checkout(t.Context(), base, []Change{change})
	must(t, err)
	must(t, d.Close())
	same(t, "files", map[string]string{"a": "stored"}, contents(t, c.Top()))

	// The second draft's tree is there already.
	other, err := s.New()
	must(t, err)
	second, err := other.Checkout(t.Context(), base, []Change{data("a", "100644", "stored")})
	must(t, err)
	same(t, "folder", c.Top(), second.Top())
	must(t, c.Close())
	same(t, "stored", "stored", r.at(second).git("cat-file", "blob", string(change.Hash)))
	must(t, second.Close())

	unused, err := s.New()
	must(t, err)
	must(t, unused.Close())
	empty(t, temp)
	same(t, "the user's repository", before, bytesOf(t, r.dir))
}

// A checkout holds exactly the tree that it was made from.
func TestRandomTrees(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	empty := r.commit(nil)
	name := rapid.StringMatching(`[a-c .é"*]{0,2}[a-c]`)
	path := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(name, 1, 3).Draw(t, "names"), "/") })
	change := rapid.Custom(func(t *rapid.T) Change {
		noZero := func(s string) bool { return !strings.Contains(s, "\x00") }
		mode := rapid.SampledFrom([]string{"100644", "100755", "120000", ""}).Draw(t, "mode")
		return data(path.Draw(t, "path"), mode, rapid.StringN(1, 8, -1).Filter(noZero).Draw(t, "data"))
	})
	changes := rapid.SliceOfNDistinct(change, 0, 12, func(c Change) string { return c.Path })
	s := r.open(Options{})
	rapid.Check(t, func(rt *rapid.T) {
		first, err := s.Tree(t.Context(), empty, changes.Draw(rt, "first"))
		must(t, err)
		// The second is made on the first, which the user's repository has to have.
		r.at(first).git("push", "-q", "--force", r.dir, "HEAD:refs/heads/first")
		second, err := s.Tree(t.Context(), first.Commit(), changes.Draw(rt, "second"))
		must(t, err)
		for _, c := range []*Checkout{first, second} {
			in := r.at(c)
			want := map[string]string{}
			for record := range strings.SplitSeq(in.git("ls-tree", "-r", "-z", string(c.Tree())), "\x00") {
				if record == "" {
					continue
				}
				facts, name, _ := strings.Cut(record, "\t")
				words := strings.Fields(facts)
				blob, err := in.try("", "cat-file", "blob", words[2])
				must(t, err)
				want[name] = map[string]string{"100644": "", "100755": "x", "120000": "-> "}[words[0]] + blob
			}
			if got := contents(t, c.Top()); fmt.Sprint(got) != fmt.Sprint(want) {
				rt.Fatalf("the tree holds %q, the checkout %q", want, got)
			}
			must(t, c.Close())
		}
	})
}
