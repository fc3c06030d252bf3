package cmd

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"chant/runner/record"
)

// Limits for lists that can be as long as the repository. --json has the whole
// lists.
const (
	shownPaths     = 30 // in text
	foldedPaths    = 500
	shownDiffLines = 100
)

// scope is the last line of every proof.
const scope = "Scope: this test, these runs, this machine."

// showProofs writes all proofs, each with its verdict at the end.
func showProofs(s *screen, proofs []record.Proof) {
	for i, p := range proofs {
		if i > 0 {
			s.line()
		}
		showProof(s, p)
	}
}

func showProof(s *screen, p record.Proof) {
	s.line(bold("proof of "+p.Fix), plain("by "+p.Reproduction))
	s.line(plain("  base"), plain(revision(p.Base)))
	s.line(plain("  head"), plain(revision(p.Head)))
	s.line()
	s.table(cellRows(p))
	for _, c := range p.Cells {
		if c.Output != "" && !c.Held {
			s.line(faint(fmt.Sprintf("  output of %s:", c.Name)))
			showOutput(s, c.Output, outputLines)
		}
	}
	showChanged(s, p)
	if !p.Intact.Same && p.Intact.Diff != "" {
		s.line()
		s.line(plain("  the test was changed:"))
		showDiff(s, p.Intact.Diff)
	}
	s.line()
	s.line(verdictOf(p), plain(reasonOf(p)))
	for _, words := range p.Warnings {
		s.line(coloured("! "+words, yellow))
	}
	for _, words := range statistics(p) {
		s.line(plain(words))
	}
	s.line(faint(scope))
}

// revision describes the base or the head of a proof.
func revision(r record.Revision) string {
	words := short(r.Commit) + ", tree " + short(r.Tree)
	switch {
	case r.Worktree:
		return "the work tree on " + words
	case r.Rebuilt:
		return "rebuilt on " + words
	}
	return words
}

// cellRows returns the matrix as table rows. If the reproduction has several
// checks, the name of a cell includes the number of its criterion.
func cellRows(p record.Proof) [][]text {
	rows := [][]text{{faint("    cell"), faint("tree"), faint("wanted"), faint("runs"), faint("outcomes")}}
	for _, c := range p.Cells {
		words := outcomes(c)
		if c.Reason != "" {
			words = strings.TrimPrefix(words+": "+c.Reason, ": ")
		}
		rows = append(rows, []text{
			markOf(p, c), plain(short(c.Tree)), plain(c.Wanted), plain(runsOf(c)), plain(words),
		})
	}
	return rows
}

func markOf(p record.Proof, c record.Cell) text {
	name := c.Name
	if len(p.Checks) > 1 && c.Criterion > 0 {
		name += fmt.Sprintf(" (%d)", c.Criterion)
	}
	switch {
	case c.Name == record.CellIntact && c.Held && !p.Intact.Same:
		return coloured("  ! "+name, yellow) // the changed test passes; a reader has to look at the change
	case c.Held:
		return coloured("  ✓ "+name, green)
	case c.Runs > 0:
		return coloured("  ✗ "+name, red)
	}
	return faint("  · " + name)
}

func runsOf(c record.Cell) string {
	switch {
	case c.Runs == 0:
		return "–"
	case c.SharedWith != "":
		return fmt.Sprintf("%d, those of %s", c.Runs, c.SharedWith)
	}
	return strconv.Itoa(c.Runs)
}

// outcomes lists a cell's outcomes with their counts. A run that held is called
// red or green, depending on the cell.
func outcomes(c record.Cell) string {
	held := "held"
	switch c.Name {
	case record.CellRed, record.CellCausal:
		held = "red"
	case record.CellGreen:
		held = "green"
	}
	var words []string
	for _, o := range []record.Outcome{
		record.Held, record.NotHeld, record.WrongReason, record.NoTest, record.NotStarted,
		record.Killed, record.TimedOut, record.Interrupted, record.InvalidRun,
	} {
		if n := c.ByOutcome[o]; n > 0 {
			word := strings.Replace(strings.ReplaceAll(string(o), "_", " "), "held", held, 1)
			words = append(words, fmt.Sprintf("%d %s", n, word))
		}
	}
	return strings.Join(words, ", ")
}

func verdictOf(p record.Proof) text {
	style := red
	switch p.Verdict {
	case record.Proven:
		style = green
	case record.Inconclusive:
		style = yellow
	}
	return coloured(string(p.Verdict)+":", style)
}

// reasonOf returns the reason of the verdict, with what shows that the test passes.
func reasonOf(p record.Proof) string {
	if p.Evidence == "" {
		return p.Reason
	}
	return p.Reason + ". Evidence: " + string(p.Evidence)
}

// statistics returns the numbers of a proof as sentences, and its notes.
func statistics(p record.Proof) []string {
	var list []string
	for _, c := range p.Checks {
		words := rates(c, cellOf(p, record.CellRed, c), cellOf(p, record.CellGreen, c))
		if words != "" && len(p.Checks) > 1 {
			words = fmt.Sprintf("criterion %d: %s", c.Criterion, words)
		}
		list = append(list, words)
	}
	list = append(list, coverage(p.Coverage))
	return slices.DeleteFunc(append(list, p.Notes...), func(s string) bool { return s == "" })
}

func cellOf(p record.Proof, name string, check record.ProofCheck) record.Cell {
	for _, c := range p.Cells {
		if c.Name == name && c.Criterion == check.Criterion {
			return c
		}
	}
	return record.Cell{}
}

// rates says how often a check failed before and after; "" if it never ran.
func rates(c record.ProofCheck, before, after record.Cell) string {
	n := valid(before)
	if n == 0 {
		return ""
	}
	k := before.ByOutcome[record.Held]
	words := fmt.Sprintf("before: failed as stated %d of %d (%s, 95 %% bounds %s to %s)",
		k, n, percent(float64(k)/float64(n)), percent(c.Bounds.RedLow), percent(c.Bounds.RedHigh))
	failed := after.Failed()
	m := after.ByOutcome[record.Held] + failed
	if m == 0 {
		return words
	}
	words += fmt.Sprintf("; after: failed %d of %d", failed, m)
	if failed == 0 {
		words += fmt.Sprintf(" (at most %s, 95 %% bound); chance of this if nothing changed: %.2g", percent(c.Bounds.GreenHigh), c.PValue)
	}
	return words
}

// valid returns the number of valid runs.
func valid(c record.Cell) int { return c.Runs - c.ByOutcome[record.InvalidRun] }

// percent formats a rate with three digits, so that it does not round 0.0012 to
// 0 or 0.9988 to 1.
func percent(rate float64) string {
	p := rate * 100
	if p > 99 && p < 100 {
		return strconv.FormatFloat(math.Min(p, 99.99), 'f', 2, 64) + " %"
	}
	return strconv.FormatFloat(p, 'g', 3, 64) + " %"
}

func coverage(c *record.Coverage) string {
	if c == nil {
		return ""
	}
	words := fmt.Sprintf("the test ran %d of the fix's %s", c.Covered, plural(c.Changed, "changed line"))
	missed := ranges(c.Missed)
	if len(missed) > 0 {
		words += "; not run: " + strings.Join(missed[:min(len(missed), shownPaths)], ", ")
	}
	if more := len(missed) - shownPaths; more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	return words
}

// ranges joins consecutive lines, each as PATH:LINE, to PATH:FIRST-LAST.
func ranges(places []string) []string {
	type span struct {
		path        string
		first, last int
	}
	var spans []span
	for _, at := range places {
		colon := max(strings.LastIndexByte(at, ':'), 0)
		line, err := strconv.Atoi(strings.TrimPrefix(at[colon:], ":"))
		if err != nil {
			spans = append(spans, span{path: at}) // shown as it is
			continue
		}
		spans = append(spans, span{at[:colon], line, line})
	}
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(strings.Compare(a.path, b.path), cmp.Compare(a.first, b.first))
	})
	var list []string
	for i := 0; i < len(spans); i++ {
		s := spans[i]
		for i+1 < len(spans) && spans[i+1].path == s.path && spans[i+1].first == s.last+1 {
			i++
			s.last = spans[i].last
		}
		switch {
		case s.first == 0:
			list = append(list, s.path)
		case s.first == s.last:
			list = append(list, fmt.Sprintf("%s:%d", s.path, s.first))
		default:
			list = append(list, fmt.Sprintf("%s:%d-%d", s.path, s.first, s.last))
		}
	}
	return list
}

func showChanged(s *screen, p record.Proof) {
	if len(p.Changed) == 0 {
		return
	}
	s.line()
	s.line(plainf("  changed between base and head, %s:", plural(len(p.Changed), "path")))
	rows := [][]text{{faint("  class"), faint("path"), faint("green"), faint("causal")}}
	for _, one := range mostRelevant(p.Changed, shownPaths) {
		class := plain("  " + string(one.Class))
		if one.Class == record.ClassHarness {
			class = coloured("  "+string(one.Class), yellow)
		}
		rows = append(rows, []text{class, plain(one.Path), plain(string(one.Green)), plain(string(one.Causal))})
	}
	s.table(rows)
	if more := len(p.Changed) - shownPaths; more > 0 {
		s.line(faint(fmt.Sprintf("  … and %d more: --json lists them", more)))
	}
}

// mostRelevant returns at most n of the changed paths, sorted by how much their
// class matters for the proof.
func mostRelevant(paths []record.ProofPath, n int) []record.ProofPath {
	order := []record.PathClass{record.ClassFix, record.ClassHarness, record.ClassTest, record.ClassOther, record.ClassSpec}
	sorted := slices.SortedStableFunc(slices.Values(paths), func(a, b record.ProofPath) int {
		return cmp.Compare(slices.Index(order, a.Class), slices.Index(order, b.Class))
	})
	return sorted[:min(len(sorted), n)]
}

func showDiff(s *screen, diff string) {
	lines := strings.Split(strings.TrimRight(diff, "\n"), "\n")
	for _, line := range lines[:min(len(lines), shownDiffLines)] {
		shown := plain(line)
		switch {
		case strings.HasPrefix(line, "+"):
			shown = coloured(line, green)
		case strings.HasPrefix(line, "-"):
			shown = coloured(line, red)
		}
		s.line(faint("      |"), shown)
	}
	if more := len(lines) - shownDiffLines; more > 0 {
		s.line(faint(fmt.Sprintf("      | … %s more: --json has all", plural(more, "line"))))
	}
}
