package spec

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// FileLimit is the size in bytes of the largest spec file that is read, with the output
// of all its agents.
const FileLimit = 8 << 20

// Limits of what is parsed, because the time of the parsers of YAML and Markdown
// grows with the square of some texts. Real specs need less than an eighth of them,
// and the most hostile text within them takes less than half a second.
const (
	frontmatterLimit = 64 << 10  // bytes
	markdownLimit    = 128 << 10 // bytes of a spec, above the transcript
	documentLimit    = 1 << 20   // bytes of a document, above the transcript
	textLimit        = 8 << 10   // bytes of a paragraph, a heading or an info string
	nestingLimit     = 500       // quotes and lists that begin on one line
)

// within returns the whole lines at the start of src that have at most limit bytes.
func within(src []byte, limit int) []byte {
	if len(src) <= limit {
		return src
	}
	return src[:1+bytes.LastIndexByte(src[:limit], '\n')]
}

// deepLine returns the offset of the first line that may begin more quotes and lists
// than the limit, or -1.
func deepLine(src []byte) int {
	for at := 0; at < len(src); {
		line, next := nextLine(src, at)
		depth := 0
		for i, c := range line + " " {
			if c != ' ' && c != '\t' && !strings.ContainsRune(">-+*.)0123456789", c) {
				break
			}
			if isBlank := c == ' ' || c == '\t'; c == '>' || isBlank && i > 0 && strings.IndexByte("-+*.)", line[i-1]) >= 0 {
				depth++
			}
		}
		if depth > nestingLimit {
			return at
		}
		at = next
	}
	return -1
}

// shortTexts reports whether no text of the blocks that begin before end is longer
// than the limit; if one is, it adds an error. The blocks are those of the Markdown
// from an offset of the file.
func (s *source) shortTexts(blocks ast.Node, end, start int) bool {
	long := -1
	_ = ast.Walk(blocks, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function returns no error
		if !entering || n.Type() == ast.TypeInline {
			return ast.WalkContinue, nil
		}
		from, to := 0, 0
		if fence, ok := n.(*ast.FencedCodeBlock); ok && fence.Info != nil {
			from, to = fence.Info.Segment.Start, fence.Info.Segment.Stop
		} else if lines := n.Lines(); !n.IsRaw() && lines != nil && lines.Len() > 0 {
			from, to = lines.At(0).Start, lines.At(lines.Len()-1).Stop
		}
		if to-from > textLimit && from < end {
			long = from
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	if long >= 0 {
		s.fail(s.pos(start+long), "too-large", "break it up with blank lines, or put it into a code block",
			"a paragraph, heading or info string has more than %d KiB", textLimit>>10)
	}
	return long < 0
}
