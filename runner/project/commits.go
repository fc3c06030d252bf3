package project

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"chant/runner/git"
	"chant/spec"
)

// MissingCommits returns a warning for every recorded commit of the specs that the
// repository lacks. In a shallow clone it returns none, because nobody could tell.
func MissingCommits(ctx context.Context, repo interface {
	Run(ctx context.Context, c git.Call) ([]byte, error)
}, specs []*spec.Spec) (spec.Problems, error) {
	var problems spec.Problems
	var names strings.Builder
	hash := regexp.MustCompile(`^[0-9a-fA-F]{4,64}$`)
	for _, s := range specs {
		for _, commit := range s.Commits {
			problems = append(problems, spec.Problem{
				ID: s.ID, Path: s.Path, Pos: s.KeyPos("commits"), Severity: spec.Warning, Rule: "unknown-commit",
				Msg:  fmt.Sprintf("recorded commit %q is not in this repository", commit),
				Hint: "a squash or rebase does this; chant verify shows whether the spec still holds",
			})
			if !hash.MatchString(commit) {
				commit = "-" // names no object
			}
			names.WriteString(commit + "^{commit}\n")
		}
	}
	if len(problems) == 0 {
		return nil, nil
	}
	shallow, err := repo.Run(ctx, git.Call{Args: []string{"rev-parse", "--is-shallow-repository"}})
	if err != nil || strings.TrimSpace(string(shallow)) == "true" {
		return nil, err
	}
	out, err := repo.Run(ctx, git.Call{
		Args: []string{"cat-file", "--batch-check"}, Stdin: strings.NewReader(names.String()), Env: []string{"GIT_NO_LAZY_FETCH=1"},
	})
	if err != nil {
		return nil, err
	}
	var missing spec.Problems
	for i, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		if i < len(problems) && strings.HasSuffix(line, " missing") {
			missing = append(missing, problems[i])
		}
	}
	return missing, nil
}
