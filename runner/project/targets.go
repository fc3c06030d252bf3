package project

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"chant/spec"
)

// MissingTargets returns a warning for every target file that does not exist although the
// spec is completed, and for every one that is not completed and is in a folder whose name
// is almost that of one that exists. Other target files may be for the work to make.
func MissingTargets(p *Project) spec.Problems {
	top, err := os.OpenRoot(p.Root)
	if err != nil {
		return nil
	}
	defer top.Close()
	var problems spec.Problems
	for _, s := range p.Set.All() {
		if s.Archived || s.Status == spec.StatusCancelled {
			continue
		}
		for _, item := range s.TargetFiles {
			if spec.CheckPattern(item.Value) != nil {
				continue
			}
			gone, near := firstMissing(top, path.Clean(item.Value))
			completed := s.Status == spec.StatusCompleted && !spec.IsGlob(item.Value)
			if gone == "" || near == "" && !completed {
				continue
			}
			hint := near
			if hint == "" {
				hint = "if the work removed it, take it out of target_files"
			}
			problems = append(problems, spec.Problem{
				ID: s.ID, Path: s.Path, Pos: item.Pos, Severity: spec.Warning, Rule: "missing-target",
				Msg: fmt.Sprintf("target file %q: %s does not exist", item.Value, gone), Hint: hint,
			})
		}
	}
	return problems
}

// firstMissing returns the first part of a path, up to a glob, that does not exist; "" if
// all of it does. If that is a folder with a name much like that of another one, near asks
// whether that one is meant.
func firstMissing(top *os.Root, pattern string) (gone, near string) {
	if _, err := top.Lstat(pattern); err == nil {
		return "", ""
	}
	dir := "."
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		if spec.IsGlob(part) {
			return "", ""
		}
		at := path.Join(dir, part)
		if _, err := top.Lstat(at); err == nil {
			dir = at
			continue
		}
		if i < len(parts)-1 {
			near = spec.DidYouMean(part, folders(top, dir))
		}
		return at, near
	}
	return "", ""
}

func folders(top *os.Root, dir string) []string {
	entries, err := fs.ReadDir(top.FS(), dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
