package git

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.write("a.txt", "A\n")
	c.remove("b.txt")
	c.git("mv", "dir/one", "dir/renamed")
	c.write("new\nline/ü ", "x")
	c.write("ignored", "x")
	c.write(".git/info/exclude", "ignored\n")
	c.write("later", "x")
	c.git("add", "-N", "later")
	c.write("nested/f", "f\n")
	nested := checkout{tb: t, dir: c.path("nested"), env: c.env}
	nested.git("init", "-q")
	nested.commitAll("in it")
	c.git("config", "status.showUntrackedFiles", "no")
	c.git("config", "status.renames", "copies")
	c.git("config", "status.relativePaths", "true")
	got, err := c.open().Status(t.Context())
	must(t, err)
	want := []Change{
		{Path: "a.txt", Unstaged: true},
		{Path: "b.txt", Unstaged: true},
		{Path: "dir/one", Staged: true},
		{Path: "dir/renamed", Staged: true},
		{Path: "gone", Staged: true},
		{Path: "later", Unstaged: true},
		{Path: "new-staged", Staged: true},
		{Path: "other", Staged: true, Unstaged: true},
		{Path: "gone", Untracked: true},
		{Path: "nested", Untracked: true, Repository: true},
		{Path: "new\nline/ü ", Untracked: true},
		{Path: "untracked", Untracked: true},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(Version{})); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestParseStatus(t *testing.T) {
	t.Parallel()
	const hashes = " 100644 100755 100644 1111 2222 "
	one, two := Version{"100644", "1111"}, Version{"100755", "2222"}
	for _, tt := range []struct {
		in   string
		want []Change
		ok   bool
	}{
		{"", nil, true},
		{"u UU N... 100644 100644 100644 100644 1 2 3 a b\x00", []Change{{Path: "a b", Unmerged: true}}, true},
		{"1 .M SC.." + hashes + "mod\x00", []Change{{Path: "mod", Unstaged: true, Repository: true, Head: one, Index: two}}, true},
		{"1 A. N... 000000 100755 100755 0000 2222 a\x00", []Change{{Path: "a", Staged: true, Index: two}}, true},
		{"1 D. N... 100644 000000 000000 1111 0000 a\x00", []Change{{Path: "a", Staged: true, Head: one}}, true},
		{"? a\x00", []Change{{Path: "a", Untracked: true}}, true},
		{"? a", nil, false},
		{"? /\x00", nil, false},
		{"2 R. N..." + hashes + "R100 b\x00a\x00", nil, false},
		{"1 .M N... 100644\x00", nil, false},
		{"1 M N..." + hashes + "a\x00", nil, false},
		{"\x00", nil, false},
	} {
		got, err := parseStatus(tt.in)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err == nil) != tt.ok {
			t.Errorf("parseStatus(%q): %v\n%s", tt.in, err, diff)
		}
	}
}
