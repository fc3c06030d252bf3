package runner

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

func TestMarkCompleted(t *testing.T) {
	t.Parallel()
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name, in string
		commits  []string
		want     string
	}{
		{"from pending", "---\nstatus: pending\n---\n# T\n", []string{"1234567890123456789012345678901234567890"},
			"---\nstatus: completed\ncompleted_at: 2026-01-02T03:04:05Z\ncommits:\n- \"1234567890123456789012345678901234567890\"\n---\n# T\n"},
		{"again", "---\nstatus: completed\ncompleted_at: 2020-01-01T00:00:00Z # when\ncommits: [a1]\nx: y\n---\n", []string{"b2", "c3"},
			"---\nstatus: completed\ncompleted_at: 2026-01-02T03:04:05Z # when\ncommits:\n- b2\n- c3\nx: y\n---\n"},
		{"nothing to list", "---\nstatus: pending\ncommits: [a1]\n---\n", nil,
			"---\nstatus: completed\ncommits: [a1]\ncompleted_at: 2026-01-02T03:04:05Z\n---\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := markCompleted([]byte(tt.in), when, tt.commits, "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(out)); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
			s, problems := spec.Parse("x.md", out)
			if err := problems.Err(); err != nil || s.Status != spec.StatusCompleted || !s.CompletedAt.Equal(when) {
				t.Errorf("reads as %s at %s, error %v", s.Status, s.CompletedAt, err)
			}
		})
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	a := &attempt{project: &project.Project{}, spec: specOf(t, "# Reproduce it\n\n## Acceptance Criteria\n\n- [ ] A\n- [ ] B\n")}
	const trailers = "\n\nChant-Spec: 002-reproduction\nChant-Criteria: 2/2\n"
	for _, tt := range []struct{ got, want string }{
		{a.message(RunOptions{}), "chant(002-reproduction): Reproduce it" + trailers},
		{a.message(RunOptions{Message: "Fail for the lost update"}), "chant(002-reproduction): Fail for the lost update" + trailers},
		{a.closing(), "chant(002-reproduction): complete" + trailers},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("message (-want +got):\n%s", diff)
		}
	}
}

func TestAttest(t *testing.T) {
	t.Parallel()
	const src = `---
attested:
  - criterion: By eye
    by: Old
    at: 2020-01-01T00:00:00Z
    note: then
---
# T

## Acceptance Criteria

- [ ] By eye
- [ ] By command
  ` + "```sh check\n  true\n  ```\n"
	s := specOf(t, src)
	for _, numbers := range [][]int{{0}, {3}, {-1}, {2}, {1, 2}} {
		if list, err := manual(s, numbers); !isUsage(err) {
			t.Errorf("%v: got %v, error %v", numbers, list, err)
		}
	}
	list, err := manual(s, []int{1})
	if err != nil {
		t.Fatal(err)
	}
	out, err := attest([]byte(src), s, list, spec.Attestation{By: "Ada", At: fixedTime(), Note: "looked"})
	if err != nil {
		t.Fatal(err)
	}
	now := specOf(t, string(out))
	want := []spec.Attestation{{Criterion: "By eye", By: "Ada", At: fixedTime(), Note: "looked"}}
	if diff := cmp.Diff(want, now.Attested); diff != "" {
		t.Errorf("attested (-want +got):\n%s", diff)
	}
	if !now.Criteria[0].Ticked || now.Criteria[1].Ticked {
		t.Errorf("ticked %v and %v, want the first alone", now.Criteria[0].Ticked, now.Criteria[1].Ticked)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		outcomes []record.Outcome
		want     record.Verdict
	}{
		{nil, record.AllHeld},
		{[]record.Outcome{record.Held, record.Attested}, record.AllHeld},
		{[]record.Outcome{record.Held, record.Unattested}, record.Waiting},
		{[]record.Outcome{record.NotHeld, record.Unattested}, record.Failed},
		{[]record.Outcome{record.Unattested, record.NoTest}, record.Failed},
	} {
		var results []record.Result
		for _, o := range tt.outcomes {
			results = append(results, record.Result{Outcome: o})
		}
		if got := summary(results); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.outcomes, got, tt.want)
		}
	}
}
