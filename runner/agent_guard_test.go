package runner

import (
	"iter"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git"
)

// TestJudges: the tests of every reproduction that a spec builds on, however far
// up, and of no other spec.
func TestJudges(t *testing.T) {
	t.Parallel()
	red := "\n## Acceptance Criteria\n\n- [ ] a\n  ```sh check expect=fail\n  false\n  ```\n"
	root := lay(t, map[string]string{
		".chant/specs/001.md": "---\ntype: reproduction\ntarget_files: [red.sh]\n---\n# T\n" + red,
		".chant/specs/002.md": "---\ndepends_on: [001]\ntarget_files: [notes.md]\n---\n# T\n",
		".chant/specs/003.md": "---\ndepends_on: [002]\ntarget_files: [fix.go]\n---\n# T\n",
		".chant/specs/004.md": "---\ntype: reproduction\ntarget_files: [other.sh]\n---\n# T\n" + red,
	})
	p, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string][]string{"001": nil, "002": {"red.sh"}, "003": {"red.sh"}, "004": nil} {
		s, err := p.Set.Resolve(id)
		if err != nil {
			t.Fatal(err)
		}
		c := crew{attempt: &attempt{project: p, spec: s}}
		var got []string
		for _, at := range []string{"red.sh", "notes.md", "fix.go", "other.sh"} {
			if c.judges()(at) {
				got = append(got, at)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
}

// firstParents is a repository whose first-parent line is a list of hashes, the newest
// first; shallow says that more would follow.
type firstParents struct {
	Repository
	hashes  []git.Hash
	shallow bool
}

func (l firstParents) FirstParents(from git.Hash) iter.Seq2[git.Commit, error] {
	return func(yield func(git.Commit, error) bool) {
		for _, hash := range l.hashes[slices.Index(l.hashes, from):] {
			if !yield(git.Commit{Hash: hash}, nil) {
				return
			}
		}
		if l.shallow {
			yield(git.Commit{}, git.ErrShallow)
		}
	}
}

func TestCommitsSince(t *testing.T) {
	t.Parallel()
	tests := []struct {
		from, to git.Hash
		shallow  bool
		want     []string
		ok       bool
	}{
		{"c", "a", false, []string{"b", "c"}, true},
		{"c", "c", false, nil, true},
		{"b", "c", false, []string{"a", "b"}, false},
		{"c", "x", true, []string{"a", "b", "c"}, false},
		{"c", "", false, []string{"a", "b", "c"}, true}, // the first commits of all
	}
	for _, tt := range tests {
		e := Engine{Git: firstParents{hashes: []git.Hash{"c", "b", "a"}, shallow: tt.shallow}}
		got, ok, err := e.commitsSince(tt.from, tt.to)
		if err != nil || ok != tt.ok || !slices.Equal(got, tt.want) {
			t.Errorf("from %s to %q: %v, %v, error %v", tt.from, tt.to, got, ok, err)
		}
	}
}
