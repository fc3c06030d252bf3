package runner

import (
	"os"
	"path"
	"slices"

	"chant/runner/git"
	"chant/runner/project"
	"chant/spec"
)

// ignoredTargets returns a problem for every target file that exists but is ignored by git,
// so that the commit would lack it. Ignored files that match a glob are no problem.
func (e *Engine) ignoredTargets(s *spec.Spec, now candidate) error {
	var problems spec.Problems
	for _, item := range s.TargetFiles {
		at := path.Clean(item.Value)
		info, err := os.Lstat(project.Abs(e.Settings.Root, at))
		if slices.Contains(now.targets, at) || err != nil || info.IsDir() {
			continue
		}
		var committed git.Hash
		if now.head.Commit != "" {
			if committed, err = e.Git.Entry(now.head.Commit, at); err != nil {
				return err
			}
		}
		if committed == "" {
			problem := spec.Problem{
				ID: s.ID, Path: s.Path, Pos: item.Pos, Severity: spec.Error, Rule: "target-ignored",
				Msg:  "target file " + item.Value + " is ignored by git, so it can't be committed",
				Hint: "git check-ignore -v shows why; git add -f overrides it",
			}
			if inner := e.repositoryAbove(at); inner != "" {
				problem.Msg = "target file " + item.Value + " is in " + inner + ", a repository of its own, so it can't be committed here"
				problem.Hint = "commit it there; if it is a submodule, name " + inner + " in target_files"
			}
			problems = append(problems, problem)
		}
	}
	return problems.Err()
}

// repositoryAbove returns the folder in the project that holds the path and is a repository
// of its own, such as a submodule; "" if there is none.
func (e *Engine) repositoryAbove(at string) string {
	for dir := path.Dir(at); dir != "."; dir = path.Dir(dir) {
		if _, err := os.Lstat(project.Abs(e.Settings.Root, path.Join(dir, ".git"))); err == nil {
			return dir
		}
	}
	return ""
}
