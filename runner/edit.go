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
	return project.ChangedRecord(none, s.Meta)
}
