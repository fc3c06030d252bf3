package spec

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// saysSomething tells whether a node shows its reader anything of its own; what
// does not is listed at ParseDocument.
func saysSomething(n ast.Node, src []byte) bool {
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
		if saysSomething(c, src) {
			return true
		}
	}
	return false
}

func segments(list *text.Segments, src []byte) string { return string(list.Value(src)) }

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// withoutComments takes the comments out of HTML. One that is not closed reaches
// to the end; "<!-->" and "<!--->" are whole comments.
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
