package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// Document is a Markdown document, read for what checks ask of it. It ends
// where a spec would: at an agent's transcript. What stands in quotes, in code
// blocks and in HTML is somebody else's words and no part of the fields below.
type Document struct {
	Path     string
	Headings []Heading // those of the document itself: none in a list
	Tables   []Table
	Refs     []Ref
}

// Heading is a heading with what is known of its section, which reaches to the
// next heading of the same or a higher level.
type Heading struct {
	Level int
	Text  string // plain, on one line
	Empty bool   // the section says nothing: see ParseDocument
	Pos   Pos
}

// Table is a table of GFM.
type Table struct {
	Under  []string // the headings whose sections it stands in, outermost first
	Header []Cell
	Rows   [][]Cell // each as long as Header
}

// Cell is one cell of a table.
type Cell struct {
	Text string // plain, on one line
	Code string // where the cell is one code span and nothing else: what is in it
	Pos  Pos    // where its text starts; of an absent one, where the row does
}

// ParseDocument reads a document; file is the path that its problems name.
// Bytes that can't be read, and frontmatter that can't, are problems as in a
// spec. The Document is never nil.
//
// A section is empty if it holds nothing but headings, HTML comments, rules,
// link definitions and the frames of things: list items, quotes, code blocks
// and table rows with nothing in them. A table's header is a heading too.
func ParseDocument(file string, src []byte) (*Document, Problems) {
	d := &Document{Path: file}
	s := newSource("", file, src)
	if !s.isText() {
		return d, s.sorted()
	}
	fm, ok := s.frontmatter()
	if !ok {
		return d, s.sorted()
	}
	r := &docReader{source: s, base: fm.body, doc: d}
	r.text, _ = readMarkdown(src[fm.body:])
	root := newDocMarkdown().Parse(text.NewReader(r.text))
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		r.section(n)
		r.node(n)
	}
	return d, s.sorted()
}

// newDocMarkdown reads what newMarkdown does, and tables.
func newDocMarkdown() parser.Parser {
	return goldmark.New(goldmark.WithExtensions(extension.TaskList, extension.Table)).Parser()
}

// docReader fills a document from the nodes of its Markdown, whose offsets
// count from base.
type docReader struct {
	*source
	base int
	text []byte
	doc  *Document
	open []int // the headings whose sections the current node stands in
}

func (r *docReader) at(offset int) Pos { return r.pos(r.base + offset) }

// section keeps account of the headings; n is a block of the document itself.
func (r *docReader) section(n ast.Node) {
	h, ok := n.(*ast.Heading)
	if !ok {
		if len(r.open) > 0 && saysSomething(n, r.text) {
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

// node takes in the tables and references that a node holds.
func (r *docReader) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.Blockquote, *ast.CodeBlock, *ast.FencedCodeBlock, *ast.HTMLBlock:
	case *extast.Table:
		r.table(n)
	case *ast.Link:
		// The text of a link to a line is its label, and no second reference.
		if !r.destination(n) {
			r.children(n)
		}
	default:
		r.children(n)
	}
}

// children takes in a node's children. Text that stands together in the file is
// read in one piece: goldmark cuts it at what might have been markup.
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

// row reads a row's cells. A code span that is a cell after one that is a
// reference quotes the line.
func (r *docReader) row(row ast.Node) []Cell {
	var cells []Cell
	var quoted *Ref // what the cell before this one is
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

// Sections gives the headings that have one of the names, and says which names
// no heading has and which of the headings have an empty section.
func (d *Document) Sections(names []string) ([]Item, Problems) {
	var found []Item
	var problems Problems
	for _, name := range names {
		problems = append(problems, d.withoutHeading(name)...)
	}
	for _, h := range d.Headings {
		switch {
		case !hasText(names, h.Text):
		case h.Empty:
			problems = append(problems, d.problem(h.Pos, "empty-heading", "a comment or a sub-heading is not enough",
				"nothing stands below the heading %q", h.Text))
		default:
			found = append(found, Item{h.Text, h.Pos})
		}
	}
	return found, problems
}

// withoutHeading says that no heading has a name, if that is so.
func (d *Document) withoutHeading(name string) Problems {
	var texts []string
	for _, h := range d.Headings {
		texts = append(texts, h.Text)
	}
	if hasText(texts, name) {
		return nil
	}
	return Problems{d.problem(Pos{}, "no-heading", DidYouMean(name, texts), "no heading %q", oneLine(name))}
}

func (d *Document) problem(at Pos, rule, hint, format string, args ...any) Problem {
	return Problem{Path: d.Path, Pos: at, Severity: Error, Rule: rule, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// sameText compares two plain texts as a reader of the page would.
func sameText(a, b string) bool { return strings.EqualFold(oneLine(a), oneLine(b)) }

func hasText(texts []string, wanted string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return sameText(s, wanted) })
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
