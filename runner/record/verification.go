package record

import "time"

// Verification is the result of a verification. Its JSON form is API.
type Verification struct {
	Commit     string     `json:"commit"` // HEAD or the given revision; "" on an unborn branch
	Tree       string     `json:"tree"`
	Worktree   bool       `json:"worktree"` // the work tree was verified, and not a checkout
	Dirty      []string   `json:"dirty"`    // paths of the work tree that differ from the commit
	Started    time.Time  `json:"started"`
	DurationMS int64      `json:"duration_ms"`
	Specs      []Verified `json:"specs"`
}

// Verified is the result of one spec in a verification.
type Verified struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Path        string    `json:"path"`
	Status      string    `json:"status"`
	CompletedBy string    `json:"completed_by"` // the commit; "" if none is known
	Criteria    []Result  `json:"criteria"`
	Findings    []Finding `json:"findings"`
	Error       string    `json:"error"` // why the spec could not be read or verified
}

// Finding is a problem of a completed spec besides the results of its checks.
type Finding struct {
	Rule      string `json:"rule"`
	Criterion int    `json:"criterion"` // its number; 0 for the spec as a whole
	Line      int    `json:"line"`
	Text      string `json:"text"`
}

// Minor reports whether the finding is a failure only in strict mode.
func (f Finding) Minor() bool { return f.Rule == RuleUnproven || f.Rule == RuleUnknownCommit }

// The rules of findings. See Finding.Minor. RuleShallow is a failure only if a check needed
// the missing history.
const (
	RuleUnticked    = "unticked"
	RuleUnproven    = "unproven"
	RuleChanged     = "changed-since-completion"
	RuleUncommitted = "completion-not-committed"
	RuleNoCriteria  = "no-criteria"
	RuleShallow     = "history-missing"

	RuleUnknownCommit = "unknown-commit"
)
