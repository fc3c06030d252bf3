package runner

import (
	"context"
	"fmt"
	"strings"

	"chant/spec"
)

// standing is a check that a fix must not break.
type standing struct {
	specID string
	name   string
	unit
}

// standing lists what has to be kept: the checks of the present of every other
// completed spec, and the suite of the config.
func (p *proving) standing() []standing {
	var list []standing
	for _, s := range p.project.Set.Order() {
		if s.Status != spec.StatusCompleted || s.ID == p.reproduction.ID || s.ID == p.fix.ID {
			continue
		}
		for _, u := range units(s) {
			if u.check.At == spec.AtHead && !u.check.ExpectFail {
				list = append(list, standing{s.ID, fmt.Sprintf("%s criterion %d", s.ID, u.criteria[0].Number), u})
			}
		}
	}
	for _, script := range p.project.Config.Suite {
		list = append(list, standing{ConfigFile, "suite " + script, command(script)})
	}
	return list
}

// keep runs what has to be kept at head; what does not hold there, at base too.
// Only what held at base and does not at head, twice, is a regression.
func (p *proving) keep(ctx context.Context) error {
	c := p.cell(CellKept, 0)
	defer func() { p.out.Cells = append(p.out.Cells, c) }()
	if v := p.out.Verdict; v != Proven && v != Inconclusive {
		return nil
	}
	list := p.standing()
	c.Held, c.Reason = true, ""
	if len(list) == 0 {
		c.Reason = "no other check and no suite"
		return nil
	}
	if err := p.export(ctx, p.head.layout); err != nil {
		return err
	}
	var broken []string
	for i, s := range list {
		p.Emit(ProofProgress{Reproduction: p.reproduction.ID, Fix: p.fix.ID, Cell: CellKept, Done: i, Planned: len(list), Left: len(list) - i})
		now, held, err := p.stands(ctx, s)
		if err != nil {
			return err
		}
		c.Runs++
		c.ByOutcome[now.Outcome]++
		c.DurationMS += now.DurationMS
		if held || now.Outcome == Held {
			continue
		}
		broken = append(broken, s.name+" held at base: "+now.Reason)
		if c.Output == "" {
			c.Output, c.LogDigest = p.withoutPlaces(now.Output), now.OutputDigest
		}
	}
	if len(broken) > 0 {
		c.Held, c.Reason = false, strings.Join(broken, "; ")
		p.out.Verdict, p.out.Reason, p.out.Needed = Regressed, c.Reason, 0
	}
	return nil
}

// stands runs one check at head, and at base where that is needed to judge it.
// excused tells that it did not hold at base either.
func (p *proving) stands(ctx context.Context, s standing) (now CheckResult, excused bool, err error) {
	run := func(l layout) (CheckResult, error) {
		at := p.places[l.id]
		if err := at.restore(); err != nil {
			return CheckResult{}, err
		}
		res, err := p.checker.run(ctx, at.dir, s.specID, s.unit)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return res, err
	}
	if now, err = run(p.head.layout); err != nil || now.Outcome == Held {
		return now, false, err
	}
	then, err := run(p.red)
	if err != nil {
		return now, false, err
	}
	if then.Outcome != Held {
		p.note("%s does not hold at head, nor at base: %s", s.name, now.Reason)
		return now, true, nil
	}
	now, err = run(p.head.layout) // once more: one chance failure is no regression
	return now, false, err
}
