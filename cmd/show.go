package cmd

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chant/runner/project"
	"chant/spec"
)

func (a *App) showCommand() *cobra.Command {
	return a.answering(&cobra.Command{
		Use:   "show ID",
		Short: "Show one spec: its state, criteria and checks",
		Args:  oneID, ValidArgsFunction: a.completeIDs,
	}, func(ctx context.Context, args []string) (answer, error) { return a.showView(ctx, args[0]) })
}

// criterionJSON is a criterion in the output of show.
type criterionJSON struct {
	Number   int          `json:"number"`
	Text     string       `json:"text"`
	Depth    int          `json:"depth"`
	Ticked   bool         `json:"ticked"`
	Line     int          `json:"line"`
	Manual   bool         `json:"manual"`
	Attested *attestation `json:"attested"` // null if there is no attestation
	Check    *checkJSON   `json:"check"`    // null for a manual criterion
}

type attestation struct {
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Note string    `json:"note"`
}

type checkJSON struct {
	Lang   string  `json:"lang"`
	Info   string  `json:"info"`
	Wants  string  `json:"wants"`
	Script string  `json:"script"`
	At     spec.At `json:"at"`
	Line   int     `json:"line"`
}

type showJSON struct {
	Schema string `json:"schema"`
	specJSON
	List []criterionJSON `json:"criteria_list"`
}

// showView returns what show shows.
func (a *App) showView(ctx context.Context, query string) (showJSON, error) {
	p, live, err := a.board(ctx)
	if err != nil {
		return showJSON{}, err
	}
	s, err := p.Set.Resolve(query)
	if err != nil {
		return showJSON{}, err
	}
	return showJSON{"chant.show/v1", specRow(p, s, live), criteriaOf(s)}, nil
}

func (row showJSON) status() error { return statusIf(ExitUsage, row.invalid()) }

// invalid reports whether the spec can't be used; Error says why.
func (r specJSON) invalid() bool { return r.State == spec.StateInvalid }

func criteriaOf(s *spec.Spec) []criterionJSON {
	list := []criterionJSON{}
	for _, c := range s.Criteria {
		one := criterionJSON{Number: c.Number, Text: c.Text, Depth: c.Depth, Ticked: c.Ticked, Line: c.Pos.Line, Manual: c.Manual()}
		if word := s.AttestedBy(c); word != nil {
			one.Attested = &attestation{word.By, word.At, word.Note}
		}
		if c.Check != nil {
			one.Check = &checkJSON{c.Check.Lang, c.Check.Info, c.Check.Wants(), c.Check.Script, c.Check.At, c.Check.Pos.Line}
		}
		list = append(list, one)
	}
	return list
}

func (row showJSON) show(s *screen) {
	s.line(bold(row.ID), plain(row.Title))
	facts := [][]text{{faint("state"), stateText(row.State)}, {faint("file"), plain(row.Path)}}
	add := func(name string, values ...string) {
		if shown := strings.Join(values, ", "); shown != "" {
			facts = append(facts, []text{faint(name), plain(shown)})
		}
	}
	add("error", row.Error)
	add("type", row.Type)
	add("phase", row.Phase)
	add("blocked by", row.Reasons...)
	if row.Skipped != nil {
		add("skipped", fmt.Sprintf("%s (%s, %s)", row.Skipped.Reason, row.Skipped.By, row.Skipped.At.Format(time.RFC3339)))
	}
	if row.Approval != nil {
		add("approval", approvalText(*row.Approval))
	}
	add("depends on", row.DependsOn...)
	add("target files", row.TargetFiles...)
	add("commits", row.Commits...)
	s.table(facts)
	checks := map[int]bool{} // lines of the checks shown: a shared check is shown once
	for _, c := range row.List {
		s.line()
		showCriterion(s, c, checks)
	}
}

// approvalText describes a spec's approval.
func approvalText(a approval) string {
	switch {
	case a.Status == "":
		return "required"
	case a.At == nil:
		return a.Status
	case a.Status == spec.Approved && !a.Valid:
		return fmt.Sprintf("required again: changed since %s approved it at %s", a.By, a.At.Format(time.RFC3339))
	}
	return fmt.Sprintf("%s by %s at %s", a.Status, a.By, a.At.Format(time.RFC3339))
}

func showCriterion(s *screen, c criterionJSON, shown map[int]bool) {
	mark := plain("[ ]")
	if c.Ticked {
		mark = coloured("[x]", green)
	}
	s.line(plain(strings.Repeat("  ", c.Depth)+fmt.Sprintf("%2d", c.Number)), mark, plain(c.Text))
	indent := plain(strings.Repeat("  ", c.Depth) + "      ")
	switch {
	case c.Attested != nil:
		s.line(indent, faint(fmt.Sprintf("attested by %s at %s: %s", c.Attested.By, c.Attested.At.Format(time.RFC3339), c.Attested.Note)))
	case c.Manual:
		s.line(indent, coloured("manual: a person has to attest it", yellow))
	case shown[c.Check.Line]:
		s.line(indent, faint(fmt.Sprintf("decided by the check in line %d", c.Check.Line)))
	default:
		shown[c.Check.Line] = true
		s.line(indent, faint(c.Check.Lang+": "+c.Check.Wants))
		for line := range strings.Lines(c.Check.Script) {
			s.line(indent, plain("$ "+strings.TrimRight(line, "\r\n")))
		}
	}
}

func oneID(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &project.UsageError{Msg: fmt.Sprintf("%s takes one spec id, not %d", c.CommandPath(), len(args)), Mend: "chant list shows the ids"}
	}
	return nil
}

// completeIDs returns the ids of all specs for shell completion.
func (a *App) completeIDs(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	p, err := a.project()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var ids []string
	for _, s := range p.Set.All() {
		ids = append(ids, s.ID+"\t"+clean(s.Title))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
