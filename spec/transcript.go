package spec

import (
	"bytes"
	"strings"
	"time"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// AppendTranscript adds what an agent printed as a section "Agent Output" at
// the end: the time in UTC to the second, and the output in a code fence that
// nothing in it can close. Line ends become the file's, and what else is not
// text is made Visible. An earlier transcript stays; a block that it left open
// is closed first. It is an error where the spec's own text ends inside a code
// fence or an HTML block that is not closed.
func AppendTranscript(src []byte, at time.Time, output string) ([]byte, error) {
	output = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(output)
	if output != "" && !strings.HasSuffix(output, "\n") {
		output += "\n"
	}
	fence := fenceFor(output)
	body := at.UTC().Format(time.RFC3339) + "\n\n" + fence + "\n" + Visible(output) + fence
	return AppendSection(closeTranscript(src), outputHeading, body)
}

// fenceFor is a fence longer than any run of backticks in a text.
func fenceFor(text string) string {
	longest, run := 2, 0
	for _, c := range []byte(text) {
		if run++; c != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return strings.Repeat("`", longest+1)
}

// closeTranscript adds the line that ends a block which a transcript, perhaps
// of another program, left open at the end of the file.
func closeTranscript(src []byte) []byte {
	s := newSource("", "", src)
	fm, _ := s.frontmatter()
	md := src[fm.body:]
	if above, _ := readMarkdown(md); len(above) >= len(md) {
		return src // there is none
	}
	lines := append(bytes.Clone(md), "\n\n# end\n"...)
	b := &body{source: s, text: lines, root: newMarkdown().Parse(text.NewReader(lines))}
	line := ""
	switch last := b.root.LastChild().(type) {
	case *ast.FencedCodeBlock:
		_, line = b.opening(last)
	case *ast.HTMLBlock:
		line = htmlEnd(last.HTMLBlockType)
	default:
		return src
	}
	ending := lineEnding(src)
	if !bytes.HasSuffix(src, []byte("\n")) {
		line = ending + line
	}
	return append(bytes.Clone(src), line+ending...)
}

// htmlEnd is what ends an HTML block that a blank line does not end.
func htmlEnd(kind ast.HTMLBlockType) string {
	switch kind {
	case ast.HTMLBlockType1:
		return "</pre>" // or that of any other of its elements
	case ast.HTMLBlockType2:
		return "-->"
	case ast.HTMLBlockType3:
		return "?>"
	case ast.HTMLBlockType4:
		return ">"
	default:
		return "]]>"
	}
}
