package spec

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// source is a file that is being read. It converts byte offsets to positions.
type source struct {
	reporter
	src    []byte
	starts []int // byte offset of every line that begins before indexLimit
}

// indexLimit is more than the largest text that is parsed. Behind it there is only
// the output of agents.
const indexLimit = 2 << 20

func newSource(id, path string, src []byte) *source {
	indexed := src[:min(len(src), indexLimit)]
	starts := make([]int, 1, 1+bytes.Count(indexed, []byte("\n")))
	for i, b := range indexed {
		if b == '\n' {
			starts = append(starts, i+1)
		}
	}
	return &source{reporter: reporter{id: id, path: path}, src: src, starts: starts}
}

// openSource reads a file as far as its frontmatter; false if the file can't be
// read any further.
func openSource(id, path string, src []byte) (s *source, fm frontmatter, ok bool) {
	s = newSource(id, path, src)
	if s.isText() {
		fm, ok = s.frontmatter()
	}
	return s, fm, ok
}

// pos returns the position of a byte offset.
func (s *source) pos(offset int) Pos {
	if offset >= indexLimit {
		before := s.src[:offset]
		return Pos{Line: 1 + bytes.Count(before, []byte("\n")), Column: 1 + utf8.RuneCount(before[1+bytes.LastIndexByte(before, '\n'):])}
	}
	line := sort.SearchInts(s.starts, offset+1) // lines that start at or before offset
	return Pos{Line: line, Column: 1 + utf8.RuneCount(s.src[s.starts[line-1]:offset])}
}

// offset is the inverse of pos.
func (s *source) offset(p Pos) int {
	offset := s.starts[p.Line-1]
	for range p.Column - 1 {
		_, n := utf8.DecodeRune(s.src[offset:])
		offset += n
	}
	return offset
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
		for i, r := range string(s.src) {
			if r == utf8.RuneError && !bytes.HasPrefix(s.src[i:], []byte("\ufffd")) {
				s.fail(s.pos(i), "not-utf8", "save as UTF-8", "byte 0x%02x is not UTF-8", s.src[i])
				return false
			}
		}
	case bytes.IndexByte(s.src, 0) >= 0: // neither a command nor a variable can contain one
		s.fail(s.pos(bytes.IndexByte(s.src, 0)), "not-text", "remove it", "the file contains a NUL byte")
	default:
		return true
	}
	return false
}
