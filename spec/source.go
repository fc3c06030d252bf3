package spec

import (
	"bytes"
	"fmt"
	"sort"
	"unicode/utf8"
)

// source is a file that is being read, with the problems found so far. It
// converts byte offsets to positions.
type source struct {
	id, path string
	src      []byte
	starts   []int // byte offset of every line
	problems Problems
}

func newSource(id, path string, src []byte) *source {
	s := &source{id: id, path: path, src: src, starts: []int{0}}
	for i, b := range src {
		if b == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	return s
}

// pos returns the position of a byte offset.
func (s *source) pos(offset int) Pos {
	line := sort.SearchInts(s.starts, offset+1) // lines that start at or before offset
	return Pos{Line: line, Column: 1 + utf8.RuneCount(s.src[s.starts[line-1]:offset])}
}

// offset is the inverse of pos; -1 for a position outside the file.
func (s *source) offset(p Pos) int {
	if p.Line < 1 || p.Line > len(s.starts) {
		return -1
	}
	off := s.starts[p.Line-1]
	for range p.Column - 1 {
		if off >= len(s.src) {
			return -1
		}
		_, n := utf8.DecodeRune(s.src[off:])
		off += n
	}
	return off
}

// fail adds an error at a position.
func (s *source) fail(at Pos, rule, hint, format string, args ...any) {
	s.report(Error, at, rule, hint, format, args...)
}

func (s *source) report(severity Severity, at Pos, rule, hint, format string, args ...any) {
	s.problems = append(s.problems, Problem{
		ID: s.id, Path: s.path, Pos: at, Severity: severity,
		Rule: rule, Msg: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// sorted returns the problems sorted by position.
func (s *source) sorted() Problems {
	sortProblems(s.problems)
	return s.problems
}

// isText reports whether the file is non-empty UTF-8 text. If not, it adds an
// error.
func (s *source) isText() bool {
	switch {
	case len(bytes.TrimSpace(s.src)) == 0:
		s.fail(Pos{}, "empty-file", "", "the file is empty")
	case bytes.HasPrefix(s.src, []byte("\xef\xbb\xbf")):
		s.fail(Pos{1, 1}, "byte-order-mark", "save as UTF-8 without a byte order mark",
			"the file starts with a byte order mark")
	case !utf8.Valid(s.src):
		bad := firstInvalid(s.src)
		s.fail(s.pos(bad), "not-utf8", "save as UTF-8", "byte 0x%02x is not UTF-8", s.src[bad])
	case bytes.IndexByte(s.src, 0) >= 0: // neither a command nor a variable can contain one
		s.fail(s.pos(bytes.IndexByte(s.src, 0)), "not-text", "remove it", "the file contains a NUL byte")
	default:
		return true
	}
	return false
}

// firstInvalid returns the offset of the first byte that is not valid UTF-8.
func firstInvalid(src []byte) int {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(src)
}
