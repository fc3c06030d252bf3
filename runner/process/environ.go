package process

import (
	"slices"
	"strings"
)

// Environ returns env without the variables with which a command could act as the CI job or
// control it (tokens of the job and the files and sockets of the CI service), and without
// those that make git use another repository than that of the command's folder. It does not
// change env.
//
// Git sets these for its hooks. With them, a check that creates a repository of its own
// would write into the user's.
func Environ(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return controlsCI(name) || leadsGit(name)
	})
}

// controlsCI knows the variables of GitHub, GitLab, Buildkite, CircleCI and Azure. Those
// that a person sets, such as SENTRY_AUTH_TOKEN, are not among them.
func controlsCI(name string) bool {
	switch name {
	case "GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY",
		"GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_ENTERPRISE_TOKEN",
		"CI_JOB_TOKEN", "CI_BUILD_TOKEN", "CI_REPOSITORY_URL", "CI_BUILD_REPO", // GitLab's; the URLs have the token
		"CI_REGISTRY_PASSWORD", "CI_DEPLOY_PASSWORD", "CI_DEPENDENCY_PROXY_PASSWORD",
		"BUILDKITE_AGENT_TOKEN", "BUILDKITE_AGENT_ACCESS_TOKEN", "BUILDKITE_AGENT_JOB_API_TOKEN", "BUILDKITE_AGENT_JOB_API_SOCKET",
		"CIRCLE_TOKEN", "SYSTEM_ACCESSTOKEN", "SYSTEM_OIDCREQUESTURI", "AZURE_DEVOPS_EXT_PAT":
		return true
	}
	return slices.ContainsFunc([]string{"ACTIONS_", "CI_JOB_JWT", "CIRCLE_OIDC_TOKEN"},
		func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

func leadsGit(name string) bool {
	switch name {
	case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
		"GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE":
		return true
	}
	return false
}
