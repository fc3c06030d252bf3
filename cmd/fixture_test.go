package cmd

import (
	"maps"
	"slices"
	"testing"
	"time"

	"chant/runner"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
	"chant/storage"
)

// fixedTime is the current time of these tests.
func fixedTime() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// hostile is text that must not be shown unescaped.
const hostile = "\x1b[2J\u202e\x00]]>&<\"'|`@ada#1::error::\r\n%0A*_"

// projectOf returns a project of specs by their paths.
func projectOf(t *testing.T, files map[string]string) *project.Project {
	t.Helper()
	p := &project.Project{Problems: map[string]spec.Problems{}}
	var specs []*spec.Spec
	for _, path := range slices.Sorted(maps.Keys(files)) {
		s, problems := spec.Parse(path, []byte(files[path]))
		specs = append(specs, s)
		p.Problems[path] = problems
	}
	p.Set = spec.NewSet(specs)
	return p
}

// board is a small project with a spec in most states.
func board(t *testing.T) (*project.Project, runner.Live) {
	t.Helper()
	const criteria = "\n## Acceptance Criteria\n\n- [x] One\n  ```sh check\n  true\n  ```\n- [ ] Two\n"
	p := projectOf(t, map[string]string{
		".chant/specs/001.md": "---\nstatus: completed\ncompleted_at: 2026-01-01T00:00:00Z\ncommits: [0123456789abcdef]\n---\n" +
			"# Understand\n" + criteria,
		".chant/specs/002.md":   "---\ndepends_on: [001]\ntype: code\nphase: reproduction\ntarget_files: [a/**]\n---\n# Reproduce\n" + criteria,
		".chant/specs/003.md":   "---\ndepends_on: [002]\n---\n# Find\n",
		".chant/specs/004.md":   "---\nstatus: [\n---\n# Bad\n",
		".chant/specs/005.md":   "# Running\n",
		".chant/specs/006.md":   "---\nstatus: paused\n---\n# Paused\n",
		".chant/archive/000.md": "---\nstatus: completed\n---\n# Old\n",
	})
	live := runner.Live{
		Facts: spec.Live{
			Running: map[string]bool{"005": true}, Failed: map[string]bool{"002": true}, Invalid: p.Invalid(),
		},
		Holders: map[string]storage.Holder{"005": {PID: 7, Host: "here", Since: fixedTime(), Command: "chant run 005"}},
		Last: map[string]record.Evidence{"002": {
			ID: "r1", Spec: "002", Started: fixedTime(), Verdict: record.Failed,
			Criteria: []record.Result{
				{Number: 1, Text: "One", Outcome: record.Held},
				{Number: 2, Text: "Two", Outcome: record.NotHeld, Reason: "exit 1"},
			},
		}},
	}
	return p, live
}
