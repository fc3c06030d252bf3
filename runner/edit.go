package runner

import (
	"errors"
	"fmt"

	"chant/runner/project"
	"chant/spec"
	"chant/storage/atomicfile"
)

// editSpec changes a spec's file with f. It adds the path to a problem that f returns.
func (e *Engine) editSpec(at string, f func(src []byte) ([]byte, error)) error {
	return atomicfile.Transform(project.Abs(e.Settings.Root, at), func(src []byte) ([]byte, error) {
		out, err := f(src)
		if problem, ok := errors.AsType[spec.Problem](err); ok && problem.Path == "" {
			problem.Path = at
			err = problem
		}
		return out, err
	})
}

// usage returns a *project.UsageError.
func usage(mend, format string, args ...any) error {
	return &project.UsageError{Msg: fmt.Sprintf(format, args...), Mend: mend}
}
