package prove

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"chant/runner/check"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// regressionCheck is a check that a fix must not break.
type regressionCheck struct {
	specID, name string
	group        check.Group
}

// regressionChecks lists the checks with at=head of every other completed spec,
// and the suite of the config.
func (p *proving) regressionChecks() []regressionCheck {
	var list []regressionCheck
	for _, s := range p.head.project.Set.Order() {
		if s.Status != spec.StatusCompleted || s.ID == p.original.ID || s.ID == p.fix.ID {
			continue
		}
		for _, g := range check.Groups(s) {
			if g.Check.At == spec.AtHead && !g.Check.ExpectFail {
				list = append(list, regressionCheck{s.ID, fmt.Sprintf("%s criterion %d", s.ID, g.Criteria[0].Number), g})
			}
		}
	}
	suite := slices.Clone(p.config.Suite)
	for _, script := range p.head.project.Config.Suite {
		if !slices.Contains(suite, script) {
			suite = append(suite, script)
		}
	}
	for _, script := range suite {
		c := &spec.Check{Lang: "sh", Script: script, Repeat: 1, AtLeast: 1, Timeout: spec.DefaultTimeout, Dir: ".", At: spec.AtHead}
		group := check.Group{Check: c, Criteria: []spec.Criterion{{Text: script, Check: c}}}
		list = append(list, regressionCheck{project.ConfigFile, "suite " + script, group})
	}
	return list
}

// keep runs the regression checks at head; those that do not hold there, at base
// too. A regression held at base and twice did not hold at head.
func (p *proving) keep(ctx context.Context) error {
	c := p.cell(record.CellKept, 0)
	defer func() { p.out.Cells = append(p.out.Cells, c) }()
	if v := p.out.Verdict; v != record.Proven && v != record.Inconclusive {
		return nil
	}
	c.Held, c.Reason = true, ""
	list := p.regressionChecks()
	if len(list) == 0 {
		c.Reason = "no other check and no suite"
		return nil
	}
	// In new checkouts: what the test left in the others could break a check, or
	// make it hold.
	if err := p.closeCheckouts(); err != nil {
		return err
	}
	var broken []string
	var atBase []record.CheckResult // of the first of list
	for i, r := range list {
		p.prover.Settings.Emit(p.progress(record.CellKept, i, len(list)-i))
		now, excused, err := p.judgeRegression(ctx, list[:i+1], &atBase)
		if err != nil {
			return err
		}
		c.Runs++
		c.ByOutcome[now.Outcome]++
		c.DurationMS += now.DurationMS
		if excused || now.Outcome == record.Held {
			continue
		}
		broken = append(broken, r.name+" held at base: "+now.Reason)
		if c.Output == "" {
			c.Output, c.LogDigest = p.withoutFolders(now.Output), now.OutputDigest
		}
	}
	if len(broken) > 0 {
		c.Held, c.Reason = false, strings.Join(broken, "; ")
		p.out.Verdict, p.out.Reason, p.out.Needed = record.Regressed, c.Reason, 0
	}
	return nil
}

// judgeRegression runs the last of list at head, and at base if that is needed to
// judge it. Excused tells that it did not hold at base either. The checks follow
// one another in one tree, as in a verification.
func (p *proving) judgeRegression(
	ctx context.Context, list []regressionCheck, atBase *[]record.CheckResult,
) (now record.CheckResult, excused bool, err error) {
	last := list[len(list)-1]
	if now, err = p.runRegression(ctx, p.head.tree, last); err != nil || now.Outcome == record.Held {
		return now, false, err
	}
	for _, r := range list[len(*atBase):] { // also those before it: it may need what they leave
		then, err := p.runRegression(ctx, p.base, r)
		if err != nil {
			return now, false, err
		}
		*atBase = append(*atBase, then)
	}
	if (*atBase)[len(list)-1].Outcome != record.Held {
		p.note("%s does not hold at head, nor at base: %s", last.name, now.Reason)
		return now, true, nil
	}
	now, err = p.runRegression(ctx, p.head.tree, last) // again: one failure by chance is no regression
	return now, false, err
}

func (p *proving) runRegression(ctx context.Context, tree *treeSpec, r regressionCheck) (record.CheckResult, error) {
	if err := p.checkOut(ctx, tree); err != nil {
		return record.CheckResult{}, err
	}
	at := p.checkouts.open[tree]
	if err := at.files.Restore(); err != nil {
		return record.CheckResult{}, err
	}
	result, err := p.checker.Run(ctx, at.checkout.Dir(), r.specID, r.group)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return result, err
}
