package prove

import (
	"context"
	"fmt"
	"strings"

	"chant/runner/check"
	"chant/runner/record"
)

// rewrote tells whether head has another test than base.
func (p *proving) rewrote() bool {
	return len(changedPaths(p.base.files, p.head.tree.files, p.isTest)) > 0
}

// rewritten runs the test as head has it, if that is another one, as often as
// green has to be, and returns the verdict with what that showed. Fewer passes
// could be chance, and are no sign that the test was weakened.
func (p *proving) rewritten(ctx context.Context, c *checkRuns, runs tally) (finding, error) {
	s := c.schedule
	if !s.changed || s.red[record.Held] == 0 || c.found.verdict == record.NotProvable {
		return c.found, nil
	}
	last, enough, err := p.passes(ctx, c, record.CellIntact, p.head.tree, func(run check.JudgedRun) check.JudgedRun {
		runs[run.Outcome]++
		p.changed.add(run)
		return run
	})
	if err != nil {
		return c.found, err
	}
	switch v := c.found.verdict; {
	case v == record.NotFixed && last.Outcome == record.Held && enough:
		return finding{verdict: record.Weakened, reason: "the original test does not pass at head, the changed one does"}, nil
	case (v == record.Proven || v == record.Inconclusive) && last.Outcome != record.Held:
		return finding{verdict: record.NotFixed, reason: "the original test passes at head, the changed one does not: " + last.Why}, nil
	}
	return c.found, nil
}

// judgedByHead corrects the verdict by what the trees of the cells can't show.
//
// It runs a test that does not pass with what judges it as it was before the
// fix once more with what judges it at head, and returns the verdict with what that
// showed: if it passes now, nobody knows whether the fix repaired anything.
func (p *proving) judgedByHead(ctx context.Context, c *checkRuns) (finding, error) {
	s := c.schedule
	if len(p.fixed) == 0 && s.green[record.Held] > 0 && s.green.failed() == 0 && s.red[record.Held] > 0 {
		return because(record.NotProvable, "no target file of the fix differs between base and head, and yet the test passes at head"), nil
	}
	useless := c.found.verdict == record.Inconclusive && s.green.useless() >= maxUseless
	if p.judged == p.green || c.found.verdict != record.NotFixed && !useless {
		return c.found, nil
	}
	last, enough, err := p.passes(ctx, c, record.CellGreen, p.judged, c.names.examine)
	if err != nil || last.Outcome != record.Held || !enough {
		return c.found, err
	}
	return because(record.NotProvable, "the test passes only with what judges it as head has it: %s"+
		" (make that change in a commit of its own before the reproduction is completed, or accept it with --allow-harness)",
		p.namedJudges()), nil
}

// namedJudges lists what judges the fix and was changed. Of many paths the harness comes
// first.
func (p *proving) namedJudges() string {
	const most = 10
	paths := p.out.Harness
	for _, path := range changedPaths(p.base.files, p.head.tree.files, p.isJudge) {
		if p.classes[path] != record.ClassHarness {
			paths = append(paths, path)
		}
	}
	if len(paths) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(paths[:most], ", "), len(paths)-most)
	}
	return strings.Join(paths, ", ")
}

// passes runs the check in a tree until it does not pass, at most as often as green has
// to. Enough tells that it has passed as often.
func (p *proving) passes(
	ctx context.Context, c *checkRuns, cell string, tree *treeSpec, judge func(check.JudgedRun) check.JudgedRun,
) (last check.JudgedRun, enough bool, err error) {
	if err := p.checkOut(ctx, tree); err != nil {
		return last, false, err
	}
	wanted := min(c.schedule.needed(), p.opts.MaxRuns)
	for n := 0; n < wanted && (n == 0 || last.Outcome == record.Held); n++ {
		p.prover.Settings.Emit(p.progress(cell, n, wanted-n))
		if last, err = p.runAlone(ctx, cell, tree, c.group.Check, c.command); err != nil {
			return last, false, err
		}
		last = judge(last)
	}
	return last, wanted == c.schedule.needed(), nil
}
