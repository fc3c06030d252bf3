package project

import (
	"io/fs"
	"os"
	"path"

	"chant/spec"
)

// BehindLinks returns a problem for every target file whose path goes through a symbolic
// link. Git does not follow links, so the spec would be completed without the file.
func BehindLinks(root string, s *spec.Spec) spec.Problems {
	var problems spec.Problems
	for _, item := range s.TargetFiles {
		for dir := path.Dir(path.Clean(item.Value)); dir != "." && dir != "/"; dir = path.Dir(dir) {
			info, err := os.Lstat(Abs(root, dir))
			if err == nil && info.Mode()&fs.ModeSymlink != 0 {
				problems = append(problems, spec.Problem{
					ID: s.ID, Path: s.Path, Pos: item.Pos, Severity: spec.Error, Rule: "target-behind-link",
					Msg:  "target file " + item.Value + " is behind the symbolic link " + dir + ", which git does not follow",
					Hint: "use the real path of the file",
				})
			}
		}
	}
	return problems
}
