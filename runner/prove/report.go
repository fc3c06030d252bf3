package prove

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"chant/runner/check"
	"chant/runner/record"
	"chant/runner/stats"
)

// add records the results of the i-th check. The verdict is that of the check
// that is furthest from proven.
func (p *proving) add(i int, c *checkRuns) {
	s := c.schedule
	k, n := s.red[record.Held], s.red.counted()
	out := &p.out.Checks[i]
	if out.Needed = c.found.needed; s.green.failed() == 0 {
		out.PValue = stats.Fisher(k, n, s.green[record.Held])
	}
	out.Bounds.RedLow, out.Bounds.RedHigh = stats.Bounds(k, n)
	out.Bounds.GreenHigh = stats.Upper(s.green.failed(), s.green[record.Held]+s.green.failed())
	if i == 0 || out.PValue > p.out.PValue {
		p.out.PValue, p.out.Bounds = out.PValue, out.Bounds
	}
	if i == 0 || c.found.verdict != record.Proven {
		p.out.Verdict, p.out.Reason = c.found.verdict, c.explain()
	}
	p.out.Needed = max(p.out.Needed, out.Needed)
	if s.green[record.Held] > 0 && k > 0 {
		if out.Evidence = c.names.evidence(); weaker(out.Evidence, p.out.Evidence) {
			p.out.Evidence = out.Evidence
		}
	}

	red := p.ran(p.cell(record.CellRed, out.Criterion), s.red, c.seen[record.CellRed], false)
	red.Held = k > 0
	green := p.ran(p.cell(record.CellGreen, out.Criterion), s.green, c.seen[record.CellGreen], true)
	green.Held = k > 0 && s.green.failed() == 0 && s.green[record.Held] >= s.needed()
	causal := p.ran(p.cell(record.CellCausal, out.Criterion), s.causal, c.seen[record.CellCausal], false)
	if causal.Held = s.causal[record.Held] > 0; s.shared {
		causal.SharedWith = record.CellRed
	}
	p.out.Cells = append(p.out.Cells, red, green, causal)
}

// weaker tells whether evidence is weaker than other, which may be none yet.
func weaker(evidence, other record.ProofEvidence) bool {
	order := []record.ProofEvidence{"", record.ByNames, record.ByCounts, record.ByStatus}
	return slices.Index(order, evidence) > slices.Index(order, other)
}

// explain returns the reason of the finding with that of the run that decided it.
func (c *checkRuns) explain() string {
	var run *check.JudgedRun
	if n := c.found.needed; n > 0 {
		cell := record.CellGreen
		if c.schedule.causal[record.Held] == 0 {
			cell = record.CellCausal
		}
		each := c.seen[cell].took / time.Duration(max(1, c.schedule.tally(cell).all()))
		return fmt.Sprintf("%s, which take about %s", c.found.reason, max(time.Second, (each*time.Duration(n)).Round(time.Second)))
	}
	switch c.found.verdict {
	case record.WrongCause:
		run = c.seen[record.CellRed].missed
	case record.NotFixed:
		run = c.seen[record.CellGreen].missed
	case record.NotProvable:
		for _, name := range c.schedule.own() {
			if missed := c.seen[name].missed; run == nil && missed != nil && missed.Outcome == record.InvalidRun {
				run = missed
			}
		}
	case record.Inconclusive:
		switch {
		case c.schedule.green.useless() >= maxUseless:
			run = c.seen[record.CellGreen].missed
		case c.found.needed == 0:
			run = c.seen[record.CellCausal].missed
		}
	}
	if run == nil || run.Why == "" || strings.HasSuffix(c.found.reason, run.Why) {
		return c.found.reason
	}
	return c.found.reason + ": " + run.Why
}

// cell returns a cell that was not run.
func (p *proving) cell(name string, criterion int) record.Cell {
	wanted := map[string]string{
		record.CellRed:    "fails for the stated reason",
		record.CellGreen:  "the same test passes, every run",
		record.CellCausal: "without the fix it fails again",
		record.CellIntact: "the test is the same, or passes as changed",
		record.CellKept:   "what held at base still holds",
	}
	return record.Cell{
		Name: name, Criterion: criterion, Tree: string(p.tree(name).id), Wanted: wanted[name],
		ByOutcome: map[record.Outcome]int{}, Reason: "not run",
	}
}

// unrun returns the cells of checks that were not run.
func (p *proving) unrun(checks []check.Group) []record.Cell {
	cells := []record.Cell{}
	for _, g := range checks {
		for _, name := range []string{record.CellRed, record.CellGreen, record.CellCausal} {
			cells = append(cells, p.cell(name, g.Criteria[0].Number))
		}
	}
	return cells
}

// ran adds the runs to a cell. The run that is shown is the first that held; in a
// cell that needs every run, the first that did not.
func (p *proving) ran(c record.Cell, runs tally, s *seen, every bool) record.Cell {
	c.Runs, c.ByOutcome, c.DurationMS = runs.all(), runs, s.took.Milliseconds()
	shown := s.held
	if shown == nil || every && s.missed != nil {
		shown = s.missed
	}
	if shown != nil {
		c.Reason, c.LogDigest = shown.Why, shown.Observation.Digest
		c.Output = p.withoutFolders(shown.Observation.Output)
	}
	return c
}

// intact returns the cell of the test's own bytes. Runs are those of the test as
// it is in head.
func (p *proving) intact(runs tally) record.Cell {
	c := p.cell(record.CellIntact, 0)
	if p.out.Intact.Same {
		c.Held, c.Reason = true, ""
		return c
	}
	if p.shared != "" || len(p.tests) == 0 && !p.rewrote() {
		c.Reason = "not compared: the reproduction names no file that holds the test alone"
		return c
	}
	if runs.all() > 0 {
		c = p.ran(c, runs, &p.changed, true)
		c.Held = runs[record.Held] == runs.counted()
	}
	if c.Held {
		c.Reason = "the test was changed since base; as changed it passes"
	}
	return c
}
