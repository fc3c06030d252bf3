// Package record holds the values that a run leaves: outcomes, evidence, events,
// verifications and proofs. They are stored and shown; fields are only ever added.
package record

import (
	"time"
)

// Event is one thing that happened, for whoever shows or records it: RunStarted,
// AgentStarted, AgentProgress, AgentDone, CheckStarted, CheckProgress,
// CriterionDone, ProofProgress, Notice or Detail.
// Events are delivered in order, from one goroutine at a time.
type Event interface{ event() }

// RunStarted opens the run (or the verification) of one spec.
type RunStarted struct {
	Spec     string
	Title    string
	Criteria int
	Where    string // "" in the worktree, else the commit whose exported tree is used
}

// AgentStarted tells that an agent is about to run.
type AgentStarted struct {
	Spec     string
	Agent    string
	Attempt  int // from 1
	Attempts int
	Started  time.Time
}

// AgentProgress is the last line of what an agent says or does.
type AgentProgress struct {
	Spec string
	Line string
}

// AgentDone tells how an agent's run ended.
type AgentDone struct {
	Spec string
	Run  AgentRun
}

// CheckStarted tells that a check is about to run for the first time.
type CheckStarted struct {
	Spec      string
	Criterion int // the first criterion that the check decides
	Text      string
	Command   string
	Runs      int
	Started   time.Time
}

// CheckProgress follows every single run of a check that repeats.
type CheckProgress struct {
	Spec      string
	Criterion int
	Done      int // runs so far
	Runs      int // runs planned
	Held      int
}

// CriterionDone tells what was decided of one criterion.
type CriterionDone struct {
	Spec   string
	Result Result
}

// ProofProgress tells, before the first run of a proof's cell and after every
// run, how far it is.
type ProofProgress struct {
	Reproduction string
	Fix          string
	Cell         string
	Done         int           // runs of the cell so far
	Planned      int           // as many as it needs, by what is known now
	Left         int           // runs of all cells still to do, by what is known now
	Estimate     time.Duration // of those
}

// Notice is a fact worth a line that decides nothing.
type Notice struct {
	Spec string
	Text string
}

// Detail is a fact for those who want to know how it was done.
type Detail struct {
	Spec string
	Text string
}

func (RunStarted) event() {}

func (AgentStarted) event() {}

func (AgentProgress) event() {}

func (AgentDone) event() {}

func (CheckStarted) event() {}

func (CheckProgress) event() {}

func (CriterionDone) event() {}

func (ProofProgress) event() {}

func (Notice) event() {}

func (Detail) event() {}
