package spec

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// Prose returns the text of a spec file above the transcript, without
// frontmatter, title and criteria sections.
func Prose(src []byte) string {
	s := newSource("", "", src)
	fm, ok := s.frontmatter()
	if !ok {
		return ""
	}
	text, root := s.readMarkdown(fm.body)
	var out strings.Builder
	from, level, titled := 0, 0, false // level is the level of the current criteria heading; 0 outside such a section
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

// headingLines returns the bytes [start, end) of a heading's lines, with the
// underline of a setext heading.
func headingLines(h *ast.Heading, text []byte) (start, end int) {
	start = 1 + bytes.LastIndexByte(text[:h.Lines().At(0).Start], '\n')
	_, end = nextLine(text, max(h.Lines().At(h.Lines().Len()-1).Stop-1, start))
	if !bytes.HasPrefix(bytes.TrimLeft(text[start:], " "), []byte("#")) {
		_, end = nextLine(text, end)
	}
	return start, end
}

// Fenced returns a text as a fenced code block that nothing in the text can
// close. info is the info string; it may be empty. The text is made Visible and
// its line endings become "\n".
func Fenced(info, text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	longest := 2 // of the runs of backticks; a fence has at least 3
	for _, run := range regexp.MustCompile("`+").FindAllString(text, -1) {
		longest = max(longest, len(run))
	}
	fence := strings.Repeat("`", longest+1)
	return fence + info + "\n" + Visible(text) + fence + "\n"
}
