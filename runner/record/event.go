// Package record has the results of runs: outcomes, evidence, events, verifications and
// proofs. They are stored and shown as JSON, so fields may be added but not changed.
package record

import "time"

// Event is a RunStarted, AgentStarted, AgentProgress, AgentDone, CheckStarted,
// CheckProgress, CriterionDone, ProofProgress, Notice or Detail. Events are delivered in
// order, from one goroutine at a time.
type Event interface{ event() }

// RunStarted says that the run or the verification of a spec begins.
type RunStarted struct {
	Spec     string
	Title    string
	Criteria int
	Where    string // the commit that is checked out for it; "" for the work tree
}

// AgentStarted says that an agent is about to run.
type AgentStarted struct {
	Spec     string
	Agent    string
	Attempt  int // from 1
	Attempts int
	Started  time.Time
}

// AgentProgress is a line about what an agent says or does now.
type AgentProgress struct {
	Spec string
	Line string
}

// AgentDone says how an agent's run ended.
type AgentDone struct {
	Spec string
	Run  AgentRun
}

// CheckStarted says that the first run of a check is about to start.
type CheckStarted struct {
	Spec      string
	Criterion int // the number of the first criterion that the check decides
	Text      string
	Command   string
	Runs      int
	Started   time.Time
}

// CheckProgress follows every run of a check that is repeated.
type CheckProgress struct {
	Spec      string
	Criterion int
	Done      int // runs so far
	Runs      int // runs planned
	Held      int
}

// CriterionDone is the result of a criterion.
type CriterionDone struct {
	Spec   string
	Result Result
}

// ProofProgress precedes the first run of a proof's cell, and follows every run.
type ProofProgress struct {
	Reproduction string
	Fix          string
	Cell         string
	Done         int           // runs of the cell so far
	Planned      int           // runs that the cell needs, as far as known
	Left         int           // runs of all cells still to do, as far as known
	Estimate     time.Duration // of the time for these
}

// Notice is a message for the user that does not affect the result.
type Notice struct {
	Spec string
	Text string
}

// Detail is a Notice that is shown only with --verbose.
type Detail struct {
	Spec string
	Text string
}

func (RunStarted) event()    {}
func (AgentStarted) event()  {}
func (AgentProgress) event() {}
func (AgentDone) event()     {}
func (CheckStarted) event()  {}
func (CheckProgress) event() {}
func (CriterionDone) event() {}
func (ProofProgress) event() {}
func (Notice) event()        {}
func (Detail) event()        {}
