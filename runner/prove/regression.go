package prove

import (
	"context"
	"fmt"
	"strings"

	"chant/runner/check"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// standing is a check that a fix must not break.
type standing struct {
	specID string
	name   string
	check.Group
}

// standing lists what has to be kept: the checks of the present of every other
// completed spec, and the suite of the config.
func (p *proving) standing() []standing {
	var list []standing
	for _, s := range p.project.Set.Order() {
		if s.Status != spec.StatusCompleted || s.ID == p.reproduction.ID || s.ID == p.fix.ID {
			continue
		}
		for _, u := range check.Groups(s) {
			if u.Check.At == spec.AtHead && !u.Check.ExpectFail {
				list = append(list, standing{s.ID, fmt.Sprintf("%s criterion %d", s.ID, u.Criteria[0].Number), u})
			}
		}
	}
	for _, script := range p.project.Config.Suite {
		list = append(list, standing{project.ConfigFile, "suite " + script, command(script)})
	}
	return list
}

// keep runs what has to be kept at head; what does not hold there, at base too.
// Only what held at base and does not at head, twice, is a regression.
func (p *proving) keep(ctx context.Context) error {
	c := p.cell(record.CellKept, 0)
	defer func() { p.out.Cells = append(p.out.Cells, c) }()
	if v := p.out.Verdict; v != record.Proven && v != record.Inconclusive {
		return nil
	}
	k := keeping{proving: p, list: p.standing(), head: p.head.apart(record.CellKept), base: p.base.apart(record.CellKept)}
	c.Held, c.Reason = true, ""
	if len(k.list) == 0 {
		c.Reason = "no other check and no suite"
		return nil
	}
	if err := p.export(ctx, k.head); err != nil {
		return err
	}
	var broken []string
	for i, s := range k.list {
		p.Settings.Emit(record.ProofProgress{Reproduction: p.reproduction.ID, Fix: p.fix.ID, Cell: record.CellKept, Done: i, Planned: len(k.list), Left: len(k.list) - i})
		now, held, err := k.stands(ctx, i)
		if err != nil {
			return err
		}
		c.Runs++
		c.ByOutcome[now.Outcome]++
		c.DurationMS += now.DurationMS
		if held || now.Outcome == record.Held {
			continue
		}
		broken = append(broken, s.name+" held at base: "+now.Reason)
		if c.Output == "" {
			c.Output, c.LogDigest = p.withoutPlaces(now.Output), now.OutputDigest
		}
	}
	if len(broken) > 0 {
		c.Held, c.Reason = false, strings.Join(broken, "; ")
		p.out.Verdict, p.out.Reason, p.out.Needed = record.Regressed, c.Reason, 0
	}
	return nil
}

// keeping runs what has to be kept in trees of its own: what the test left in
// the others could make a check hold, or break it. As in a verification, the
// checks follow one another in one tree.
type keeping struct {
	*proving
	list       []standing
	head, base layout
	then       []record.CheckResult // of the first of list, at base
}

// stands runs the i-th check at head, and at base where that is needed to judge
// it. excused tells that it did not hold at base either.
func (k *keeping) stands(ctx context.Context, i int) (now record.CheckResult, excused bool, err error) {
	s := k.list[i]
	if now, err = k.runIn(ctx, k.head, s); err != nil || now.Outcome == record.Held {
		return now, false, err
	}
	if err := k.export(ctx, k.base); err != nil {
		return now, false, err
	}
	for n := len(k.then); n <= i; n++ { // those before it too: it may need what they leave
		then, err := k.runIn(ctx, k.base, k.list[n])
		if err != nil {
			return now, false, err
		}
		k.then = append(k.then, then)
	}
	if k.then[i].Outcome != record.Held {
		k.note("%s does not hold at head, nor at base: %s", s.name, now.Reason)
		return now, true, nil
	}
	now, err = k.runIn(ctx, k.head, s) // once more: one chance failure is no regression
	return now, false, err
}

func (k *keeping) runIn(ctx context.Context, l layout, s standing) (record.CheckResult, error) {
	at := k.places[l.folder]
	if err := at.restore(); err != nil {
		return record.CheckResult{}, err
	}
	res, err := k.checker.Run(ctx, at.dir, s.specID, s.Group)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return res, err
}
