package prove

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"chant/runner/check"
	"chant/runner/record"
	"chant/runner/testlog"
)

// testNames are the tests that failed in red. Every pass has to show that they passed:
// an exit status of 0 alone is also that of a skipped test, and of a program that ended
// before its test.
type testNames struct {
	red    map[string]testlog.RunnerReport // of the first stated failure, by runner
	failed map[string][]string             // in any stated failure, by runner
	passes int
	passed map[string]int // in how many passes each test was seen to pass
	heard  bool           // go test printed which tests it runs
	unseen bool           // a pass did not name a test that failed in red, only counts speak for it
}

func newTestNames() *testNames {
	return &testNames{failed: map[string][]string{}, passed: map[string]int{}}
}

// byRunner joins the reports of each runner.
func byRunner(reports []testlog.RunnerReport) map[string]testlog.RunnerReport {
	joined := map[string]testlog.RunnerReport{}
	for _, r := range reports {
		all := joined[r.Runner]
		counts := maps.Clone(r.Counts)
		for result, n := range all.Counts {
			counts[result] += n
		}
		joined[r.Runner] = testlog.RunnerReport{
			Runner: r.Runner, Events: slices.Concat(all.Events, r.Events), Counts: counts, Running: slices.Concat(all.Running, r.Running),
			Died: all.Died || r.Died,
		}
	}
	return joined
}

// fail notes a stated failure. It returns what the passes so far do not show of the
// tests that failed now for the first time; "" if they show it.
func (t *testNames) fail(run check.JudgedRun) (missing string) {
	reports := byRunner(run.Observation.Reports)
	if t.red == nil {
		t.red, t.heard = reports, strings.Contains(run.Observation.Output, "=== RUN ")
	}
	for runner, r := range reports {
		for _, name := range slices.Concat(r.Names(testlog.Failed), r.Running) {
			if slices.Contains(t.failed[runner], name) {
				continue
			}
			t.failed[runner] = append(t.failed[runner], name)
			if t.passes > 0 && t.passed[runner+"\n"+name] < t.passes && !t.covered(runner, name) {
				missing = notSeen(name)
			}
		}
	}
	return missing
}

// examine turns a pass that does not show the tests into a run that tells nothing.
func (t *testNames) examine(run check.JudgedRun) check.JudgedRun {
	if run.Outcome != record.Held || t.red == nil {
		return run
	}
	reports := byRunner(run.Observation.Reports)
	for _, runner := range slices.Sorted(maps.Keys(t.red)) {
		if why := t.missing(runner, reports[runner]); why != "" {
			run.Outcome, run.Why = record.NoTest, why
			return run
		}
	}
	t.passes++
	for runner, r := range reports {
		for _, name := range r.Names(testlog.Passed) {
			t.passed[runner+"\n"+name]++
		}
	}
	return run
}

// goTest is the runner whose counts are of packages, not of tests.
const goTest = "go test"

// missing says what a pass does not show of the tests of a runner; "" if it shows
// everything.
func (t *testNames) missing(runner string, pass testlog.RunnerReport) string {
	unnamed := len(t.failed[runner]) == 0
	for _, name := range t.failed[runner] {
		switch result := resultOf(pass, name); {
		case result == testlog.Skipped || result == testlog.ExpectedFailure:
			return fmt.Sprintf("%s, which failed at base, is not run: %s", name, result)
		case result != "" || t.covered(runner, name):
		case pass.NamesPasses(), runner == goTest && t.heard:
			return notSeen(name)
		case runner == goTest:
			return notSeen(name) + " (go test names what passes only with -v; " +
				"the proof asks for it by GOFLAGS, which the check does not let through)"
		default:
			unnamed = true
		}
	}
	red := t.red[runner]
	switch {
	case pass.Counts[testlog.Passed] == 0:
		return fmt.Sprintf("nothing shows that %s ran a test, as it did at base", runner)
	case !unnamed || !failedIn(red):
		return ""
	case pass.Counts[testlog.Passed] <= red.Counts[testlog.Passed] && !red.Died:
		return fmt.Sprintf(uncounted+"counts no more passed tests than there", runner)
	case idle(pass) > idle(red):
		return fmt.Sprintf(uncounted+"counts more tests that were skipped, or had to fail", runner)
	}
	t.unseen = true
	return ""
}

const uncounted = "nothing shows that the test which failed at base passed: %s "

func idle(r testlog.RunnerReport) int {
	return r.Counts[testlog.Skipped] + r.Counts[testlog.ExpectedFailure]
}

func notSeen(name string) string {
	return fmt.Sprintf("nothing shows that %s, which failed at base, ran and passed", name)
}

func failedIn(r testlog.RunnerReport) bool { return r.Died || r.Counts[testlog.Failed] > 0 }

// resultOf returns what became of a test; "" if the report does not name it. Output that
// was cut off names a test without its package.
func resultOf(r testlog.RunnerReport, name string) testlog.Result {
	for _, e := range slices.Backward(r.Events) {
		if e.Test == name || strings.HasSuffix(e.Test, "."+name) {
			return e.Result
		}
	}
	return ""
}

// covered tells that a test is part of another one that failed. It may have another name
// in each run, and the other passes only if it does.
func (t *testNames) covered(runner, name string) bool {
	return slices.ContainsFunc(t.failed[runner], func(other string) bool { return strings.HasPrefix(name, other+"/") })
}

// evidence says what the passes show the tests by.
func (t *testNames) evidence() record.ProofEvidence {
	best := record.ByStatus
	for runner, r := range t.red {
		switch {
		case !failedIn(r):
		case t.unseen || len(t.failed[runner]) == 0:
			return record.ByCounts
		default:
			best = record.ByNames
		}
	}
	return best
}
