package record

import (
	"fmt"
	"strings"
	"time"
)

// Verdict sums up one run of a spec.
type Verdict string

// The verdicts of a run.
const (
	Completed Verdict = "completed" // all criteria held, and the completion is committed
	AllHeld   Verdict = "held"      // all criteria held, and no completion was to be committed
	Waiting   Verdict = "waiting"   // all checks held; an attestation is missing
	Failed    Verdict = "failed"    // a criterion did not hold, or the criteria changed during the run
	Stopped   Verdict = "interrupted"
	Broken    Verdict = "error" // chant could not do its job
)

// Evidence is the record of one run. The store has it as JSON under the key
// "runs/<spec>/<id>", so fields may be added but not changed.
type Evidence struct {
	ID         string     `json:"id"`
	Spec       string     `json:"spec"`
	Started    time.Time  `json:"started"`
	DurationMS int64      `json:"duration_ms"`
	Commit     string     `json:"commit"` // HEAD when the run began; "" on an unborn branch
	Tree       string     `json:"tree"`   // of that commit
	Dirty      []string   `json:"dirty"`  // paths that differed from it before the run
	Digest     string     `json:"digest"` // of the spec's criteria and checks
	Verdict    Verdict    `json:"verdict"`
	Reason     string     `json:"reason"` // for the verdict, if the criteria do not show it
	Criteria   []Result   `json:"criteria"`
	Commits    []string   `json:"commits"` // that the run made
	Outside    []string   `json:"outside"` // paths outside of target_files that changed during the run
	Extra      []string   `json:"extra"`   // paths that differed from HEAD before the run and are not in its commits
	Sealed     bool       `json:"sealed"`  // the results are from a checkout of what was to be committed
	Agents     []AgentRun `json:"agents"`  // one for each attempt; empty if no agent ran
}

// Result is the result of one criterion.
type Result struct {
	Number  int          `json:"number"`
	Text    string       `json:"text"`
	Line    int          `json:"line"` // in the spec's file
	Manual  bool         `json:"manual"`
	Outcome Outcome      `json:"outcome"`
	Reason  string       `json:"reason"`
	Check   *CheckResult `json:"check"` // null for a manual criterion
}

// CheckResult sums up the runs of one check. Criteria that share a check share its result.
type CheckResult struct {
	Lang         string  `json:"lang"`
	Command      string  `json:"command"`
	ExpectFail   bool    `json:"expect_fail"`
	Outcome      Outcome `json:"outcome"`
	Reason       string  `json:"reason"`
	Planned      int     `json:"planned"` // runs planned
	Runs         int     `json:"runs"`    // runs done
	HeldRuns     int     `json:"held"`
	Exits        []int   `json:"exits"` // per run; -1 if there was none
	DurationMS   int64   `json:"duration_ms"`
	Output       string  `json:"output"`        // of the run that decided: head and tail, masked
	OutputDigest string  `json:"output_digest"` // sha256 of the whole output of that run, masked
}

// Tally returns the number of runs that held, as in "failed as expected 20/20" or
// "passed 1/2 (3 planned)".
func (c CheckResult) Tally() string {
	held := "passed"
	if c.ExpectFail {
		held = "failed as expected"
	}
	if c.Runs > 0 && c.Runs < c.Planned {
		return fmt.Sprintf("%s %d/%d (%d planned)", held, c.HeldRuns, c.Runs, c.Planned)
	}
	return fmt.Sprintf("%s %d/%d", held, c.HeldRuns, c.Planned)
}

// Some returns the first few names of a list, and how many more there are.
func Some(names []string) string {
	const few = 5
	text := strings.Join(names[:min(len(names), few)], ", ")
	if more := len(names) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// OneLine returns an error's message on one line. The message of joined errors has several.
func OneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
