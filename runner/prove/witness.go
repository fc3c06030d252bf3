package prove

import (
	"fmt"
	"strings"

	"chant/runner/check"
	"chant/runner/record"
	"chant/runner/testlog"
)

// A witness is the first stated failure of the test: what its runners showed in
// it, they have to show in every pass. An exit of 0 alone is also that of a test
// which was skipped, and of a program that ended before it came to the test.
type witness struct {
	runners []testlog.Reader // that spoke
	tests   *testlog.Verbose
}

func newWitness(j check.Judge, failure check.JudgedRun) *witness {
	w := &witness{tests: failure.Observation.Tests}
	for _, r := range j.Runners {
		if r.Read(testlog.UnixLines(failure.Observation.Output)) != (testlog.Report{}) {
			w.runners = append(w.runners, r)
		}
	}
	return w
}

// examine makes a pass that shows no test a run that tells nothing.
func (w *witness) examine(end check.JudgedRun) check.JudgedRun {
	if w == nil || end.Outcome != record.Held {
		return end
	}
	if why := w.missing(end); why != "" {
		end.Outcome, end.Why = record.NoTest, why
	}
	return end
}

// missing says what a pass does not show; "" where that is nothing.
func (w *witness) missing(pass check.JudgedRun) string {
	for _, name := range w.tests.Failures() {
		switch {
		case pass.Observation.Tests.Skipped[name]:
			return name + ", which failed at base, was skipped"
		case isLasting(name) && !pass.Observation.Tests.Passed[name]:
			return fmt.Sprintf("nothing shows that %s, which failed at base, ran and passed", name) + w.unheard()
		}
	}
	for _, r := range w.runners {
		if !r.Read(testlog.UnixLines(pass.Observation.Output)).Ran {
			return fmt.Sprintf("nothing shows that %s ran a test, as it did at base", r.Runner)
		}
	}
	return ""
}

// isLasting tells whether a test that passes is named as it was when it failed.
// A subtest can be called otherwise in each run; of a benchmark there are only
// numbers.
func isLasting(name string) bool {
	return !strings.Contains(name, "/") && !strings.HasPrefix(name, "Benchmark")
}

// unheard says why go test does not name the tests that pass.
func (w *witness) unheard() string {
	if w.tests.Heard {
		return ""
	}
	return " (go test names what passes only with -v; the proof asks for it by GOFLAGS, which the check does not let through)"
}
