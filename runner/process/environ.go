package process

import (
	"slices"
	"strings"
)

// Environ returns env without the variables by which a command could change
// what a CI service believes (GitHub's command files, its token, and the access
// to its runtime services), and without those that lead git elsewhere than to the
// repository that the command's folder is in. It does not change env.
func Environ(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return ciControl(name) || leadsGit(name)
	})
}

// leadsGit reports whether git takes a repository, or a part of it, from a
// variable. Git sets them for its hooks: a check that makes a repository of its
// own would then write into the user's.
func leadsGit(name string) bool {
	switch name {
	case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
		"GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE":
		return true
	}
	return false
}

// ciControl reports whether a variable lets its reader act on the CI service.
func ciControl(name string) bool {
	switch name {
	case "GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_TOKEN":
		return true
	}
	return strings.HasPrefix(name, "ACTIONS_")
}
