package spec

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// Prose is a spec file's text for people: what stands above the transcript,
// without frontmatter, title and criteria sections.
func Prose(src []byte) string {
	s := newSource("", "", src)
	fm, ok := s.frontmatter()
	if !ok {
		return ""
	}
	text, root := readMarkdown(src[fm.body:])
	var out strings.Builder
	from, level, titled := 0, 0, false // level is that of the criteria heading that the place is below, or 0
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok || h.Lines().Len() == 0 || level > 0 && h.Level > level {
			continue
		}
		start, end := headingLines(h, text)
		if level == 0 {
			out.Write(text[from:start])
		}
		from, level = start, 0
		switch {
		case isCriteriaHeading(plainText(h, text)):
			level = h.Level
		case h.Level == 1 && !titled:
			from, titled = end, true
		}
	}
	if level == 0 {
		out.Write(text[from:])
	}
	return strings.Trim(strings.ReplaceAll(out.String(), "\r\n", "\n"), "\n")
}

// headingLines gives the bytes [start, end) of the lines that a heading stands
// on; one that is underlined has one more than its text.
func headingLines(h *ast.Heading, text []byte) (start, end int) {
	lineEnd := func(at int) int {
		if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
			return at + i + 1
		}
		return len(text)
	}
	start = 1 + bytes.LastIndexByte(text[:h.Lines().At(0).Start], '\n')
	end = lineEnd(max(h.Lines().At(h.Lines().Len()-1).Stop-1, start))
	if !bytes.HasPrefix(bytes.TrimLeft(text[start:], " "), []byte("#")) {
		end = lineEnd(end)
	}
	return start, end
}

// Fenced puts a text into a code fence that nothing in it can close. The info
// string, which may be empty, says what it is. What is not text is made Visible.
func Fenced(info, text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	fence := fenceFor(text)
	return fence + info + "\n" + Visible(text) + fence + "\n"
}
