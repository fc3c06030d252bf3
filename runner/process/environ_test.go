package process

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnviron(t *testing.T) {
	t.Parallel()
	env := []string{
		"PATH=/bin", "GITHUB_ENV=f", "GITHUB_PATH=f", "GITHUB_OUTPUT=f", "GITHUB_STATE=f", "GITHUB_STEP_SUMMARY=f",
		"GITHUB_TOKEN=t", "ACTIONS_RUNTIME_TOKEN=t", "ACTIONS_CACHE_URL=u", "GITHUB_SHA=abc", "MY_ACTIONS_X=1", "GITHUB_ENVIRONMENT=e",
		"GH_TOKEN=t", "GH_HOST=h", "CI_JOB_TOKEN=t", "CI_JOB_JWT=t", "CI_JOB_JWT_V2=t", "CI_JOB_ID=1", "CI_REGISTRY_PASSWORD=p",
		"CI_DEPLOY_PASSWORD=p", "CI_DEPLOY_USER=u", "CI_DEPENDENCY_PROXY_PASSWORD=p", "CI_REPOSITORY_URL=https://gitlab-ci-token:t@h/d",
		"BUILDKITE_AGENT_ACCESS_TOKEN=t", "BUILDKITE_AGENT_JOB_API_TOKEN=t", "BUILDKITE_AGENT_JOB_API_SOCKET=s", "BUILDKITE_AGENT_ID=i",
		"CIRCLE_TOKEN=t", "CIRCLE_OIDC_TOKEN=t", "CIRCLE_OIDC_TOKEN_V2=t", "CIRCLE_SHA1=abc", "SYSTEM_ACCESSTOKEN=t", "SYSTEM_JOBID=i",
		"GIT_DIR=.git", "GIT_INDEX_FILE=i", "GIT_WORK_TREE=.", "GIT_PREFIX=", "GIT_AUTHOR_NAME=a", "GIT_CONFIG_GLOBAL=/dev/null",
	}
	before := strings.Join(env, "\n")
	want := []string{"PATH=/bin", "GITHUB_SHA=abc", "MY_ACTIONS_X=1", "GITHUB_ENVIRONMENT=e", "GH_HOST=h", "CI_JOB_ID=1", "CI_DEPLOY_USER=u",
		"BUILDKITE_AGENT_ID=i", "CIRCLE_SHA1=abc", "SYSTEM_JOBID=i", "GIT_AUTHOR_NAME=a", "GIT_CONFIG_GLOBAL=/dev/null"}
	if diff := cmp.Diff(want, Environ(env)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Join(env, "\n") != before {
		t.Error("the given environment was changed")
	}
}
