package check

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"chant/runner/record"
	"chant/spec"
)

// Group is a check with the criteria that it decides.
type Group struct {
	Check    *spec.Check
	Criteria []spec.Criterion // in the order of the file; the check belongs to the first
}

// Groups returns the checks of s with their criteria, in the order of the file. Manual
// criteria are in no group.
func Groups(s *spec.Spec) []Group {
	var list []Group
	index := map[*spec.Check]int{}
	for _, c := range s.Criteria {
		if c.Manual() {
			continue
		}
		at, ok := index[c.Check]
		if !ok {
			at = len(list)
			index[c.Check] = at
			list = append(list, Group{Check: c.Check})
		}
		list[at].Criteria = append(list[at].Criteria, c)
	}
	return list
}

// All decides every criterion of s, and returns the results in the order of the file. It runs
// each check in the tree whose root where returns. If there is an error or ctx is done, it
// returns the results so far.
func (x *Runner) All(
	ctx context.Context, where func(*spec.Check) (root string, err error), s *spec.Spec,
) (results []record.Result, err error) {
	results = []record.Result{}
	add := func(c spec.Criterion, r record.Result) {
		r.Number, r.Text, r.Line, r.Manual = c.Number, c.Text, c.Pos.Line, c.Manual()
		results = append(results, r)
		x.Emit(record.CriterionDone{Spec: s.ID, Result: r})
	}
	defer func() {
		slices.SortFunc(results, func(a, b record.Result) int { return cmp.Compare(a.Number, b.Number) })
	}()
	for _, g := range Groups(s) {
		res, err := x.runIn(ctx, where, s.ID, g)
		if err != nil || ctx.Err() != nil {
			return results, err
		}
		for _, c := range g.Criteria {
			add(c, record.Result{Outcome: res.Outcome, Reason: res.Reason, Check: &res})
		}
	}
	for _, c := range s.Criteria {
		switch {
		case c.Manual() && s.AttestedBy(c) != nil:
			add(c, record.Result{Outcome: record.Attested})
		case c.Manual():
			add(c, record.Result{Outcome: record.Unattested})
		}
	}
	return results, nil
}

// NoTreeError is returned by the function that All gets if there is no tree for a check.
// The check's outcome is then NotStarted; any other error ends All.
type NoTreeError struct{ Reason string }

// Error returns the reason.
func (n *NoTreeError) Error() string { return n.Reason }

// runIn runs the group's check in the tree that where returns.
func (x *Runner) runIn(
	ctx context.Context, where func(*spec.Check) (string, error), specID string, g Group,
) (record.CheckResult, error) {
	root, err := where(g.Check)
	if none, ok := errors.AsType[*NoTreeError](err); ok {
		res := newCheckResult(g.Check)
		res.Outcome, res.Reason = record.NotStarted, none.Reason
		return res, nil
	}
	if err != nil {
		return record.CheckResult{}, err
	}
	return x.Run(ctx, root, specID, g)
}
