package spec

import (
	"bytes"
	"time"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// AppendTranscript appends an agent's output as a section "Agent Output": the
// time in UTC, to the second, and the output as a Fenced block. An earlier
// transcript stays; a block that it left unclosed is closed first. It is an
// error if the spec's own text ends inside an unclosed code fence or HTML block.
func AppendTranscript(src []byte, at time.Time, output string) ([]byte, error) {
	body := at.UTC().Format(time.RFC3339) + "\n\n" + Fenced("", output)
	return AppendSection(closeTranscript(src), outputHeading, body)
}

// closeTranscript closes the block that a transcript, perhaps one of another
// program, left unclosed at the end of the file.
func closeTranscript(src []byte) []byte {
	s := newSource("", "", src)
	fm, _ := s.frontmatter()
	md := src[fm.body:]
	if above, _ := readMarkdown(md); len(above) >= len(md) {
		return src // no transcript
	}
	lines := append(bytes.Clone(md), "\n\n# end\n"...)
	b := &body{source: s, text: lines, root: specMarkdown().Parse(text.NewReader(lines))}
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

// htmlEnd returns the end of an HTML block of a kind that no blank line ends.
func htmlEnd(kind ast.HTMLBlockType) string {
	return map[ast.HTMLBlockType]string{
		ast.HTMLBlockType1: "</pre>", // the end tag of any element of this kind will do
		ast.HTMLBlockType2: "-->",
		ast.HTMLBlockType3: "?>",
		ast.HTMLBlockType4: ">",
		ast.HTMLBlockType5: "]]>",
	}[kind]
}
