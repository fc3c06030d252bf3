package record

// Outcome is the result of one run of a check, or of a criterion.
type Outcome string

// The outcomes. Only Held and Attested tick a box.
const (
	Held        Outcome = "held"
	NotHeld     Outcome = "not_held"     // ended with another exit code or output than expected
	WrongReason Outcome = "wrong_reason" // failed as expected, but without the expected output
	NoTest      Outcome = "no_test_ran"  // passed without testing anything
	NotStarted  Outcome = "not_started"  // could not be built or started
	Killed      Outcome = "killed"       // ended by a signal that chant did not send
	TimedOut    Outcome = "timed_out"
	Interrupted Outcome = "interrupted" // the context was cancelled
	InvalidRun  Outcome = "invalid_run" // in a proof: the run changed the test that judges it
	Unattested  Outcome = "unattested"  // manual, and nobody attested it
	Attested    Outcome = "attested"    // manual, and somebody attested it
)

// Met reports whether a criterion with this outcome is met.
func (o Outcome) Met() bool { return o == Held || o == Attested }
