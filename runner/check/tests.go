package check

import (
	"fmt"
	"strings"

	"chant/runner/record"
	"chant/runner/testlog"
)

// unproven returns the outcome of a run that shows nothing, whatever exit code is expected,
// by what test runners say: tests could not be built or collected, or none ran. It returns
// Held for all other runs.
func unproven(reports []testlog.RunnerReport, exit int) (record.Outcome, string) {
	var idle *testlog.RunnerReport
	tested := false
	for i, r := range reports {
		switch {
		case exit != 0 && r.Broken != "":
			return record.NotStarted, "could not build: " + strings.TrimSpace(r.Broken)
		case ran(r) || r.Died || r.Broken != "":
			tested = true
		case r.Ended && idle == nil:
			idle = &reports[i]
		}
	}
	if idle == nil || tested {
		return record.Held, ""
	}
	return record.NoTest, testedNothing(*idle)
}

func ran(r testlog.RunnerReport) bool { return r.Counts[testlog.Passed]+r.Counts[testlog.Failed] > 0 }

func testedNothing(r testlog.RunnerReport) string {
	why := r.Runner + " tested nothing"
	if line := strings.TrimSpace(r.Line); line != "" {
		why += ": " + line
	}
	if names := append(r.Names(testlog.Skipped), r.Names(testlog.ExpectedFailure)...); len(names) > 0 {
		why += " (" + record.Some(names) + ")"
	}
	return why
}

// judgePass judges a command that ended with 0 by what each test runner in it says. If it
// held, the reason names the tests that say nothing.
func judgePass(reports []testlog.RunnerReport) (record.Outcome, string) {
	var notes []string
	for _, r := range reports {
		switch {
		case r.Died:
			return record.NotHeld, r.Runner + " ended in the middle, with exit 0" + which(": ", r.Running)
		case !r.Ended:
			continue // not a summary of this runner
		case r.Counts[testlog.Rerun] > 0:
			return record.NotHeld, r.Runner + ": a test failed, and was run again" + which(": ", r.Names(testlog.Rerun))
		case r.Counts[testlog.Failed] > 0:
			return record.NotHeld, r.Runner + ": a test failed, but the command ended with 0" + which(": ", r.Names(testlog.Failed))
		case r.Broken != "":
			return record.NotHeld, "could not build, but the command ended with 0: " + strings.TrimSpace(r.Broken)
		case !ran(r):
			return record.NoTest, testedNothing(r)
		}
		for _, result := range []testlog.Result{testlog.Skipped, testlog.ExpectedFailure} {
			if n := r.Counts[result]; n > 0 {
				notes = append(notes, fmt.Sprintf("%s: %d %s%s", r.Runner, n, result, which(": ", r.Names(result))))
			}
		}
	}
	return record.Held, strings.Join(notes, "; ")
}

// judgeFailure judges a command that failed, as is expected, by what test runners say: a test
// must have run and failed. One that ended its runner has.
func judgeFailure(reports []testlog.RunnerReport) (record.Outcome, string) {
	var passed []string
	for _, r := range reports {
		switch {
		case r.Died || r.Counts[testlog.Failed] > 0:
			return record.Held, ""
		case r.Ended:
			passed = append(passed, fmt.Sprintf("%s: %d passed", r.Runner, r.Counts[testlog.Passed]))
		}
	}
	if len(passed) == 0 {
		return record.Held, ""
	}
	return record.WrongReason, "the command failed, but no test did (" + strings.Join(passed, ", ") + ")"
}

func which(before string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return before + record.Some(names)
}
