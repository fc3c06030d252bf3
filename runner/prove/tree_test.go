package prove

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chant/runner/checkout"
	"chant/runner/git"
)

// files makes a tree of paths, each with its content, which stands for the blob.
func files(content ...string) tree {
	t := tree{}
	for i := 0; i < len(content); i += 2 {
		t[content[i]] = git.Content{Path: content[i], Mode: "100644", Hash: git.Hash(content[i+1])}
	}
	return t
}

func TestWith(t *testing.T) {
	t.Parallel()
	tests := func(path string) bool { return path == "t" || strings.HasPrefix(path, "t/") }
	for _, tt := range []struct {
		name             string
		head, base, want tree
	}{
		{"put back", files("a", "2", "t/x", "2"), files("a", "1", "t/x", "1"), files("a", "2", "t/x", "1")},
		{"deleted at head", files("a", "2"), files("a", "1", "t/x", "1"), files("a", "2", "t/x", "1")},
		{"new at head", files("a", "2", "t/x", "1", "t/y", "2"), files("t/x", "1"), files("a", "2", "t/x", "1")},
		{"a file became a folder", files("a", "2", "t/x", "2"), files("t", "1"), files("a", "2", "t", "1")},
		{"a folder became a file", files("a", "2", "t", "2"), files("t/x/y", "1"), files("a", "2", "t/x/y", "1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.head.with(tt.base, tests)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
			if left := changedPaths(got, tt.base, tests); len(left) > 0 {
				t.Errorf("the region differs from base in %q", left)
			}
		})
	}
}

// What is put back is as it was, and nothing else is changed.
func TestWithChangesNothingElse(t *testing.T) {
	t.Parallel()
	names := rapid.MapOf(rapid.StringMatching(`[ab](/[ab]){0,2}`), rapid.StringMatching(`[xy]`))
	draw := func(t *rapid.T, label string) tree {
		out := tree{}
		for path, blob := range names.Draw(t, label) {
			out.put(git.Content{Path: path, Mode: "100644", Hash: git.Hash(blob)})
		}
		return out
	}
	region := func(path string) bool { return strings.HasPrefix(path, "a") }
	rapid.Check(t, func(t *rapid.T) {
		head, base := draw(t, "head"), draw(t, "base")
		got := head.with(base, region)
		if left := changedPaths(got, base, region); len(left) > 0 {
			t.Fatalf("the region differs from base in %q", left)
		}
		if left := changedPaths(got, head, func(path string) bool { return !region(path) }); len(left) > 0 {
			t.Fatalf("the rest differs from head in %q", left)
		}
	})
}

func TestChanges(t *testing.T) {
	t.Parallel()
	committed := files("a", "1", "b", "2", "c", "3")
	base := &treeSpec{commit: "c1", committed: committed, files: committed}
	changed := base.with(files("a", "1", "b", "loose", "d", "4"))
	want := []checkout.Change{
		{Path: "b", Mode: "100644", Data: []byte("data")},
		{Path: "c"},
		{Path: "d", Mode: "100644", Hash: "4"},
	}
	if diff := cmp.Diff(want, changed.changes(map[git.Hash][]byte{"loose": []byte("data")})); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if got := changed.with(changed.files).with(committed); changed.with(changed.files) != changed || len(got.changes(nil)) > 0 {
		t.Errorf("got %+v and %+v", changed.with(changed.files), got)
	}
}
