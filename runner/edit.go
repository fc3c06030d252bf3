package runner

import (
	"errors"
	"slices"

	"chant/runner/project"
	"chant/spec"
	"chant/storage/atomicfile"
)

// editSpec changes a spec's file by f. A problem that f finds gets the file's name.
func (e *Engine) editSpec(at string, f func(src []byte) ([]byte, error)) error {
	return atomicfile.Transform(project.Abs(e.Settings.Root, at), func(src []byte) ([]byte, error) {
		out, err := f(src)
		if problem, ok := errors.AsType[spec.Problem](err); ok && problem.Path == "" { // of the edit
			problem.Path = at
			err = problem
		}
		return out, err
	})
}

// changedRecord names a record that only chant writes and in which two versions of
// a spec differ; "" where they agree in all.
func changedRecord(was, is spec.Meta) string {
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

// writtenRecord names what a new spec records of its own completion; "" where it
// records nothing.
func writtenRecord(s *spec.Spec) string {
	if slices.ContainsFunc(s.Criteria, func(c spec.Criterion) bool { return c.Ticked }) {
		return "a tick"
	}
	none := spec.Meta{Status: s.Status, Approval: spec.Approval{Required: s.Approval.Required}}
	if s.Status == spec.StatusCompleted {
		none.Status = spec.StatusPending
	}
	return changedRecord(none, s.Meta)
}
