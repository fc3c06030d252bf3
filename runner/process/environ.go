package process

import (
	"slices"
	"strings"
)

// Environ returns env without the variables by which a command could change
// what a CI service believes: GitHub's command files, its token, and the
// access to its runtime services. It does not change env.
func Environ(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return ciControl(name)
	})
}

// ciControl reports whether a variable lets its reader act on the CI service.
func ciControl(name string) bool {
	switch name {
	case "GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_TOKEN":
		return true
	}
	return strings.HasPrefix(name, "ACTIONS_")
}
