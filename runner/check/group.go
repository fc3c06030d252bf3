package check

import (
	"context"
	"errors"

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

// All decides every criterion of s. It runs each check in the tree whose root where returns.
// If there is an error or ctx is done, it returns the results so far.
func (x *Runner) All(
	ctx context.Context, where func(*spec.Check) (root string, err error), s *spec.Spec,
) ([]record.Result, error) {
	decided := map[int]record.Result{}
	for _, g := range Groups(s) {
		res, err := x.runIn(ctx, where, s.ID, g)
		if err != nil || ctx.Err() != nil {
			return inOrder(s, decided), err
		}
		for _, c := range g.Criteria {
			r := result(c)
			r.Outcome, r.Reason, r.Check = res.Outcome, res.Reason, &res
			decided[c.Number] = r
			x.Emit(record.CriterionDone{Spec: s.ID, Result: r})
		}
	}
	for _, c := range s.Criteria {
		if c.Manual() {
			r := result(c)
			if r.Outcome = record.Unattested; s.AttestedBy(c) != nil {
				r.Outcome = record.Attested
			}
			decided[c.Number] = r
			x.Emit(record.CriterionDone{Spec: s.ID, Result: r})
		}
	}
	return inOrder(s, decided), nil
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

func result(c spec.Criterion) record.Result {
	return record.Result{Number: c.Number, Text: c.Text, Line: c.Pos.Line, Manual: c.Manual()}
}

func inOrder(s *spec.Spec, decided map[int]record.Result) []record.Result {
	results := []record.Result{}
	for _, c := range s.Criteria {
		if r, ok := decided[c.Number]; ok {
			results = append(results, r)
		}
	}
	return results
}
