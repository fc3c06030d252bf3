package project

import (
	"chant/spec"
	"slices"
)

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
