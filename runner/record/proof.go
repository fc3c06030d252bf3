package record

import "time"

// ProofVerdict is the result of a proof.
type ProofVerdict string

// The verdicts. Only Proven is a success.
const (
	Proven        ProofVerdict = "proven"
	Weakened      ProofVerdict = "weakened"       // the original test is red at head, the changed one green
	NotFixed      ProofVerdict = "not-fixed"      // the original test is red at head
	NotReproduced ProofVerdict = "not-reproduced" // the test is not red at base
	WrongCause    ProofVerdict = "wrong-reason"   // red at base, but never for the stated reason
	NotTheCause   ProofVerdict = "not-the-cause"  // green without the fix: something else fixed it
	Regressed     ProofVerdict = "regressed"      // another check that held at base does not hold at head
	Inconclusive  ProofVerdict = "inconclusive"   // too few conclusive runs
	NotProvable   ProofVerdict = "not-provable"   // what judges the fix is in the fix, or there is nothing to judge
)

// ProofEvidence says what shows that the test which failed before the fix passes after it.
type ProofEvidence string

// The kinds of evidence, the strongest first. ByCounts is for test runners that count
// tests which pass without naming them.
const (
	ByNames  ProofEvidence = "named tests"
	ByCounts ProofEvidence = "test counts"
	ByStatus ProofEvidence = "exit status"
)

// The cells of a proof.
const (
	CellRed    = "red"
	CellGreen  = "green"
	CellCausal = "causal"
	CellIntact = "intact"
	CellKept   = "kept"
)

// Proof is the result of one reproduction and one fix. Its JSON form is API: fields may be
// added but not changed, and arrays are never null.
type Proof struct {
	Reproduction string        `json:"reproduction"` // spec ids
	Fix          string        `json:"fix"`
	Verdict      ProofVerdict  `json:"verdict"`
	Reason       string        `json:"reason"`   // the verdict in one sentence
	Evidence     ProofEvidence `json:"evidence"` // the weakest of the checks; "" if the test was not seen to pass
	Base         Revision      `json:"base"`
	Head         Revision      `json:"head"`
	Checks       []ProofCheck  `json:"checks"` // the reproduction's expect=fail checks
	Cells        []Cell        `json:"cells"`
	// PValue is the greatest of the checks: the chance (Fisher, one-sided) of no red in green if the fix had no effect.
	PValue      float64     `json:"p_value"`
	Alpha       float64     `json:"alpha"`  // what PValue must not exceed
	Bounds      Bounds      `json:"bounds"` // of that check
	Needed      int         `json:"needed"` // further green runs, if inconclusive
	Intact      Intact      `json:"intact"`
	Changed     []ProofPath `json:"changed"`         // every path between base and head, classified
	Harness     []string    `json:"harness"`         // changed paths that judge the fix, besides tests
	Allowed     bool        `json:"harness_allowed"` // --allow-harness was given: they are as of head
	Coverage    *Coverage   `json:"coverage"`        // null if unknown
	Notes       []string    `json:"notes"`           // what a reader should know besides the cells
	Warnings    []string    `json:"warnings"`        // what a reader should look at before believing the verdict
	Environment ProofEnv    `json:"environment"`
	Started     time.Time   `json:"started"`
	DurationMS  int64       `json:"duration_ms"`
}

// Revision is one side of a proof.
type Revision struct {
	Commit   string `json:"commit"`
	Tree     string `json:"tree"`
	Worktree bool   `json:"worktree"` // the commit with the changes of the work tree
	Rebuilt  bool   `json:"rebuilt"`  // the commit with the reproduction's files: one commit completed it with its fix
}

// ProofCheck is one check that the proof runs, with the files that it judges by.
type ProofCheck struct {
	Criterion int           `json:"criterion"`
	Text      string        `json:"text"`
	Lang      string        `json:"lang"`
	Command   string        `json:"command"`
	Wants     string        `json:"wants"`
	Reason    string        `json:"stated_reason"` // match=, or ""
	Files     []TestFile    `json:"files"`
	PValue    float64       `json:"p_value"`
	Bounds    Bounds        `json:"bounds"`
	Needed    int           `json:"needed"` // further green runs, if there were too few
	Evidence  ProofEvidence `json:"evidence"`
}

// TestFile is a test file by its content at base.
type TestFile struct {
	Path   string `json:"path"`
	Blob   string `json:"blob"`
	SHA256 string `json:"sha256"`
}

// Cell is one cell of the matrix.
//
// A proof has red, green and causal once for each of the reproduction's checks, and intact
// and kept once, with criterion 0. In red and causal a held run is a failure for the stated
// reason. In green it is a pass that shows that the test ran; a pass that does not is a
// no_test_ran. A run that changed the test files is an invalid_run; it counts only in Runs.
type Cell struct {
	Name       string          `json:"name"`
	Criterion  int             `json:"criterion"` // of the reproduction; 0: none
	Tree       string          `json:"tree"`      // the tree that was run, "" if it was never made; cells of one tree share runs
	Wanted     string          `json:"wanted"`
	Runs       int             `json:"runs"`
	ByOutcome  map[Outcome]int `json:"by_outcome"`
	Held       bool            `json:"held"` // the cell is as wanted
	Reason     string          `json:"reason"`
	Output     string          `json:"output"` // of the run that decided
	LogDigest  string          `json:"log_digest"`
	SharedWith string          `json:"shared_with"` // the cell whose runs these are too; "" for its own
	DurationMS int64           `json:"duration_ms"`
}

// Failed returns the number of runs in which the test ran but did not pass.
func (c Cell) Failed() int {
	return c.ByOutcome[NotHeld] + c.ByOutcome[WrongReason] + c.ByOutcome[TimedOut]
}

// Bounds are exact (Clopper–Pearson) two-sided 95 % bounds of the rate of red.
type Bounds struct {
	RedLow    float64 `json:"red_low"`
	RedHigh   float64 `json:"red_high"`
	GreenHigh float64 `json:"green_high"` // one-sided 95 % upper bound of the rate of red at head
}

// Intact compares the test files at head with those at base.
type Intact struct {
	Same bool   `json:"same"` // there are test files, and they are the same
	Diff string `json:"diff"` // unified; "" if they are the same
}

// PathClass is the role of a changed path in a proof.
type PathClass string

// The classes, in the order in which they are decided.
const (
	ClassSpec    PathClass = "spec"
	ClassHarness PathClass = "harness"
	ClassTest    PathClass = "test"
	ClassFix     PathClass = "fix"
	ClassOther   PathClass = "other"
)

// ProofPath is one path that differs between base and head. Red has it as base does.
type ProofPath struct {
	Path   string     `json:"path"`
	Class  PathClass  `json:"class"`
	Green  PathOrigin `json:"green"`  // where the cell green has it from
	Causal PathOrigin `json:"causal"` // likewise
}

// PathOrigin says as which revision has it a cell has a path.
type PathOrigin string

// The origins. Absent is for a path that the cell does not have, because the revision
// does not.
const (
	FromBase PathOrigin = "base"
	FromHead PathOrigin = "head"
	Absent   PathOrigin = "absent"
)

// Coverage says which of the fix's changed lines the regression test ran.
type Coverage struct {
	Changed int      `json:"changed"` // executable changed lines
	Covered int      `json:"covered"`
	Missed  []string `json:"missed"` // PATH:LINE
}

// ProofEnv is the machine on which a proof ran.
type ProofEnv struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	CPUs  int    `json:"cpus"`
	Chant string `json:"chant"`
	Go    string `json:"go"` // "" if there is none
}
