package spec

import (
	"path"
	"strings"
)

// archive is the folder of archived specs.
const archive = ".chant/archive/"

// Parse reads a spec file. The path is slash-separated and relative to the
// project; the spec's id, and whether it is archived, come from the path. The
// Spec is never nil: what could not be read is left zero and reported in the
// Problems, which are sorted by position.
func Parse(file string, src []byte) (*Spec, Problems) {
	id := strings.TrimSuffix(path.Base(file), ".md")
	sp := &Spec{ID: id, Path: file, Title: id, Archived: strings.HasPrefix(file, archive)}
	s, fm, ok := openSource(id, file, src)
	if !ok {
		return sp, s.sorted()
	}
	if len(s.problems) == 0 {
		sp.src = src
	}
	s.meta(fm.root, sp)
	s.markdown(fm.body, sp)
	return sp, s.sorted()
}
