package record

import (
	"time"
)

// Verification is what a verification found. It is shown as JSON as it is.
type Verification struct {
	Commit     string     `json:"commit"` // HEAD, or the revision asked for; "" on an unborn branch
	Tree       string     `json:"tree"`
	Worktree   bool       `json:"worktree"` // checks ran in the worktree, not in an exported tree
	Dirty      []string   `json:"dirty"`    // paths of the worktree that differ from the commit
	Started    time.Time  `json:"started"`
	DurationMS int64      `json:"duration_ms"`
	Specs      []Verified `json:"specs"`
}

// Verified is the part of a verification that concerns one spec.
type Verified struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Path        string    `json:"path"`
	Status      string    `json:"status"`
	CompletedBy string    `json:"completed_by"` // the commit; "" where none is known
	Criteria    []Result  `json:"criteria"`
	Findings    []Finding `json:"findings"`
	Error       string    `json:"error"` // why the spec's file could not be used
}

// Finding is something that speaks against a completed spec, beside its checks.
type Finding struct {
	Rule      string `json:"rule"`
	Criterion int    `json:"criterion"` // 0: the spec as a whole
	Line      int    `json:"line"`
	Text      string `json:"text"`
}

// The rules of findings. Unproven alone is no failure unless the caller is
// strict.
const (
	RuleUnticked    = "unticked"
	RuleUnproven    = "unproven"
	RuleChanged     = "changed-since-completion"
	RuleUncommitted = "completion-not-committed"
	RuleOddMark     = "odd-mark"
	RuleNoCriteria  = "no-criteria"
	RuleShallow     = "history-missing"
)
