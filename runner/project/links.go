package project

import (
	"io/fs"
	"os"
	"path"

	"chant/spec"
)

// BehindLinks finds the target files that a symbolic link stands before. Git
// commits the link and never what lies behind it, so a run would complete
// without its work.
func BehindLinks(root string, s *spec.Spec) spec.Problems {
	var problems spec.Problems
	for _, item := range s.TargetFiles {
		for dir := path.Dir(path.Clean(item.Value)); dir != "." && dir != "/"; dir = path.Dir(dir) {
			info, err := os.Lstat(Abs(root, dir))
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
