package project

import (
	"slices"

	"chant/spec"
)

// WrittenRecord returns what a new spec records about its own completion, or "" if it
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

// ChangedRecord returns which of the records that only chant writes differs in two versions
// of a spec, or "" if none does.
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
