package spec

import (
	"bufio"
	"bytes"
	"html"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	htmlwriter "github.com/yuin/goldmark/renderer/html"
)

// body reads the Markdown of a spec. The offsets of its nodes are relative to
// base.
type body struct {
	*source
	base     int
	text     []byte // the Markdown above the transcript
	root     ast.Node
	criteria []Criterion
	parents  []int             // per criterion: index of its parent criterion, or -1
	boxes    map[int]bool      // offsets of the criteria's boxes in the text
	fences   map[int]Pos       // per criterion: position of its check
	seen     map[ast.Node]bool // checks that belong to a criterion
}

// markdown fills a spec from the Markdown that starts at an offset of the file.
func (s *source) markdown(start int, sp *Spec) {
	b := &body{source: s, base: start, boxes: map[int]bool{}, fences: map[int]Pos{}, seen: map[ast.Node]bool{}}
	b.text, b.root = s.readMarkdown(start)
	b.conflict(b.text, start)
	b.sections()
	b.fenceProblems()
	if title := b.title(); title != "" {
		sp.Title = title
	}
	sp.Criteria, sp.prose = b.criteria, b.prose()
}

func (b *body) title() string {
	title := ""
	for n := b.root.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && (h.Level == 1 || title == "") {
			if title = plainText(h, b.text); h.Level == 1 {
				break
			}
		}
	}
	return title
}

// sections reads the lists of every criteria section. Only top-level headings and
// lists count, not those in quotes.
func (b *body) sections() {
	level := 0 // of the section's heading; 0 outside
	var misspelt *sectionName
	for n := b.root.FirstChild(); n != nil; n = n.NextSibling() {
		heading, isHeading := n.(*ast.Heading)
		list, isList := n.(*ast.List)
		switch {
		case level > 0 && !(isHeading && heading.Level <= level):
			if isList {
				b.list(list, 0, -1)
			}
			b.lookAlikes(n)
		case isHeading && isCriteriaHeading(plainText(heading, b.text)):
			level, misspelt = heading.Level, nil
		case isList && misspelt != nil && hasBox(list):
			misspelt.report(b.pos(b.base+misspelt.at), "misspelt-heading", `write "## Acceptance Criteria"`,
				"%q is not the heading of the acceptance criteria, so the boxes below it are not criteria", misspelt.text)
			misspelt = nil
		default:
			if isHeading && misspelt != nil && heading.Level <= misspelt.level {
				misspelt = nil
			}
			if isHeading {
				level = 0
			}
			if found := b.misspeltSection(n); found != nil {
				misspelt = found
			}
		}
	}
	for i := range b.criteria { // a parent comes before its children
		if c := &b.criteria[i]; c.Check == nil && b.parents[i] >= 0 {
			c.Check = b.criteria[b.parents[i]].Check
		}
	}
}

// isCriteriaHeading reports whether a heading's plain text starts a criteria
// section.
func isCriteriaHeading(heading string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(heading), "acceptance criteria")
	if !ok {
		return false
	}
	bare := strings.TrimLeft(rest, " ")
	return bare == "" || bare == ":" || strings.HasPrefix(rest, " (") ||
		strings.HasPrefix(bare, "- ") || strings.HasPrefix(bare, "— ")
}

// list reads a list's items. within is the criterion that contains the list.
func (b *body) list(list *ast.List, depth, within int) {
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		owner := within
		if b.criterion(item, depth, within) {
			owner = len(b.criteria) - 1
		}
		for n := item.FirstChild(); n != nil; n = n.NextSibling() {
			switch n := n.(type) {
			case *ast.List:
				b.list(n, depth+1, owner)
			case *ast.FencedCodeBlock:
				if owner >= 0 {
					b.check(n, owner)
				}
			}
		}
	}
}

// criterion adds the criterion of a list item; false if the item is not one.
func (b *body) criterion(item ast.Node, depth, within int) bool {
	first := item.FirstChild()
	if first == nil {
		return false
	}
	box, ok := first.FirstChild().(*extast.TaskCheckBox)
	if !ok || !isMark(b.text[box.Pos():]) {
		return false
	}
	at := b.base + box.Pos()
	b.boxes[box.Pos()] = true
	b.parents = append(b.parents, within)
	b.criteria = append(b.criteria, Criterion{
		Number: len(b.criteria) + 1,
		Text:   plainText(first, b.text),
		Depth:  depth,
		Ticked: box.IsChecked,
		Pos:    b.pos(at),
		mark:   at + 1,
	})
	return true
}

// isMark reports whether text starts with a GFM task-list box. goldmark accepts
// more: "[x](url)" is a link, and "[ ]text" is not a box.
func isMark(text []byte) bool {
	return len(text) >= 3 && strings.IndexByte(" xX", text[1]) >= 0 && endsMark(text[3:])
}

func endsMark(rest []byte) bool {
	return len(rest) == 0 || strings.IndexByte(" \t\r\n", rest[0]) >= 0
}

// plainText returns a node's text without markup, on one line.
func plainText(n ast.Node, src []byte) string {
	var sb strings.Builder
	writeText(&sb, n, src)
	return oneLine(sb.String())
}

func writeText(sb *strings.Builder, n ast.Node, src []byte) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			raw := n.Kind() == ast.KindCodeSpan || c.IsRaw()
			sb.WriteString(unescape(c.Value(src), raw))
			if c.SoftLineBreak() || c.HardLineBreak() {
				sb.WriteByte(' ')
			}
		case *ast.AutoLink:
			sb.Write(c.Label(src))
		default:
			writeText(sb, c, src)
		}
	}
}

// unescape resolves backslash escapes and entities, which goldmark's parser
// leaves to the renderer.
func unescape(text []byte, raw bool) string {
	if raw || !bytes.ContainsAny(text, `\&`) {
		return string(text)
	}
	var buf bytes.Buffer
	w := bufio.NewWriter(&buf)
	htmlwriter.DefaultWriter.Write(w, text)
	_ = w.Flush() // a bytes.Buffer never fails
	return html.UnescapeString(buf.String())
}
