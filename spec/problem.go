package spec

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Severity says how serious a Problem is.
type Severity int

// A spec with an Error can't be run or count as completed until the error is
// fixed. A Warning has no such effect.
const (
	Warning Severity = iota
	Error
)

// String returns "warning" or "error".
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// Problem is something wrong in a file, with its position and, if known, the
// way to fix it. It is an error whose text is
//
//	spec ID: PATH:LINE:COLUMN: MSG (HINT)
//
// "spec ID: " is missing if the file is not a spec, and LINE:COLUMN if the
// problem concerns the whole file.
type Problem struct {
	ID       string // "" if the file is not a spec
	Path     string
	Pos      Pos
	Severity Severity
	Rule     string // a short, stable name such as "unknown-attribute"
	Msg      string
	Hint     string
}

// Error returns the problem on one line.
func (p Problem) Error() string {
	s := p.Path + ":"
	if p.ID != "" {
		s = "spec " + p.ID + ": " + s
	}
	if p.Pos.Line > 0 {
		s += fmt.Sprintf("%d:%d:", p.Pos.Line, p.Pos.Column)
	}
	s += " " + p.Msg
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// Problems are sorted by path, line and column.
type Problems []Problem

// Err joins the problems of severity Error; nil if there are none. errors.As
// finds a Problem in the result.
func (ps Problems) Err() error {
	var errs []error
	for _, p := range ps {
		if p.Severity == Error {
			errs = append(errs, p)
		}
	}
	return errors.Join(errs...)
}

// reporter collects the problems of one file.
type reporter struct {
	id, path string
	problems Problems
}

// fail adds an error at a position.
func (r *reporter) fail(at Pos, rule, hint, format string, args ...any) {
	r.problems = append(r.problems, Problem{r.id, r.path, at, Error, rule, fmt.Sprintf(format, args...), hint})
}

// warn adds a warning at a position.
func (r *reporter) warn(at Pos, rule, hint, format string, args ...any) {
	r.problems = append(r.problems, Problem{r.id, r.path, at, Warning, rule, fmt.Sprintf(format, args...), hint})
}

// sorted returns the problems sorted by position.
func (r *reporter) sorted() Problems {
	sortProblems(r.problems)
	return r.problems
}

// sortProblems sorts stably by path, line and column.
func sortProblems(ps Problems) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.Pos.Line-b.Pos.Line, a.Pos.Column-b.Pos.Column)
	})
}
