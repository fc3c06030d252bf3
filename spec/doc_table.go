package spec

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// RowQuery selects rows of a document's tables and says what they must be like.
// Headings, columns and values are compared without regard to case and white
// space.
type RowQuery struct {
	Under  string      // only tables in the section of this heading; "" for all
	Where  []Condition // all must be true for a row to match
	Filled []string    // columns that must be filled in the matching rows
	Column string      // one more column that the matching rows must have; or ""
	Count  int         // the least number of matching rows
	Exact  bool        // whether Count is also the greatest number
}

// Condition is true for a row whose cell in Column has the text Value.
type Condition struct{ Column, Value string }

// Row is a table row with the header of its table.
type Row struct {
	Header, Cells []Cell
}

// Cell returns the cell in a column; if two columns have the same name, in the
// first.
func (r Row) Cell(column string) (Cell, bool) {
	i := columnOf(r.Header, column)
	if i < 0 {
		return Cell{}, false
	}
	return r.Cells[i], true
}

// Item returns the row's text with the position of its first cell.
func (r Row) Item() Item {
	texts := make([]string, len(r.Cells))
	for i, c := range r.Cells {
		texts[i] = c.Text
	}
	return Item{strings.Join(texts, " | "), r.Cells[0].Pos}
}

// Rows returns the rows that match q, in document order. The Problems say in
// what the document differs from q. Only tables are searched that have every
// column of Where and at least one column that q names. A column that no table
// has is a problem.
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

// tables returns the tables in the section that q names. It is a problem if
// there are none, or if none has some column of q.
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
		return nil, Problems{d.problem(Pos{}, "no-table", "tables in quotes and code blocks do not count", "%s has no table", where)}
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

// columns returns the columns that q names, without duplicates.
func (q RowQuery) columns() []string {
	names := q.required()
	for _, w := range q.Where {
		names = append(names, w.Column)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// required returns the columns that every matching row must have.
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

// unfilled reports required columns that are missing or not filled in a row.
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

// isPlaceholder reports whether a cell's text is empty or a placeholder.
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

// found describes how many rows matched, wanted how many should.
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
		return fmt.Sprintf("expected %d", q.Count)
	}
	return fmt.Sprintf("expected at least %d", q.Count)
}

// lineList names the lines of the rows; "" if there are none.
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

// CheckTargets compares the paths in a column of rows with the target_files of
// s: every path must be covered by a target file, and every target file must
// cover a path. A path:line counts as its path. Empty cells are skipped; Rows
// reports them.
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
				Msg: fmt.Sprintf("target file %s is in no matching row of %s", target.Value, d.Path),
			})
		}
	}
	return problems
}

// pathIn returns the path in a cell, in its shortest form.
func pathIn(c Cell) string {
	if ref, ok := wholeCitation(c.Text, true); ok {
		return ref.Path
	}
	return path.Clean(c.Text)
}
