// Package spec is the model of chant's spec files: one Markdown file per
// phase, with YAML frontmatter and acceptance criteria that carry checks.
//
// The package is pure: bytes in, values or bytes out. It opens no file, starts
// no process and reads no clock, so every rule in it can be tested as a table.
// All values are safe for concurrent reading once made; nothing in the package
// changes them afterwards.
package spec

import (
	"crypto/sha256"
	"time"
)

// Pos is a place in a file. Both fields count from 1; Column counts
// characters, not bytes. The zero Pos means "the file as a whole".
type Pos struct {
	Line   int
	Column int
}

// Status is a spec's status as its file says it. What a spec can do now
// (ready, blocked, running …) is computed: see State.
type Status string

// The statuses of the format. Any other word loads, with a lint warning, and
// reads as StatusPending; so do the words "ready" and "blocked".
const (
	StatusPending        Status = "pending"
	StatusInProgress     Status = "in_progress"
	StatusCompleted      Status = "completed"
	StatusFailed         Status = "failed"
	StatusCancelled      Status = "cancelled"
	StatusPaused         Status = "paused"
	StatusNeedsAttention Status = "needs_attention"
)

// Spec is one spec file, read. Parse makes it; it is never partly filled:
// where a value could not be read the Problems of Parse say so and the field
// holds its zero value.
type Spec struct {
	// ID is the file's name without ".md".
	ID string
	// Path is the file's path, slash-separated and relative to the project.
	Path string
	// Title is the text of the first level-1 heading, else of the first
	// heading, else the ID.
	Title string
	// Archived tells that the file lies under .chant/archive.
	Archived bool

	Meta

	// Criteria holds every criterion in the order of the file.
	Criteria []Criterion
	// OddMarks are task-list look-alikes such as "[~]" in a criteria section.
	// They are no criteria; a spec that holds one can't complete.
	OddMarks []Item

	at    map[string]Pos    // of the frontmatter's values, by key
	prose [sha256.Size]byte // see body.prose
	src   []byte            // the file, where its frontmatter could be read
}

// Meta is the frontmatter that chant knows. Other keys are kept in the file
// and are not read.
type Meta struct {
	Type        string
	Phase       string
	Status      Status // as written; "" where the key is absent
	DependsOn   []Item
	TargetFiles []Item // paths or ** globs, inside the project
	InformedBy  []Item
	Prompt      string
	Model       string
	Agent       string
	Labels      []string
	Commits     []string
	CompletedAt time.Time // UTC; zero where absent
	Approval    Approval
	Attested    []Attestation
	Skipped     Skip // counts where IsSkipped
}

// Item is a text with the place it stands at.
type Item struct {
	Value string
	Pos   Pos
}

// Approval is the human gate of a spec.
type Approval struct {
	Required bool      `yaml:"required"`
	Status   string    `yaml:"status,omitempty"` // "approved" or "rejected"
	By       string    `yaml:"by,omitempty"`
	At       time.Time `yaml:"at,omitempty"`
	Digest   string    `yaml:"digest,omitempty"` // Spec.ApprovalDigest at the time of approval
}

// Skip is a named person's decision to leave a spec out.
type Skip struct {
	Reason string    `yaml:"reason"`
	By     string    `yaml:"by"`
	At     time.Time `yaml:"at"`
}

// Attestation is a named person's word for one manual criterion.
type Attestation struct {
	Criterion string    `yaml:"criterion"` // the criterion's text: a changed text voids it
	By        string    `yaml:"by"`
	At        time.Time `yaml:"at"`
	Note      string    `yaml:"note"`
}

// Criterion is one GFM task-list item of a criteria section.
type Criterion struct {
	// Number counts from 1 in the order of the file.
	Number int
	// Text is the item's own first paragraph as plain text on one line.
	Text string
	// Depth is 0 for a top item, 1 for an item inside it, and so on.
	Depth int
	// Ticked tells whether the box is checked in the file.
	Ticked bool
	// Pos is the place of the box's "[".
	Pos Pos
	// Check decides the criterion; nil makes it manual. A check that a
	// criterion takes from an ancestor is the same pointer as there.
	Check *Check

	mark int // byte offset, in the file, of the character between the brackets
}

// Manual tells that no command decides the criterion: only an attestation
// ticks it.
func (c Criterion) Manual() bool { return c.Check == nil }

// IsSkipped tells that a person left the spec out and said why: it is cancelled,
// and what depends on it goes on without it.
func (s *Spec) IsSkipped() bool {
	return s.Status == StatusCancelled && s.Skipped.Reason != ""
}

// Ticked counts the criteria that are checked in the file.
func (s *Spec) Ticked() int {
	n := 0
	for _, c := range s.Criteria {
		if c.Ticked {
			n++
		}
	}
	return n
}

// AttestedBy gives the attestation for the manual criterion c; nil where nobody
// vouched for it.
func (s *Spec) AttestedBy(c Criterion) *Attestation {
	for i := range s.Attested {
		if c.Manual() && s.Attested[i].Criterion == c.Text {
			return &s.Attested[i]
		}
	}
	return nil
}
