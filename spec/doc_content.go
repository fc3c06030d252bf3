package spec

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// hasContent reports whether a node has content; ParseDocument lists what does
// not count as content.
func hasContent(n ast.Node, src []byte) bool {
	switch n := n.(type) {
	case *ast.Heading, *extast.TableHeader:
		return false
	case *ast.Image, *ast.AutoLink:
		return true
	case *ast.Text:
		return !isBlank(unescape(n.Value(src), n.IsRaw()))
	case *ast.RawHTML:
		return !isBlank(withoutComments(segments(n.Segments, src)))
	case *ast.HTMLBlock:
		html := segments(n.Lines(), src)
		if n.HasClosure() {
			html += string(n.ClosureLine.Value(src))
		}
		return !isBlank(withoutComments(html))
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		return !isBlank(segments(n.Lines(), src))
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if hasContent(c, src) {
			return true
		}
	}
	return false
}

func segments(list *text.Segments, src []byte) string { return string(list.Value(src)) }

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// withoutComments removes the comments from HTML. An unclosed comment reaches to
// the end; "<!-->" and "<!--->" are complete comments.
func withoutComments(html string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(html, "<!--")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if strings.HasPrefix(rest, ">") || strings.HasPrefix(rest, "->") {
			_, html, _ = strings.Cut(rest, ">")
			continue
		}
		_, html, _ = strings.Cut(rest, "-->")
	}
}
