package runner

import (
	"errors"

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
