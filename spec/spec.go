// Package spec is the model of chant's spec files: one Markdown file per
// phase, with YAML frontmatter and acceptance criteria that carry checks.
//
// The package is pure: bytes in, values or bytes out. It opens no file, starts
// no process and reads no clock, so a table can test every rule in it.
// The package never changes a value that it has returned, so all of them are
// safe for concurrent reading.
package spec

import (
	"crypto/sha256"
	"path"
	"strings"
	"time"
)

// Pos is a position in a file. Both fields count from 1; Column counts
// characters, not bytes. The zero Pos means the whole file.
type Pos struct {
	Line   int
	Column int
}

// Status is the status written in a spec's file. What a spec can do now
// (ready, blocked, running …) is computed: see State.
type Status string

// The statuses of the format. The words "ready" and "blocked" are read as
// StatusPending. Any other word is an error.
const (
	StatusPending        Status = "pending"
	StatusInProgress     Status = "in_progress"
	StatusCompleted      Status = "completed"
	StatusFailed         Status = "failed"
	StatusCancelled      Status = "cancelled"
	StatusPaused         Status = "paused"
	StatusNeedsAttention Status = "needs_attention"
)

// Spec is the content of one spec file, as Parse returns it. A value that could
// not be read is the zero value here and is one of the Problems of Parse.
type Spec struct {
	// ID is the file's name without ".md".
	ID string
	// Path is the file's path, slash-separated and relative to the project.
	Path string
	// Title is the text of the first level-1 heading, else of the first
	// heading, else the ID.
	Title string
	// Archived is true for a file below .chant/archive.
	Archived bool

	Meta

	// Criteria holds all criteria in file order.
	Criteria []Criterion

	at    map[string]Pos    // positions of the frontmatter's values, by key
	prose [sha256.Size]byte // see body.prose
	front []byte            // the file as far as its frontmatter; empty if there is none that can be read
}

// Meta holds the frontmatter keys that chant knows. Other keys are not read;
// every edit leaves them in the file.
type Meta struct {
	Type        string
	Phase       string
	Status      Status // as written; "" if the key is absent
	DependsOn   []Item
	TargetFiles []Item // paths or ** globs, inside the project
	InformedBy  []Item
	Prompt      string
	Model       string
	Agent       string
	Labels      []string
	Commits     []string
	CompletedAt time.Time // UTC; zero if absent
	Approval    Approval
	Attested    []Attestation
	Skipped     Skip // has an effect only if IsSkipped is true
}

// Item is a text and its position in the file.
type Item struct {
	Value string
	Pos   Pos
}

// Approval says whether a person has to approve a spec, and who did.
type Approval struct {
	Required bool
	Status   string // "approved" or "rejected"
	By       string
	At       time.Time
	Digest   string // Spec.ApprovalDigest at the time of approval
}

// Skip is a named person's decision to skip a spec.
type Skip struct {
	Reason string
	By     string
	At     time.Time
}

// Attestation is a named person's statement that one manual criterion holds.
type Attestation struct {
	Criterion string // the criterion's text; if it changes, the attestation is void
	By        string
	At        time.Time
	Note      string
}

// Criterion is one GFM task-list item of a criteria section.
type Criterion struct {
	// Number counts from 1 in the order of the file.
	Number int
	// Text is the item's first paragraph as plain text on one line.
	Text string
	// Depth is 0 for a top-level item, 1 for an item inside it, and so on.
	Depth int
	// Ticked is true if the box is checked in the file.
	Ticked bool
	// Pos is the position of the box's "[".
	Pos Pos
	// Check decides the criterion; nil for a manual criterion. A criterion that
	// inherits its check has the same pointer as its ancestor.
	Check *Check

	mark int // byte offset, in the file, of the character between the brackets
}

// Manual reports whether the criterion has no check, so that only an attestation
// can tick it.
func (c Criterion) Manual() bool { return c.Check == nil }

// IsSkipped reports whether a person skipped the spec and gave a reason. Such a
// spec is cancelled and does not block its dependents.
func (s *Spec) IsSkipped() bool {
	return s.Status == StatusCancelled && s.Skipped.Reason != ""
}

// KeyPos returns the position of the value of a key in the frontmatter; zero if the
// key is absent.
func (s *Spec) KeyPos(key string) Pos { return s.at[key] }

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

// AttestedBy returns the attestation of the manual criterion c, or nil if there
// is none.
func (s *Spec) AttestedBy(c Criterion) *Attestation {
	for i := range s.Attested {
		if c.Manual() && s.Attested[i].Criterion == c.Text {
			return &s.Attested[i]
		}
	}
	return nil
}

// archive is the folder of archived specs.
const archive = ".chant/archive/"

// Parse reads a spec file. The path is slash-separated and relative to the
// project; the spec's id, and whether it is archived, come from the path. The
// Spec is never nil: what could not be read is left zero and reported in the
// Problems, which are sorted by position.
func Parse(file string, src []byte) (*Spec, Problems) {
	id := strings.TrimSuffix(path.Base(file), ".md")
	sp := &Spec{ID: id, Path: file, Title: id, Archived: strings.HasPrefix(file, archive)}
	s, fm, ok := openSource(id, file, src)
	if !ok {
		return sp, s.sorted()
	}
	if len(s.problems) == 0 {
		sp.front = src[:fm.body:fm.body]
	}
	if fm.body == 0 {
		s.lostFrontmatter(specKeys())
	}
	s.meta(fm.root, sp)
	s.markdown(fm.body, sp)
	return sp, s.sorted()
}
