package check

import (
	"fmt"
	"syscall"

	"chant/runner/process"
	"chant/runner/record"
	"chant/runner/testlog"
	"chant/spec"
)

// Shells report that they could not find or start a command by these codes,
// and a child's death by signal n as 128+n (POSIX.1-2017, XCU 2.8.2).
const (
	exitCannotExecute = 126
	exitNotFound      = 127
	exitSignalBase    = 128
	exitSignalMax     = exitSignalBase + 31
)

// Observation is what one run of a check gave.
type Observation struct {
	Result   process.Result
	Output   string           // as kept: head and tail
	matched  bool             // the whole output matched match=
	offended bool             // the whole output matched nomatch=
	Digest   string           // of the whole output, masked
	Tests    *testlog.Verbose // what go test told of each test, where a proof asked it to
}

// Judge turns observations into outcomes, as a pure function of them.
type Judge struct {
	Runners testlog.Readers
}

// Outcome decides what one observation of the check c means, and why, in a few
// words; the words are empty for a plain Held.
func (j Judge) Outcome(c *spec.Check, o Observation) (record.Outcome, string) {
	r := o.Result
	switch {
	case r.Cancelled:
		return record.Interrupted, "interrupted"
	case r.Err != nil && r.Started.IsZero():
		return record.NotStarted, record.OneLine(r.Err)
	case r.Err != nil: // it ran, and something of it could not be ended or read
		return record.NotHeld, record.OneLine(r.Err)
	case r.TimedOut:
		return judgeTimeout(c, o)
	case r.Signal != 0:
		return record.Killed, "killed by signal: " + r.Signal.String()
	}
	if out, why := j.unfit(c, o); out != record.Held {
		return out, why
	}
	if why := unwanted(c, r.Exit); why != "" {
		return record.NotHeld, why
	}
	return judgeText(c, o)
}

func judgeTimeout(c *spec.Check, o Observation) (record.Outcome, string) {
	if !c.MatchTimeout {
		return record.TimedOut, fmt.Sprintf("timed out after %s", c.Timeout)
	}
	return judgeText(c, o)
}

// unfit finds the runs that tell nothing, whatever their exit was to be: a
// command did not come to its end, was never built or tested nothing. A failure
// for the stated reason tells what it was asked to, and so does a stated code.
func (j Judge) unfit(c *spec.Check, o Observation) (record.Outcome, string) {
	code := o.Result.Exit
	if c.Exit == nil || code != *c.Exit {
		switch {
		case code == exitCannotExecute || code == exitNotFound:
			return record.NotStarted, fmt.Sprintf("exit %d: a command could not be started", code)
		case code > exitSignalBase && code <= exitSignalMax:
			return record.Killed, fmt.Sprintf("exit %d: a command was killed by signal: %s", code, syscall.Signal(code-exitSignalBase))
		}
	}
	if code != 0 {
		if c.Match != nil && o.matched {
			return record.Held, ""
		}
		if why := j.Runners.Unbuilt(o.Output); why != "" {
			return record.NotStarted, why
		}
	}
	if why := j.Runners.Untested(o.Output); why != "" {
		return record.NoTest, why
	}
	return record.Held, ""
}

// unwanted says what is wrong with an exit code; "" where nothing is.
func unwanted(c *spec.Check, code int) string {
	switch {
	case c.Exit != nil && code != *c.Exit:
		return fmt.Sprintf("exit %d, want %d", code, *c.Exit)
	case c.Exit != nil:
		return ""
	case c.ExpectFail && code == 0:
		return "passed, and should fail"
	case !c.ExpectFail && code != 0:
		return fmt.Sprintf("exit %d", code)
	}
	return ""
}

func judgeText(c *spec.Check, o Observation) (record.Outcome, string) {
	failed := record.NotHeld
	if c.ExpectFail {
		failed = record.WrongReason
	}
	if c.Match != nil && !o.matched {
		return failed, fmt.Sprintf("the output does not match %q", c.Match)
	}
	if c.NoMatch != nil && o.offended {
		return failed, fmt.Sprintf("the output matches %q, and must not", c.NoMatch)
	}
	return record.Held, ""
}
