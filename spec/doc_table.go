package spec

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// RowQuery says which rows of a document's tables are wanted. Headings, columns
// and values are compared without regard to case and to blanks around them.
type RowQuery struct {
	Under  string      // only tables in the sections of this heading; "" for all
	Where  []Condition // what a row has to hold; all rows where there is none
	Filled []string    // columns that have to be filled in those rows
	Column string      // a column that those rows have to have as well; or ""
	Count  int         // how many rows have to be there, at least
	Exact  bool        // and no more
}

// Condition wants a column to have a value.
type Condition struct{ Column, Value string }

// Row is a row with the header of its table.
type Row struct {
	Header, Cells []Cell
}

// Cell gives the cell in a column; of two columns with one name the first.
func (r Row) Cell(column string) (Cell, bool) {
	i := columnOf(r.Header, column)
	if i < 0 {
		return Cell{}, false
	}
	return r.Cells[i], true
}

// Item gives the row's text, with the place of its first cell.
func (r Row) Item() Item {
	texts := make([]string, len(r.Cells))
	for i, c := range r.Cells {
		texts[i] = c.Text
	}
	return Item{strings.Join(texts, " | "), r.Cells[0].Pos}
}

// Rows gives the rows that q asks for, in order, and says what keeps the
// document from being as q wants it. A table counts if it has every column of
// Where and at least one of all that q names. A column that no table has is a
// problem, and no way to match nothing.
func (d *Document) Rows(q RowQuery) ([]Row, Problems) {
	tables, problems := d.tables(q)
	if problems != nil {
		return nil, problems
	}
	var rows []Row
	for _, t := range tables {
		if !q.counts(t) {
			continue
		}
		for _, cells := range t.Rows {
			row := Row{t.Header, cells}
			if q.matches(row) {
				rows = append(rows, row)
				problems = append(problems, d.unfilled(row, q)...)
			}
		}
	}
	if n := len(rows); n < q.Count || q.Exact && n > q.Count {
		problems = append(problems, d.problem(Pos{}, "rows", lineList(rows), "%s, %s", q.found(n), q.wanted()))
	}
	return rows, problems
}

// tables gives those that q is about. All its columns are in some of them.
func (d *Document) tables(q RowQuery) ([]Table, Problems) {
	where := "the document"
	tables := d.Tables
	if q.Under != "" {
		where = fmt.Sprintf("the section %q", oneLine(q.Under))
		if problems := d.withoutHeading(q.Under); problems != nil {
			return nil, problems
		}
		tables = nil
		for _, t := range d.Tables {
			if hasText(t.Under, q.Under) {
				tables = append(tables, t)
			}
		}
	}
	if len(tables) == 0 {
		return nil, Problems{d.problem(Pos{}, "no-table", "one in a quote or a code block does not count", "%s has no table", where)}
	}
	var known []string
	for _, t := range tables {
		for _, c := range t.Header {
			known = append(known, c.Text)
		}
	}
	var problems Problems
	for _, column := range q.columns() {
		if !hasText(known, column) {
			problems = append(problems, d.problem(Pos{}, "no-column", DidYouMean(column, known), "no table has a column %q", oneLine(column)))
		}
	}
	return tables, problems
}

// columns gives every column that q names, once.
func (q RowQuery) columns() []string {
	names := q.required()
	for _, w := range q.Where {
		names = append(names, w.Column)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// required gives the columns that a row of a table that counts has to have.
func (q RowQuery) required() []string {
	names := slices.Clone(q.Filled)
	if q.Column != "" {
		names = append(names, q.Column)
	}
	return names
}

func (q RowQuery) counts(t Table) bool {
	has := func(column string) bool { return columnOf(t.Header, column) >= 0 }
	for _, w := range q.Where {
		if !has(w.Column) {
			return false
		}
	}
	return slices.ContainsFunc(q.columns(), has)
}

func (q RowQuery) matches(row Row) bool {
	for _, w := range q.Where {
		if c, _ := row.Cell(w.Column); !sameText(c.Text, w.Value) {
			return false
		}
	}
	return true
}

// unfilled reports the columns that a row does not have, or not filled.
func (d *Document) unfilled(row Row, q RowQuery) Problems {
	var problems Problems
	for _, column := range q.required() {
		cell, ok := row.Cell(column)
		switch {
		case !ok:
			problems = append(problems, d.problem(row.Cells[0].Pos, "no-column", "", "the table of this row has no column %q", oneLine(column)))
		case isPlaceholder(cell.Text):
			problems = append(problems, d.problem(cell.Pos, "unfilled", "", "the column %q is not filled in this row", oneLine(column)))
		}
	}
	return problems
}

// isPlaceholder tells whether a cell's text only keeps its place.
func isPlaceholder(s string) bool {
	switch strings.ToUpper(s) {
	case "", "-", "–", "—", "…", "...", "?", "TODO":
		return true
	}
	return false
}

func columnOf(header []Cell, name string) int {
	return slices.IndexFunc(header, func(c Cell) bool { return sameText(c.Text, name) })
}

// found and wanted word what was counted.
func (q RowQuery) found(n int) string {
	verb, noun := "has ", " row"
	if n != 1 {
		verb, noun = "have ", " rows"
	}
	if len(q.Where) == 0 {
		return fmt.Sprintf("%d%s found", n, noun)
	}
	var words []string
	for _, w := range q.Where {
		words = append(words, oneLine(w.Column)+"="+oneLine(w.Value))
	}
	return fmt.Sprintf("%d%s %s%s", n, noun, verb, strings.Join(words, " and "))
}

func (q RowQuery) wanted() string {
	if q.Exact {
		return fmt.Sprintf("%d wanted", q.Count)
	}
	return fmt.Sprintf("at least %d wanted", q.Count)
}

// lineList says where the rows are; "" where there is none.
func lineList(rows []Row) string {
	var lines []string
	for _, row := range rows {
		lines = append(lines, strconv.Itoa(row.Cells[0].Pos.Line))
	}
	switch len(lines) {
	case 0:
		return ""
	case 1:
		return "line " + lines[0]
	}
	return "lines " + strings.Join(lines, ", ")
}

// CheckTargets says where the paths in a column of rows and the target_files of
// s differ: every path has to be covered by one of those, and every one of those
// has to cover a path. A path:line counts as its path. An empty cell is told
// apart by Rows.
func (d *Document) CheckTargets(s *Spec, rows []Row, column string) Problems {
	var problems Problems
	covered := make([]bool, len(s.TargetFiles))
	for _, row := range rows {
		cell, _ := row.Cell(column)
		if isPlaceholder(cell.Text) {
			continue
		}
		name, known := pathIn(cell), false
		for i, target := range s.TargetFiles {
			if !leavesProject(name) && MatchPath(target.Value, name) {
				known, covered[i] = true, true
			}
		}
		if !known {
			problems = append(problems, d.problem(cell.Pos, "not-a-target", "", "%s is not in the target_files of %s", name, s.ID))
		}
	}
	for i, target := range s.TargetFiles {
		if !covered[i] {
			problems = append(problems, Problem{
				ID: s.ID, Path: s.Path, Pos: target.Pos, Severity: Error, Rule: "target-not-listed",
				Msg: fmt.Sprintf("target file %s is in no row of %s that counts", target.Value, d.Path),
			})
		}
	}
	return problems
}

// pathIn gives the path that a cell holds, in its shortest form.
func pathIn(c Cell) string {
	if ref, ok := wholeCitation(c.Text, true); ok {
		return ref.Path
	}
	return path.Clean(c.Text)
}
