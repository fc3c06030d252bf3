package spec

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// SetTicks ticks (true) or unticks (false) criteria by their Number. Only the
// character between a box's brackets is overwritten; an "X" that stays ticked
// stays. An unknown number is an error.
func SetTicks(src []byte, ticks map[int]bool) ([]byte, error) {
	sp, _ := Parse("", src)
	out := bytes.Clone(src)
	for number, tick := range ticks {
		if number < 1 || number > len(sp.Criteria) {
			return nil, fmt.Errorf("ticking criterion %d: the spec has %d criteria", number, len(sp.Criteria))
		}
		c := sp.Criteria[number-1]
		switch {
		case tick && !c.Ticked:
			out[c.mark] = 'x'
		case !tick && c.Ticked:
			out[c.mark] = ' '
		}
	}
	return out, nil
}

// lineEnding is the ending of the file's first line.
func lineEnding(src []byte) string {
	if line, _, found := bytes.Cut(src, []byte("\n")); found && bytes.HasSuffix(line, []byte("\r")) {
		return "\r\n"
	}
	return "\n"
}

// withEnding gives text in one line ending.
func withEnding(text, ending string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", ending)
}

// AppendSection adds a section at the end: a blank line, the heading at level
// 2, a blank line and the body, in the file's line ending. It is an error where
// the heading would not be read as one: the file ends inside a code fence or an
// HTML block that is not closed.
func AppendSection(src []byte, heading, body string) ([]byte, error) {
	ending := lineEnding(src)
	out := bytes.Clone(src)
	if len(out) > 0 && !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, ending...)
	}
	out = append(out, ending+"## "+heading+ending...)
	if !endsWithHeading(out, heading) {
		return nil, fmt.Errorf("appending the section %q: the file ends inside an unclosed code fence or HTML block", heading)
	}
	body = strings.TrimRight(body, "\r\n") + "\n"
	return append(out, withEnding("\n"+body, ending)...), nil
}

// endsWithHeading tells whether a file's last line is read as this heading, or
// stands in a transcript, where nothing is read.
func endsWithHeading(src []byte, heading string) bool {
	s := newSource("", "", src)
	fm, ok := s.frontmatter()
	if !ok {
		return false
	}
	md := src[fm.body:]
	if above, _ := readMarkdown(md); len(above) < len(md) {
		return true
	}
	h, ok := newMarkdown().Parse(text.NewReader(md)).LastChild().(*ast.Heading)
	return ok && h.Level == 2 && plainText(h, md) == heading
}
