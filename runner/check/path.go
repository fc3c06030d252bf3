package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"chant/runner/process"
)

// WithProgram returns env with a PATH in which the program at self is found under its own
// name. Its folder comes last, so that no other program in it is preferred to the user's,
// unless another program has that name: then it comes first. If self is empty, env is
// returned unchanged.
func WithProgram(env []string, self string) []string {
	if self == "" {
		return env
	}
	path, dir := "", filepath.Dir(self)
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	found, err := process.Look(filepath.Base(self), env)
	switch {
	case path == "":
		path = dir
	case err != nil:
		path += string(filepath.ListSeparator) + dir
	case !sameFile(found, self):
		path = dir + string(filepath.ListSeparator) + path
	}
	return append(slices.Clip(env), "PATH="+path) // of a repeated name the last counts
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
