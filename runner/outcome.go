package runner

import (
	"fmt"
	"syscall"

	"chant/runner/process"
	"chant/spec"
)

// Outcome says how one run of a check, or a criterion as a whole, ended.
type Outcome string

// The outcomes of DESIGN.md section 6. Only Held ticks a box.
const (
	Held        Outcome = "held"
	NotHeld     Outcome = "not_held"     // ran to its end, and its exit or output is not the wanted one
	WrongReason Outcome = "wrong_reason" // failed as expected, but not with the stated output
	NoTest      Outcome = "no_test_ran"  // passed without testing anything
	NotStarted  Outcome = "not_started"  // could not be built or started
	Killed      Outcome = "killed"       // ended by a signal that chant did not send
	TimedOut    Outcome = "timed_out"
	Interrupted Outcome = "interrupted" // chant was told to stop
	InvalidRun  Outcome = "invalid_run" // of a proof: the run changed the test that judges it
	Unattested  Outcome = "unattested"  // manual, and nobody vouched for it
	Attested    Outcome = "attested"    // manual, and somebody did
)

// Met tells whether a criterion with this outcome counts as fulfilled.
func (o Outcome) Met() bool { return o == Held || o == Attested }

// Shells report that they could not find or start a command by these codes,
// and a child's death by signal n as 128+n (POSIX.1-2017, XCU 2.8.2).
const (
	exitCannotExecute = 126
	exitNotFound      = 127
	exitSignalBase    = 128
	exitSignalMax     = exitSignalBase + 31
)

// observation is what one run of a check gave.
type observation struct {
	result   process.Result
	output   string   // as kept: head and tail
	matched  bool     // the whole output matched match=
	offended bool     // the whole output matched nomatch=
	digest   string   // of the whole output, masked
	tests    *verbose // what go test told of each test, where a proof asked it to
}

// judge turns observations into outcomes, as a pure function of them.
type judge struct {
	runners recognisers
}

// outcome decides what one observation of the check c means, and why, in a few
// words; the words are empty for a plain Held.
func (j judge) outcome(c *spec.Check, o observation) (Outcome, string) {
	r := o.result
	switch {
	case r.Cancelled:
		return Interrupted, "interrupted"
	case r.Err != nil && r.Started.IsZero():
		return NotStarted, oneLine(r.Err)
	case r.Err != nil: // it ran, and something of it could not be ended or read
		return NotHeld, oneLine(r.Err)
	case r.TimedOut:
		return judgeTimeout(c, o)
	case r.Signal != 0:
		return Killed, "killed by signal: " + r.Signal.String()
	}
	if out, why := j.unfit(c, o); out != Held {
		return out, why
	}
	if why := unwanted(c, r.Exit); why != "" {
		return NotHeld, why
	}
	return judgeText(c, o)
}

func judgeTimeout(c *spec.Check, o observation) (Outcome, string) {
	if !c.MatchTimeout {
		return TimedOut, fmt.Sprintf("timed out after %s", c.Timeout)
	}
	return judgeText(c, o)
}

// unfit finds the runs that tell nothing, whatever their exit was to be: a
// command did not come to its end, was never built or tested nothing. A failure
// for the stated reason tells what it was asked to, and so does a stated code.
func (j judge) unfit(c *spec.Check, o observation) (Outcome, string) {
	code := o.result.Exit
	if c.Exit == nil || code != *c.Exit {
		switch {
		case code == exitCannotExecute || code == exitNotFound:
			return NotStarted, fmt.Sprintf("exit %d: a command could not be started", code)
		case code > exitSignalBase && code <= exitSignalMax:
			return Killed, fmt.Sprintf("exit %d: a command was killed by signal: %s", code, syscall.Signal(code-exitSignalBase))
		}
	}
	if code != 0 {
		if c.Match != nil && o.matched {
			return Held, ""
		}
		if why := j.runners.unbuilt(o.output); why != "" {
			return NotStarted, why
		}
	}
	if why := j.runners.untested(o.output); why != "" {
		return NoTest, why
	}
	return Held, ""
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

func judgeText(c *spec.Check, o observation) (Outcome, string) {
	failed := NotHeld
	if c.ExpectFail {
		failed = WrongReason
	}
	if c.Match != nil && !o.matched {
		return failed, fmt.Sprintf("the output does not match %q", c.Match)
	}
	if c.NoMatch != nil && o.offended {
		return failed, fmt.Sprintf("the output matches %q, and must not", c.NoMatch)
	}
	return Held, ""
}
