package process

import (
	"slices"
	"strings"
)

// Environ returns env without the variables with which a command could control the CI
// service (GitHub's command files, its token, and the access to its runtime services),
// and without those that make git use another repository than that of the command's
// folder. It does not change env.
//
// Git sets these for its hooks. With them, a check that creates a repository of its own
// would write into the user's.
func Environ(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case "GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_TOKEN",
			"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
			"GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE":
			return true
		}
		return strings.HasPrefix(name, "ACTIONS_")
	})
}
