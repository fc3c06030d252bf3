package project

import (
	"slices"

	"chant/spec"
)

// WrittenRecord names what a new spec records of its own completion; "" where it
// records nothing.
func WrittenRecord(s *spec.Spec) string {
	if slices.ContainsFunc(s.Criteria, func(c spec.Criterion) bool { return c.Ticked }) {
		return "a tick"
	}
	none := spec.Meta{Status: s.Status, Approval: spec.Approval{Required: s.Approval.Required}}
	if s.Status == spec.StatusCompleted {
		none.Status = spec.StatusPending
	}
	return ChangedRecord(none, s.Meta)
}

// ChangedRecord names a record that only chant writes and in which two versions of
// a spec differ; "" where they agree in all.
func ChangedRecord(was, is spec.Meta) string {
	switch {
	case is.Status != was.Status:
		return "its status"
	case !is.CompletedAt.Equal(was.CompletedAt) || !slices.Equal(is.Commits, was.Commits):
		return "its completion"
	case !slices.Equal(is.Attested, was.Attested):
		return "its attestations"
	case is.Approval != was.Approval:
		return "its approval"
	case is.Skipped != was.Skipped:
		return "the reason to skip it"
	}
	return ""
}
