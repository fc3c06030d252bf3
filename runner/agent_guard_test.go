package runner

import (
	"iter"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/git"
	"chant/spec"
)

// TestSameMeta sets every field of a frontmatter in turn: one that sameMeta
// forgets could be changed by an agent.
func TestSameMeta(t *testing.T) {
	t.Parallel()
	if !sameMeta(spec.Meta{}, spec.Meta{}) {
		t.Error("two empty ones differ")
	}
	kind := reflect.TypeFor[spec.Meta]()
	for i := range kind.NumField() {
		for name, changed := range settings(kind.Field(i).Type) {
			var m spec.Meta
			reflect.ValueOf(&m).Elem().Field(i).Set(changed)
			if sameMeta(spec.Meta{}, m) || sameMeta(m, spec.Meta{}) {
				t.Errorf("%s%s does not count", kind.Field(i).Name, name)
			}
		}
	}
	moved := spec.Meta{TargetFiles: []spec.Item{{Value: "a", Pos: spec.Pos{Line: 2}}}}
	if !sameMeta(moved, spec.Meta{TargetFiles: []spec.Item{{Value: "a", Pos: spec.Pos{Line: 9}}}}) {
		t.Error("where an item stands counts")
	}
}

// settings gives values of a type that are not its zero value: one for every
// field that it holds, however deep, by the field's name.
func settings(kind reflect.Type) map[string]reflect.Value {
	made, deeper := map[string]reflect.Value{}, reflect.New(kind).Elem()
	switch {
	case kind == reflect.TypeFor[time.Time]():
		made[""] = reflect.ValueOf(time.Unix(1, 0).UTC())
	case kind == reflect.TypeFor[spec.Item](): // its place does not count
		made[".Value"] = reflect.ValueOf(spec.Item{Value: "x"})
	case kind.Kind() == reflect.String:
		deeper.SetString("x")
		made[""] = deeper
	case kind.Kind() == reflect.Bool:
		deeper.SetBool(true)
		made[""] = deeper
	case kind.Kind() == reflect.Slice:
		for name, element := range settings(kind.Elem()) {
			made["[]"+name] = reflect.Append(reflect.MakeSlice(kind, 0, 1), element)
		}
	case kind.Kind() == reflect.Struct:
		for i := range kind.NumField() {
			for name, value := range settings(kind.Field(i).Type) {
				whole := reflect.New(kind).Elem()
				whole.Field(i).Set(value)
				made["."+kind.Field(i).Name+name] = whole
			}
		}
	}
	return made
}

func TestForgery(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	gate := spec.Approval{Required: true}
	approved := spec.Approval{Required: true, Status: spec.Approved, By: "A", At: now, Digest: "d"}
	box := func(text string, ticked bool) []spec.Criterion { return []spec.Criterion{{Text: text, Ticked: ticked}} }
	tests := []struct {
		name    string
		was, is spec.Spec
		want    string
	}{
		{"nothing", spec.Spec{}, spec.Spec{}, ""},
		{"prose, labels and dependencies", spec.Spec{}, spec.Spec{Title: "T", Meta: spec.Meta{Labels: []string{"x"}, DependsOn: []spec.Item{{Value: "1"}}}}, ""},
		{"paused", spec.Spec{}, spec.Spec{Meta: spec.Meta{Status: spec.StatusPaused}}, ""},
		{"completed", spec.Spec{}, spec.Spec{Meta: spec.Meta{Status: spec.StatusCompleted}}, "a completion"},
		{"completed at", spec.Spec{}, spec.Spec{Meta: spec.Meta{CompletedAt: now}}, "a completion"},
		{"reopened", spec.Spec{Meta: spec.Meta{Status: spec.StatusCompleted}}, spec.Spec{}, ""},
		{"commits", spec.Spec{}, spec.Spec{Meta: spec.Meta{Commits: []string{"c"}}}, "commits"},
		{"attested", spec.Spec{}, spec.Spec{Meta: spec.Meta{Attested: []spec.Attestation{{By: "A"}}}}, "an attestation"},
		{"a new gate", spec.Spec{}, spec.Spec{Meta: spec.Meta{Approval: gate}}, ""},
		{"approved", spec.Spec{Meta: spec.Meta{Approval: gate}}, spec.Spec{Meta: spec.Meta{Approval: approved}}, "another approval"},
		{"no gate", spec.Spec{Meta: spec.Meta{Approval: gate}}, spec.Spec{}, "another approval"},
		{"skipped", spec.Spec{}, spec.Spec{Meta: spec.Meta{Skipped: spec.Skip{Reason: "r"}}}, "a reason to skip it"},
		{"ticked", spec.Spec{Criteria: box("a", false)}, spec.Spec{Criteria: box("a", true)}, "a tick"},
		{"ticked under another name", spec.Spec{Criteria: box("a", true)}, spec.Spec{Criteria: box("b", true)}, "a tick"},
		{"unticked", spec.Spec{Criteria: box("a", true)}, spec.Spec{Criteria: box("a", false)}, ""},
	}
	for _, tt := range tests {
		if got := forgery(&tt.was, &tt.is); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

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
