package spec

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// SetTicks ticks (true) or unticks (false) criteria by their Number. It changes
// only the character between a box's brackets, and leaves the "X" of a ticked
// box. An unknown number is an error.
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

// lineEnding returns the line ending of the file's first line.
func lineEnding(src []byte) string {
	if line, _, found := bytes.Cut(src, []byte("\n")); found && bytes.HasSuffix(line, []byte("\r")) {
		return "\r\n"
	}
	return "\n"
}

// withEnding converts all line endings of text.
func withEnding(text, ending string) string {
	return strings.NewReplacer("\r\n", ending, "\n", ending).Replace(text)
}

// AppendSection adds a section at the end: a blank line, a level-2 heading, a
// blank line and the body, with the file's line ending. It is an error if the
// heading would not be read as a heading, because the file ends inside an
// unclosed code fence or HTML block.
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
	body = "\n" + strings.TrimRight(body, "\r\n") + "\n"
	return append(out, withEnding(body, ending)...), nil
}

// endsWithHeading reports whether a file's last line is read as this heading, or
// is part of a transcript, where nothing is read.
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
	h, ok := specMarkdown().Parse(text.NewReader(md)).LastChild().(*ast.Heading)
	return ok && h.Level == 2 && plainText(h, md) == heading
}
