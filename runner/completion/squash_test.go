package completion

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git"
	"chant/spec"
)

func TestSquashed(t *testing.T) {
	t.Parallel()
	var specs []*spec.Spec
	for path, text := range map[string]string{
		".chant/specs/1.md": "---\ntarget_files: t/**\n---\n",
		".chant/specs/2.md": "---\ndepends_on: '1'\ntarget_files: .chant/research/cause.md\n---\n",
		".chant/specs/3.md": "---\ndepends_on: '2'\ntarget_files: src/**\n---\n",
		".chant/specs/4.md": "---\ntarget_files: src/**\n---\n",
	} {
		s, _ := spec.Parse(path, []byte(text))
		specs = append(specs, s)
	}
	set := spec.NewSet(specs)
	one := specs[slices.IndexFunc(specs, func(s *spec.Spec) bool { return s.ID == "1" })]
	at := func(commit git.Hash) Completion { return Completion{Commit: commit, Parents: []git.Hash{"parent"}} }
	for _, tt := range []struct {
		name string
		done map[string]Completion
		want bool
	}{
		{"with the fix", map[string]Completion{"1": at("a"), "2": at("b"), "3": at("a")}, true},
		{"with a document", map[string]Completion{"1": at("a"), "2": at("a"), "3": at("b")}, false},
		{"with what does not depend on it", map[string]Completion{"1": at("a"), "4": at("a")}, false},
		{"in the first commit", map[string]Completion{"1": {Commit: "a"}, "3": {Commit: "a"}}, false},
		{"open", map[string]Completion{}, false},
		{"hidden", map[string]Completion{"1": {Err: git.ErrShallow}, "3": {Err: git.ErrShallow}}, false},
	} {
		if got := Squashed(set, one, tt.done); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// trees of commits, by their hashes.
type listed map[git.Hash][]git.Content

func (l listed) List(commit git.Hash) ([]git.Content, error) { return l[commit], nil }

func TestRebuilt(t *testing.T) {
	t.Parallel()
	s, _ := spec.Parse(".chant/specs/1.md", []byte("---\ntarget_files: [t/**, .chant/research/a.md]\n---\n"))
	file := func(path string, hash git.Hash) git.Content {
		return git.Content{Path: path, Mode: "100644", Hash: hash}
	}
	repo := listed{
		"parent": {file("src/a", "1"), file("t/gone", "1"), file("t/new", "1"), file("t/same", "1")},
		"commit": {file(".chant/research/a.md", "2"), file("src/a", "2"), file("t/added", "2"), file("t/new", "2"), file("t/same", "1")},
	}
	got, err := Completion{Commit: "commit", Parents: []git.Hash{"parent"}}.Rebuilt(repo, s)
	if err != nil {
		t.Fatal(err)
	}
	want := []git.Content{file(".chant/research/a.md", "2"), file("t/added", "2"), file("t/new", "2"), {Path: "t/gone"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
