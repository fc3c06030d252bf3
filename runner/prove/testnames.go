package prove

import (
	"fmt"
	"strings"

	"chant/runner/check"
	"chant/runner/record"
	"chant/runner/testlog"
)

// testNames are the tests and runners of the first stated failure. Every pass has
// to show them too: an exit status of 0 alone is also that of a skipped test, and
// of a program that ended before its test.
type testNames struct {
	runners []testlog.Reader // that reported something
	tests   *testlog.Verbose
}

func newTestNames(j check.Judge, failure check.JudgedRun) *testNames {
	t := &testNames{tests: failure.Observation.Tests}
	for _, r := range j.Runners {
		if r.Read(testlog.UnixLines(failure.Observation.Output)) != (testlog.Report{}) {
			t.runners = append(t.runners, r)
		}
	}
	return t
}

// examine turns a pass that shows no test into a run that tells nothing.
func (t *testNames) examine(run check.JudgedRun) check.JudgedRun {
	if t == nil || run.Outcome != record.Held {
		return run
	}
	if why := t.missing(run); why != "" {
		run.Outcome, run.Why = record.NoTest, why
	}
	return run
}

// missing says what a pass does not show; "" if it shows everything.
func (t *testNames) missing(pass check.JudgedRun) string {
	for _, name := range t.tests.Failures() {
		switch {
		case pass.Observation.Tests.Skipped[name]:
			return name + ", which failed at base, was skipped"
		case strings.Contains(name, "/") || strings.HasPrefix(name, "Benchmark"):
			// A subtest may have another name in each run, and a benchmark that passes
			// prints only numbers.
		case !pass.Observation.Tests.Passed[name]:
			why := fmt.Sprintf("nothing shows that %s, which failed at base, ran and passed", name)
			if !t.tests.Heard {
				why += " (go test names what passes only with -v; the proof asks for it by GOFLAGS, which the check does not let through)"
			}
			return why
		}
	}
	for _, r := range t.runners {
		if !r.Read(testlog.UnixLines(pass.Observation.Output)).Ran {
			return fmt.Sprintf("nothing shows that %s ran a test, as it did at base", r.Runner)
		}
	}
	return ""
}
