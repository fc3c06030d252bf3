package check

import (
	"fmt"
	"syscall"

	"chant/runner/process"
	"chant/runner/record"
	"chant/runner/testlog"
	"chant/spec"
)

// Exit codes with which a shell reports that it could not start or find a command, or that
// signal n killed it: 128+n (POSIX.1-2017, XCU 2.8.2).
const (
	exitCannotExecute = 126
	exitNotFound      = 127
	exitSignalBase    = 128
	exitSignalMax     = exitSignalBase + 31
)

// Observation is everything that Judge needs to know about one run of a check.
type Observation struct {
	Result   process.Result
	Output   string                 // head and tail, masked
	matched  bool                   // match= was found in the whole output
	unwanted bool                   // nomatch= was found in the whole output
	Digest   string                 // of the whole output, masked
	Reports  []testlog.RunnerReport // what test runners said; nil: read the output
	Unread   string                 // why the JUnit XML that junit= asks for could not be read; "" if it could
}

// Judge turns observations into outcomes.
type Judge struct {
	Runners testlog.Readers
}

// Outcome returns the outcome of one run of the check c, and the reason for it in a few
// words. The reason of a Held names the tests that were skipped, if any.
func (j Judge) Outcome(c *spec.Check, o Observation) (record.Outcome, string) {
	r := o.Result
	if o.Reports == nil {
		o.Reports, _ = j.Runners.Reports(o.Output) // without JUnit XML there is no error
	}
	switch {
	case r.Cancelled:
		return record.Interrupted, "interrupted"
	case r.Err != nil && r.Started.IsZero():
		return record.NotStarted, record.OneLine(r.Err)
	case r.Err != nil: // it ran, but could not be killed or read completely
		return record.NotHeld, record.OneLine(r.Err)
	case r.TimedOut:
		return judgeTimeout(c, o)
	case r.Signal != 0:
		return record.Killed, "killed by signal: " + r.Signal.String()
	}
	if out, why := inconclusive(c, o); out != record.Held {
		return out, why
	}
	named := r.Exit != 0 && c.Match != nil && o.matched // the failure itself is what match asks for
	if !named {
		if o.Unread != "" && (r.Exit == 0 || c.ExpectFail) {
			return record.NoTest, o.Unread
		}
		if out, why := unproven(o.Reports, r.Exit); out != record.Held {
			return out, why
		}
	}
	if why := wrongExit(c, r.Exit); why != "" {
		return record.NotHeld, why
	}
	if out, why := judgeOutput(c, o); out != record.Held {
		return out, why
	}
	switch {
	case r.Exit == 0:
		return judgePass(o.Reports)
	case c.ExpectFail && !named:
		return judgeFailure(o.Reports)
	}
	return record.Held, ""
}

func judgeTimeout(c *spec.Check, o Observation) (record.Outcome, string) {
	if !c.MatchTimeout {
		return record.TimedOut, fmt.Sprintf("timed out after %s", c.Timeout)
	}
	return judgeOutput(c, o)
}

// inconclusive returns the outcome of a run that shows nothing, whatever exit code is
// expected: a command could not start, or was killed. It returns Held for all other runs,
// and for a run with the exact exit code that is expected.
func inconclusive(c *spec.Check, o Observation) (record.Outcome, string) {
	code := o.Result.Exit
	if c.Exit == nil || code != *c.Exit {
		switch {
		case code == exitCannotExecute || code == exitNotFound:
			return record.NotStarted, fmt.Sprintf("exit %d: a command could not be started", code)
		case code > exitSignalBase && code <= exitSignalMax:
			return record.Killed, fmt.Sprintf("exit %d: a command was killed by signal: %s", code, syscall.Signal(code-exitSignalBase))
		}
	}
	return record.Held, ""
}

// wrongExit returns what is wrong with an exit code, or "" if it is right.
func wrongExit(c *spec.Check, code int) string {
	switch {
	case c.Exit != nil && code != *c.Exit:
		return fmt.Sprintf("exit %d, want %d", code, *c.Exit)
	case c.Exit != nil:
		return ""
	case c.ExpectFail && code == 0:
		return "passed, but was expected to fail"
	case !c.ExpectFail && code != 0:
		return fmt.Sprintf("exit %d", code)
	}
	return ""
}

func judgeOutput(c *spec.Check, o Observation) (record.Outcome, string) {
	failed := record.NotHeld
	if c.ExpectFail {
		failed = record.WrongReason
	}
	if c.Match != nil && !o.matched {
		return failed, fmt.Sprintf("the output does not match %q", c.Match)
	}
	if c.NoMatch != nil && o.unwanted {
		return failed, fmt.Sprintf("the output matches %q, but must not", c.NoMatch)
	}
	return record.Held, ""
}
