package runner

import (
	"io/fs"
	"os"
	"path"

	"chant/runner/git"
	"chant/spec"
)

// behindLinks finds the target files that a symbolic link stands before. Git
// commits the link and never what lies behind it, so a run would complete
// without its work.
func behindLinks(root string, s *spec.Spec) spec.Problems {
	var problems spec.Problems
	for _, item := range s.TargetFiles {
		for dir := path.Dir(path.Clean(item.Value)); dir != "." && dir != "/"; dir = path.Dir(dir) {
			info, err := os.Lstat(abs(root, dir))
			if err == nil && info.Mode()&fs.ModeSymlink != 0 {
				problems = append(problems, spec.Problem{
					ID: s.ID, Path: s.Path, Pos: item.Pos, Severity: spec.Error, Rule: "target-behind-link",
					Msg:  "target file " + item.Value + " lies behind the symbolic link " + dir + ", which git does not follow",
					Hint: "name the file by its real path",
				})
			}
		}
	}
	return problems
}

// ignoredTargets finds the target files that are there and that git ignores: the
// run's commit would leave them out. What a glob covers may well be ignored, such
// as what a build makes.
func (e *Engine) ignoredTargets(s *spec.Spec, changed worktree) error {
	head, err := e.Git.Head()
	if err != nil {
		return err
	}
	var problems spec.Problems
	for _, item := range s.TargetFiles {
		at := path.Clean(item.Value)
		info, err := os.Lstat(abs(e.Settings.Root, at))
		if _, ok := changed[at]; ok || err != nil || info.IsDir() {
			continue
		}
		var committed git.Hash
		if head.Commit != "" {
			if committed, err = e.Git.Entry(head.Commit, at); err != nil {
				return err
			}
		}
		if committed == "" {
			problems = append(problems, spec.Problem{
				ID: s.ID, Path: s.Path, Pos: item.Pos, Severity: spec.Error, Rule: "target-ignored",
				Msg:  "target file " + item.Value + " is ignored by git, and would be in no commit",
				Hint: "git check-ignore -v tells why; git add -f overrides it",
			})
		}
	}
	return problems.Err()
}
