package verify

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/completion"
	"chant/runner/git"
	"chant/runner/project"
	"chant/spec"
)

const finished = `---
status: completed
attested:
  - {criterion: Seen by a person, by: Ada, at: 2026-01-02T03:04:05Z, note: n}
---
# T

## Acceptance Criteria

- [x] Decided by a command
  ` + "```sh check\n  true\n  ```" + `
- [x] Seen by a person
- [x] Seen by nobody
- [ ] Not done
`

func TestFindings(t *testing.T) {
	t.Parallel()
	s := specOf(t, finished)
	bare := specOf(t, "# T\n")
	committed, changed := state{committed: true}, state{committed: true, changed: true}
	shallow := state{completion: completion.Completion{Err: git.ErrShallow}}
	group := state{committed: true, group: true}
	for _, tt := range []struct {
		name string
		spec *spec.Spec
		now  state
		want []string
	}{
		{"as completed", s, committed, []string{"unproven 3:15", "unticked 4:16"}},
		{"edited since", s, changed, []string{"changed-since-completion 0:1", "unproven 3:15", "unticked 4:16"}},
		{"never committed", s, state{}, []string{"completion-not-committed 0:1", "unproven 3:15", "unticked 4:16"}},
		{"history is missing", bare, shallow, []string{"history-missing 0:1", "no-criteria 0:1"}},
		{"no criteria", bare, committed, []string{"no-criteria 0:1"}},
		{"a group's own", bare, group, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range findings(tt.spec, tt.now) {
				got = append(got, fmt.Sprintf("%s %d:%d", f.Rule, f.Criterion, f.Line))
				if f.Text == "" {
					t.Errorf("%s says nothing", f.Rule)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// projectOf is a project of specs by their paths.
func projectOf(t *testing.T, files map[string]string) *project.Project {
	t.Helper()
	p := &project.Project{Root: t.TempDir(), Problems: map[string]spec.Problems{}}
	var specs []*spec.Spec
	for path, text := range files {
		s, problems := spec.Parse(path, []byte(text))
		specs = append(specs, s)
		p.Problems[path] = problems
	}
	p.Set = spec.NewSet(specs)
	return p
}

func TestSelected(t *testing.T) {
	t.Parallel()
	p := projectOf(t, map[string]string{
		".chant/specs/001.md":   status("completed"),
		".chant/specs/002.md":   status("pending"),
		".chant/specs/003.md":   status("completed"),
		".chant/specs/004.md":   "---\nstatus: [\n---\n",
		".chant/archive/000.md": status("completed"),
	})
	for _, tt := range []struct {
		opts Options
		want []string // nil: nothing to verify
	}{
		{Options{}, []string{"000", "001", "003", "004"}},
		{Options{IDs: []string{"003", "001"}}, []string{"001", "003"}},
		{Options{IDs: []string{"004"}}, []string{"004"}},
		{Options{IDs: []string{"002"}}, nil},
		{Options{IDs: []string{"001", "002"}}, nil},
		{Options{IDs: []string{"001", "404"}}, nil},
		{Options{Shard: Shard{2, 2}}, []string{"001", "004"}},
		{Options{Shard: Shard{5, 5}}, nil},
	} {
		specs, err := (&verification{project: p}).selected(tt.opts)
		var got []string
		for _, s := range specs {
			got = append(got, s.ID)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.opts, diff)
		}
		if (tt.want == nil) != errors.Is(err, ErrNothingToVerify) {
			t.Errorf("%+v: got error %v", tt.opts, err)
		}
	}
}

func specOf(t *testing.T, text string) *spec.Spec {
	t.Helper()
	s, problems := spec.Parse(".chant/specs/002-reproduction.md", []byte(text))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

func status(word string) string { return "---\nstatus: " + word + "\n---\n# T\n" }
