package spec

import (
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// Document holds the parts of a Markdown document that checks ask about. It ends
// where a spec would end: at an agent's transcript. The contents of quotes, code
// blocks and HTML are ignored.
type Document struct {
	Path     string
	Headings []Heading // top-level headings: none inside a list
	Tables   []Table
	Refs     []Ref
}

// Heading is a heading. Its section ends at the next heading of the same or a
// higher level.
type Heading struct {
	Level int
	Text  string // plain text on one line
	Empty bool   // whether the section is empty: see ParseDocument
	Pos   Pos
}

// Table is a GFM table.
type Table struct {
	Under  []string // the headings of the sections that contain the table, outermost first
	Header []Cell
	Rows   [][]Cell // each as long as Header
}

// Cell is one cell of a table.
type Cell struct {
	Text string // plain text on one line
	Code string // the text of a cell that is a single code span; else ""
	Pos  Pos    // where the text starts; for a missing cell, where the row starts
}

// ParseDocument reads a document; file is the path for its problems. Bytes or
// frontmatter that can't be read are problems, as in a spec. The Document is
// never nil.
//
// A section is empty if it contains only headings, HTML comments, thematic
// breaks, link definitions, table headers, and list items, quotes, code blocks
// and table rows without content.
func ParseDocument(file string, src []byte) (*Document, Problems) {
	d := &Document{Path: file}
	s, fm, ok := openSource("", file, src)
	if !ok {
		return d, s.sorted()
	}
	r := &docReader{source: s, base: fm.body, doc: d}
	r.text = s.aboveTranscript(fm.body, docBlocks(), documentLimit)
	root := parseMarkdown(docMarkdown(), r.text)
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		r.section(n)
		r.node(n)
	}
	return d, s.sorted()
}

// docReader fills a Document from Markdown nodes. Their offsets are relative to
// base.
type docReader struct {
	*source
	base int
	text []byte
	doc  *Document
	open []int // indices of the headings whose sections contain the current node
}

func (r *docReader) at(offset int) Pos { return r.pos(r.base + offset) }

// section updates the headings for n, a top-level block.
func (r *docReader) section(n ast.Node) {
	h, ok := n.(*ast.Heading)
	if !ok {
		if len(r.open) > 0 && hasContent(n, r.text) {
			for _, i := range r.open {
				r.doc.Headings[i].Empty = false
			}
		}
		return
	}
	for len(r.open) > 0 && r.doc.Headings[r.open[len(r.open)-1]].Level >= h.Level {
		r.open = r.open[:len(r.open)-1]
	}
	r.open = append(r.open, len(r.doc.Headings))
	r.doc.Headings = append(r.doc.Headings, Heading{
		Level: h.Level, Text: plainText(h, r.text), Empty: true, Pos: r.at(h.Pos()),
	})
}

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
		return !isBlank(withoutComments(string(n.Segments.Value(src))))
	case *ast.HTMLBlock:
		html := string(n.Lines().Value(src))
		if n.HasClosure() {
			html += string(n.ClosureLine.Value(src))
		}
		return !isBlank(withoutComments(html))
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		return !isBlank(string(n.Lines().Value(src)))
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if hasContent(c, src) {
			return true
		}
	}
	return false
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// withoutComments removes the comments from HTML. An unclosed comment reaches to
// the end; "<!-->" and "<!--->" are complete comments.
func withoutComments(html string) string {
	return regexp.MustCompile(`(?s)<!--(-?>|.*?(-->|$))`).ReplaceAllString(html, "")
}

// node reads the tables and references in a node.
func (r *docReader) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.Blockquote, *ast.CodeBlock, *ast.FencedCodeBlock, *ast.HTMLBlock:
	case *extast.Table:
		r.table(n)
	case *ast.Link:
		// The text of a link to a line is its label, not a second reference.
		if !r.destination(n) {
			r.children(n)
		}
	default:
		r.children(n)
	}
}

// children reads the children of a node. Adjacent text nodes are read as one
// piece: goldmark splits text at characters that could have been markup.
func (r *docReader) children(parent ast.Node) {
	raw := parent.Kind() == ast.KindCodeSpan
	var piece text.Segment
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		t, ok := n.(*ast.Text)
		if ok && t.Segment.Start == piece.Stop {
			piece.Stop = t.Segment.Stop
			continue
		}
		r.references(piece, raw)
		piece = text.Segment{}
		if ok {
			piece = t.Segment
		} else {
			r.node(n)
		}
	}
	r.references(piece, raw)
}

func (r *docReader) table(n *extast.Table) {
	var t Table
	for _, i := range r.open {
		t.Under = append(t.Under, r.doc.Headings[i].Text)
	}
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		cells := r.row(row)
		if row.Kind() == extast.KindTableHeader {
			t.Header = cells
		} else {
			t.Rows = append(t.Rows, cells)
		}
	}
	r.doc.Tables = append(r.doc.Tables, t)
}

// row reads a row's cells. A cell that is a code span and follows a cell that is
// a reference quotes the cited line.
func (r *docReader) row(row ast.Node) []Cell {
	var cells []Cell
	var quoted *Ref // the reference in the previous cell
	for n := row.FirstChild(); n != nil; n = n.NextSibling() {
		c := r.cell(n, row)
		cells = append(cells, c)
		if quoted != nil && c.Code != "" {
			quoted.Quote, quoted = c.Code, nil
			continue
		}
		before := len(r.doc.Refs)
		r.children(n)
		quoted = nil
		if len(r.doc.Refs) == before+1 && r.doc.Refs[before].Text == c.Code {
			quoted = &r.doc.Refs[before]
		}
	}
	return cells
}

func (r *docReader) cell(n, row ast.Node) Cell {
	c := Cell{Text: plainText(n, r.text), Pos: r.at(row.Pos())}
	if lines := n.Lines(); lines.Len() > 0 {
		c.Pos = r.at(lines.At(0).Start)
	}
	if code, ok := n.FirstChild().(*ast.CodeSpan); ok && code.NextSibling() == nil {
		var b strings.Builder
		writeText(&b, code, r.text)
		c.Code = strings.TrimSpace(b.String())
	}
	return c
}

// Sections returns the headings that have one of the names and a section that is
// not empty. The Problems are names without a heading, and empty sections.
func (d *Document) Sections(names []string) ([]Item, Problems) {
	r := reporter{path: d.Path}
	for _, name := range names {
		d.hasHeading(name, &r)
	}
	var found []Item
	for _, h := range d.Headings {
		switch {
		case !hasText(names, h.Text):
		case h.Empty:
			r.fail(h.Pos, "empty-heading", "comments and headings do not count", "the section %q is empty", h.Text)
		default:
			found = append(found, Item{h.Text, h.Pos})
		}
	}
	return found, r.problems
}

// hasHeading reports whether a heading has the name; if not, it adds a problem.
func (d *Document) hasHeading(name string, r *reporter) bool {
	var texts []string
	for _, h := range d.Headings {
		texts = append(texts, h.Text)
	}
	if hasText(texts, name) {
		return true
	}
	r.fail(Pos{}, "no-heading", DidYouMean(name, texts), "no heading %q", oneLine(name))
	return false
}

// sameText compares two plain texts without regard to case and white space.
func sameText(a, b string) bool { return strings.EqualFold(oneLine(a), oneLine(b)) }

func hasText(texts []string, wanted string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return sameText(s, wanted) })
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
