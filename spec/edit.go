package spec

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/yuin/goldmark/ast"
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

// AppendTranscript appends an agent's output as a section "Agent Output": the
// time in UTC, to the second, and the output as a Fenced block. An earlier
// transcript stays; a block that it left unclosed is closed first. It is an
// error if the spec's own text ends inside an unclosed code fence or HTML block.
func AppendTranscript(src []byte, at time.Time, output string) ([]byte, error) {
	body := at.UTC().Format(time.RFC3339) + "\n\n" + Fenced("", output)
	return appendOutput(closeTranscript(src), body)
}

// appendOutput appends a section with the file's line ending.
func appendOutput(src []byte, body string) ([]byte, error) {
	ending := lineEnding(src)
	out := bytes.Clone(src)
	if len(out) > 0 && !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, ending...)
	}
	out = append(out, ending+"## "+outputHeading+ending...)
	if !hasTranscript(out) {
		return nil, fmt.Errorf("appending the section %q: the file ends inside an unclosed code fence or HTML block", outputHeading)
	}
	body = "\n" + strings.TrimRight(body, "\r\n") + "\n"
	return append(out, withEnding(body, ending)...), nil
}

// hasTranscript reports whether the output of an agent is in the file.
func hasTranscript(src []byte) bool {
	s := newSource("", "", src)
	fm, ok := s.frontmatter()
	above := s.aboveTranscript(fm.body, specBlocks(), markdownLimit)
	return ok && above != nil && len(above) < len(src)-fm.body
}

// closeTranscript closes the block that a transcript, perhaps one of another
// program, left unclosed at the end of the file.
func closeTranscript(src []byte) []byte {
	if !hasTranscript(src) {
		return src
	}
	s := newSource("", "", src)
	fm, _ := s.frontmatter()
	lines := append(bytes.Clone(src[fm.body:]), "\n\n# end\n"...)
	b := &body{source: s, text: lines, root: parseMarkdown(specBlocks(), lines)}
	line := ""
	switch last := b.root.LastChild().(type) {
	case *ast.FencedCodeBlock:
		_, line = b.opening(last)
	case *ast.HTMLBlock:
		line = map[ast.HTMLBlockType]string{ // of the kinds that no blank line ends
			ast.HTMLBlockType1: "</pre>", // the end tag of any element of this kind will do
			ast.HTMLBlockType2: "-->",
			ast.HTMLBlockType3: "?>",
			ast.HTMLBlockType4: ">",
			ast.HTMLBlockType5: "]]>",
		}[last.HTMLBlockType]
	default:
		return src
	}
	ending := lineEnding(src)
	if !bytes.HasSuffix(src, []byte("\n")) {
		line = ending + line
	}
	return append(bytes.Clone(src), line+ending...)
}
