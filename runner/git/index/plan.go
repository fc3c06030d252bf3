package index

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A stepKind is what to do about a path. In the order of the constants, the
// earlier one decides where a path has two.
type stepKind int

const (
	stepSet    stepKind = iota // make it hold the change
	stepRemove                 // remove all its stages
	stepClear                  // remove the file that stands where a folder is needed
	stepUnder                  // remove the files below this folder, as a file is to stand there
)

// A step is a part of an edit.
type step struct {
	path   string // for stepUnder with a final slash
	kind   stepKind
	change Change // for stepSet
	done   bool   // for stepSet: the entry is written
}

// plan turns changes into steps, sorted by path as the index is, at most one
// for each.
func plan(changes []Change) ([]step, error) {
	var steps []step
	for _, c := range changes {
		if err := c.check(); err != nil {
			return nil, err
		}
		if c.Remove {
			steps = append(steps, step{path: c.Path, kind: stepRemove})
			continue
		}
		steps = append(steps, step{path: c.Path, kind: stepSet, change: c}, step{path: c.Path + "/", kind: stepUnder})
		for i, b := range []byte(c.Path) {
			if b == '/' {
				steps = append(steps, step{path: c.Path[:i], kind: stepClear})
			}
		}
	}
	slices.SortFunc(steps, func(a, b step) int {
		return cmp.Or(strings.Compare(a.path, b.path), cmp.Compare(a.kind, b.kind))
	})
	for i := 1; i < len(steps); i++ {
		a, b := steps[i-1], steps[i]
		if a.path == b.path && (b.kind <= stepRemove || a.kind == stepSet) {
			return nil, fmt.Errorf("%w: %q is changed twice, or is a file and a folder", ErrChange, a.path)
		}
	}
	return slices.CompactFunc(steps, func(a, b step) bool { return a.path == b.path }), nil
}

// check refuses what no index can hold. Whether a path may be committed at
// all is for the caller to know.
func (c Change) check() error {
	reason := ""
	switch {
	case c.Path == "" || len(c.Path) > maxPath || strings.Contains(c.Path, "\x00"),
		slices.Contains(strings.Split(c.Path, "/"), ""):
		reason = "the path is not clean"
	case c.Remove:
	case c.Mode != modeRegular|0o644 && c.Mode != modeRegular|0o755 && c.Mode != modeSymlink && c.Mode != modeGitlink:
		reason = fmt.Sprintf("the mode is %o", c.Mode)
	case c.OID == [20]byte{}:
		reason = "the object id is zero"
	}
	if reason != "" {
		return fmt.Errorf("%w: %q: %s", ErrChange, c.Path, reason)
	}
	return nil
}
