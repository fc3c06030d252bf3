package cmd

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner"
	"chant/runner/project"
	"chant/runner/record"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	several, live := board(t) // 002 failed, and may be run again
	single := projectOf(t, map[string]string{".chant/specs/001.md": "# A\n", ".chant/specs/002.md": "---\ndepends_on: [001]\n---\n"})
	both := projectOf(t, map[string]string{".chant/specs/001.md": "# A\n", ".chant/specs/002.md": "# B\n"})
	none := projectOf(t, map[string]string{".chant/specs/001.md": "---\nstatus: paused\n---\n"})
	for _, tt := range []struct {
		name    string
		project *project.Project
		live    runner.Live
		queries []string
		all     bool
		want    string
		code    int
	}{
		{"the only one", single, runner.Live{}, nil, false, "001", 0},
		{"the failed one", several, live, nil, false, "002", 0},
		{"several", both, runner.Live{}, nil, false, "", ExitUsage},
		{"all", both, runner.Live{}, nil, true, "001 002", 0},
		{"none", none, runner.Live{}, nil, false, "", ExitNotYet},
		{"none of all", none, runner.Live{}, nil, true, "", ExitNotYet},
		{"named, in order, once", single, runner.Live{}, []string{"002", "001", "2"}, false, "001 002", 0},
		{"unknown", single, runner.Live{}, []string{"001", "zzz"}, false, "", ExitNotYet},
		{"ambiguous", single, runner.Live{}, []string{"00"}, false, "", ExitUsage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			specs, err := (&App{}).choose(tt.project, tt.live, tt.queries, tt.all)
			var got []string
			for _, s := range specs {
				got = append(got, s.ID)
			}
			if strings.Join(got, " ") != tt.want || exitCode(err) != tt.code {
				t.Errorf("got %v, error %v; want %q and exit %d", got, err, tt.want, tt.code)
			}
		})
	}
}

func TestRunResult(t *testing.T) {
	t.Parallel()
	criteria := []record.Result{{Number: 1, Outcome: record.Held}, {Number: 2, Outcome: record.Unattested},
		{Number: 4, Outcome: record.Unattested}}
	for _, tt := range []struct {
		ev       record.Evidence
		noCommit bool
		want     string
	}{
		{record.Evidence{Verdict: record.Completed, Commits: []string{"a", "0123456789abcdef"}}, false,
			"completed 002 1/3 commit 0123456789ab\n"},
		{record.Evidence{Verdict: record.Completed}, false, "completed 002 1/3 nothing to commit\n"},
		{record.Evidence{Verdict: record.AllHeld}, true, "held 002 1/3 not completed because of --no-commit\n"},
		{record.Evidence{Verdict: record.Waiting}, false, "waiting 002 1/3 for a person to attest: chant attest 002 2 4 -m NOTE\n"},
		{record.Evidence{Verdict: record.Failed}, false, "failed 002 1/3\n"},
		{record.Evidence{Verdict: record.Failed, Reason: "line 9: odd \x1b[2J"}, false, "failed 002 1/3 line 9: odd ^[[2J\n"},
	} {
		tt.ev.Spec, tt.ev.Criteria = "002", criteria
		var b strings.Builder
		v := &view{s: newScreen(&b, nil)}
		v.result(tt.ev, tt.noCommit)
		if diff := cmp.Diff(tt.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.ev.Verdict, diff)
		}
	}
}

// A signal between two specs must not look like a complete run.
func TestStopped(t *testing.T) {
	t.Parallel()
	sig := SignalError{syscall.SIGTERM}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(sig)
	for _, errs := range [][]error{nil, {statusError(ExitNotHeld)}, {statusError(ExitNotHeld), sig}} {
		err := stopped(ctx, errs)
		if code := exitCode(err); code != 143 {
			t.Errorf("%v: exit %d", errs, code)
		}
		if n := strings.Count(err.Error(), sig.Error()); n != 1 {
			t.Errorf("%v: told %d times", errs, n)
		}
	}
}

func TestShowLog(t *testing.T) {
	t.Parallel()
	failed := record.Evidence{ID: "r1", Verdict: record.Failed, DurationMS: 1500, Commit: "0123456789abcdef", Reason: "why",
		Criteria: []record.Result{
			{Number: 1, Text: "One", Outcome: record.NotHeld, Reason: "exit 1", Check: &record.CheckResult{Planned: 1, Runs: 1, Output: "bad\n"}},
		}}
	held := record.Evidence{ID: "r2", Verdict: record.Completed, Criteria: []record.Result{
		{Number: 1, Text: "One", Outcome: record.Held, Check: &record.CheckResult{Planned: 1, Runs: 1, HeldRuns: 1, Output: "fine\x1b[2J\n"}},
	}}
	var out strings.Builder
	if err := (&App{Out: &out}).showLog([]record.Evidence{failed, held}, held); err != nil {
		t.Fatal(err)
	}
	const want = `r1  failed     0/1  1.5s  0123456789ab  why
r2  completed  1/1  0s

run r2
  ✓ 1. One — passed 1/1, 0.0s
      | fine^[[2J
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	err := (&App{Out: &full{0}}).showLog([]record.Evidence{failed}, failed)
	if !errors.Is(err, errFull) {
		t.Errorf("a full disk gives %v", err)
	}
}

func TestShowSpec(t *testing.T) {
	t.Parallel()
	p, live := board(t)
	var out strings.Builder
	s := p.Set.Order()[2]
	showJSON{"", specRow(p, s, live), criteriaOf(s)}.show(newScreen(&out, nil))
	const want = `002 Reproduce
state         failed
file          .chant/specs/002.md
type          code
phase         reproduction
depends on    001
target files  a/**

 1 [x] One
       sh: passes
       $ true

 2 [ ] Two
       manual: a person has to attest it
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}
