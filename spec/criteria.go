package spec

import (
	"bufio"
	"bytes"
	"html"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	htmlwriter "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
)

// outputHeading is the heading of an agent's transcript. Nothing is read from
// there on.
const outputHeading = "Agent Output"

// body reads the Markdown of a spec. The offsets of its nodes are relative to
// base.
type body struct {
	*source
	base     int
	text     []byte // the Markdown above the transcript
	root     ast.Node
	criteria []Criterion
	parents  []int             // per criterion: index of its parent criterion, or -1
	fences   map[int]Pos       // per criterion: position of its check
	seen     map[ast.Node]bool // checks that belong to a criterion
	odd      []Item
}

// markdown fills a spec from the Markdown that starts at an offset of the file.
func (s *source) markdown(start int, sp *Spec) {
	b := &body{source: s, base: start, fences: map[int]Pos{}, seen: map[ast.Node]bool{}}
	b.text, b.root = readMarkdown(s.src[start:])
	b.sections()
	b.fenceProblems()
	if title := b.title(); title != "" {
		sp.Title = title
	}
	sp.Criteria, sp.OddMarks, sp.prose = b.criteria, b.odd, b.prose()
}

// readMarkdown parses only the text above the transcript and returns it: a link
// reference definition applies to the whole text that is parsed, so one in the
// transcript would change the text above it.
func readMarkdown(src []byte) ([]byte, ast.Node) {
	if !bytes.HasSuffix(src, []byte("\n")) {
		// goldmark ignores a one-letter info string at the end of a file.
		src = append(bytes.Clone(src), '\n')
	}
	md := specMarkdown()
	root := md.Parse(text.NewReader(src))
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && isOutputHeading(h, src) {
			src = src[:1+bytes.LastIndexByte(src[:h.Lines().At(0).Start], '\n')]
			return src, md.Parse(text.NewReader(src))
		}
	}
	return src, root
}

// The parsers of spec files, CommonMark with task lists, and of documents, which
// also have tables. They are safe for concurrent use.
//
//nolint:gochecknoglobals // immutable, and to build one takes a quarter of the time of Parse
var (
	specMarkdown = sync.OnceValue(func() parser.Parser {
		return goldmark.New(goldmark.WithExtensions(extension.TaskList)).Parser()
	})
	docMarkdown = sync.OnceValue(func() parser.Parser {
		return goldmark.New(goldmark.WithExtensions(extension.TaskList, extension.Table)).Parser()
	})
)

// isOutputHeading reports whether a transcript starts at the heading. It is false
// for a heading with a reference link, whose text could depend on a definition
// in the transcript.
func isOutputHeading(h *ast.Heading, src []byte) bool {
	return strings.EqualFold(plainText(h, src), outputHeading) && !hasReference(h)
}

func hasReference(n ast.Node) bool {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		link, isLink := c.(*ast.Link)
		image, isImage := c.(*ast.Image)
		if isLink && link.Reference != nil || isImage && image.Reference != nil || hasReference(c) {
			return true
		}
	}
	return false
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
	for n := b.root.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			switch {
			case level > 0 && n.Level > level: // a subsection
			case isCriteriaHeading(plainText(n, b.text)):
				level = n.Level
			default:
				level = 0
			}
		case *ast.List:
			if level > 0 {
				b.list(n, 0, -1)
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
		b.oddMark(first)
		return false
	}
	at := b.base + box.Pos()
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

// oddMark records a malformed box at the start of an item's text: one with
// another mark ("[~]", "[]"), or one without a space after it.
func (b *body) oddMark(first ast.Node) {
	kinds := []ast.NodeKind{ast.KindTextBlock, ast.KindParagraph, ast.KindHeading}
	if !slices.Contains(kinds, first.Kind()) || first.Lines().Len() == 0 {
		return
	}
	start := first.Lines().At(0).Start
	if box := malformedBox(b.text[start:]); box != "" {
		b.odd = append(b.odd, Item{Value: box, Pos: b.pos(b.base + start)})
	}
}

// malformedBox returns the malformed box at the start of text; "" if there is
// none. A variation selector may follow the mark.
func malformedBox(text []byte) string {
	if !bytes.HasPrefix(text, []byte("[")) {
		return "" // most items
	}
	box := regexp.MustCompile(`^\[[^\]]?\x{fe0f}?\]`).Find(text)
	rest := text[len(box):]
	switch isEmpty := len(box) == 3 && strings.IndexByte(" xX", box[1]) >= 0; {
	case isEmpty == endsMark(rest):
		return ""
	case !endsMark(rest) && strings.IndexByte("([:", rest[0]) >= 0:
		return "" // a link
	}
	return string(box)
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
