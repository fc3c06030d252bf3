package record

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
