package cmd

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chant/runner"
	"chant/runner/project"
	"chant/spec"
)

// specJSON is a spec in the output of list, show and status. The fields are API:
// new ones may be added, none may be changed.
type specJSON struct {
	ID          string       `json:"id"`
	Title       string       `json:"title"`
	Type        string       `json:"type"`
	Phase       string       `json:"phase"`
	Status      string       `json:"status"` // as the file says
	State       spec.State   `json:"state"`  // computed
	BlockedBy   []string     `json:"blocked_by"`
	Reasons     []string     `json:"reasons"` // one for each entry of blocked_by, as in "waiting for 001"
	DependsOn   []string     `json:"depends_on"`
	TargetFiles []string     `json:"target_files"`
	Criteria    criteriaJSON `json:"criteria"`
	Path        string       `json:"path"`
	Archived    bool         `json:"archived"`
	CompletedAt *time.Time   `json:"completed_at"`
	Commits     []string     `json:"commits"`
	Error       string       `json:"error"`    // why the file is invalid; "" if it is valid
	Approval    *approval    `json:"approval"` // null if no approval is required
	Skipped     *skip        `json:"skipped"`  // null if it is not skipped
}

type approval struct {
	Status string     `json:"status"` // "approved", "rejected" or ""
	By     string     `json:"by"`
	At     *time.Time `json:"at"`
	Valid  bool       `json:"valid"` // approved, and nothing changed since
}

type skip struct {
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

type criteriaJSON struct {
	Total  int `json:"total"`
	Ticked int `json:"ticked"`
	Manual int `json:"manual"`
}

func specRow(p *project.Project, s *spec.Spec, live runner.Live) specJSON {
	state, blocks := p.Set.State(s, live.Facts)
	row := specJSON{
		ID: s.ID, Title: s.Title, Type: s.Type, Phase: s.Phase, Status: string(s.Status), State: state,
		BlockedBy: []string{}, Reasons: []string{}, DependsOn: values(s.DependsOn), TargetFiles: values(s.TargetFiles),
		Criteria: criteriaJSON{Total: len(s.Criteria), Ticked: s.Ticked()},
		Path:     s.Path, Archived: s.Archived, Commits: append([]string{}, s.Commits...),
	}
	for _, c := range s.Criteria {
		if c.Manual() {
			row.Criteria.Manual++
		}
	}
	if row.Status == "" {
		row.Status = string(spec.StatusPending)
	}
	for _, b := range blocks {
		row.BlockedBy = append(row.BlockedBy, b.ID)
		row.Reasons = append(row.Reasons, b.Reason)
	}
	if !s.CompletedAt.IsZero() {
		row.CompletedAt = &s.CompletedAt
	}
	if a := s.Approval; a.Required {
		row.Approval = &approval{Status: a.Status, By: a.By, Valid: a.Status == spec.Approved && a.Digest == s.ApprovalDigest()}
		if !a.At.IsZero() {
			row.Approval.At = &a.At
		}
	}
	if s.IsSkipped() {
		row.Skipped = new(skip(s.Skipped))
	}
	if err := p.Problems[s.Path].Err(); err != nil {
		row.Error = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return row
}

func values(items []spec.Item) []string {
	list := make([]string, len(items))
	for i, item := range items {
		list[i] = item.Value
	}
	return list
}

// answer is the result of a read command, which is encoded as JSON.
type answer interface {
	show(s *screen)
	// status returns a statusError if the answer has to make the command fail.
	status() error
}

// answering gives a command the flag --json, and makes it show an answer.
func (a *App) answering(c *cobra.Command, ask func(ctx context.Context, args []string) (answer, error)) *cobra.Command {
	var asJSON bool
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		v, err := ask(c.Context(), args)
		if err != nil {
			return err
		}
		return a.output(v, asJSON)
	}
	return c
}

// output writes an answer as text or as JSON, and returns its status.
func (a *App) output(v answer, asJSON bool) error {
	if asJSON {
		return cmp.Or(writeJSON(a.Out, v), v.status())
	}
	s := a.stdout()
	v.show(s)
	return cmp.Or(s.failed(), v.status())
}

// say writes one line to stdout.
func (a *App) say(texts ...text) error {
	s := a.stdout()
	s.line(texts...)
	return s.failed()
}

// writeJSON writes v as one indented object.
func writeJSON(w io.Writer, v any) error {
	encoded, err := encodeJSON(v, "  ")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, encoded); err != nil {
		return fmt.Errorf("writing output: %w", err)
	}
	return nil
}

// encodeJSON returns v as JSON with a final newline; on one line if indent is "".
func encodeJSON(v any, indent string) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("encoding JSON: %w", err)
	}
	return escapeJSON(b.String()), nil
}
