package spec

import (
	"errors"
	"fmt"
)

// Severity tells whether a Problem keeps a spec from being used.
type Severity int

// A Warning is worth a look; an Error makes the spec unusable until mended.
const (
	Warning Severity = iota
	Error
)

// String gives "warning" or "error".
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// Problem is something wrong in a spec file, with its place and, where there
// is one, the way to mend it. It is an error value; its text is
//
//	spec ID: PATH:LINE:COLUMN: MSG (HINT)
//
// without "spec ID: " where it is no spec's, and without the place where it
// concerns the file as a whole.
type Problem struct {
	ID       string // "" where the file is no spec
	Path     string
	Pos      Pos
	Severity Severity
	Rule     string // a short, stable name such as "unknown-attribute"
	Msg      string
	Hint     string
}

// Error gives the problem on one line.
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

// Err joins the problems of severity Error; nil where there is none. The
// result can be taken apart by errors.As into a Problem.
func (ps Problems) Err() error {
	var errs []error
	for _, p := range ps {
		if p.Severity == Error {
			errs = append(errs, p)
		}
	}
	return errors.Join(errs...)
}
