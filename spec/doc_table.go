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
	r := reporter{path: d.Path}
	tables := d.tables(q, &r)
	if r.problems != nil {
		return nil, r.problems
	}
	var rows []Row
	for _, t := range tables {
		for _, cells := range t.Rows {
			if row := (Row{t.Header, cells}); q.matches(row) {
				rows = append(rows, row)
				q.checkFilled(row, &r)
			}
		}
	}
	q.checkCount(rows, &r)
	return rows, r.problems
}

// tables returns the tables in the section that q names. It is a problem if
// there are none, or if none has some column of q.
func (d *Document) tables(q RowQuery, r *reporter) []Table {
	where, tables := "the document", d.Tables
	if q.Under != "" {
		if !d.hasHeading(q.Under, r) {
			return nil
		}
		where = fmt.Sprintf("the section %q", oneLine(q.Under))
		tables = slices.DeleteFunc(slices.Clone(tables), func(t Table) bool { return !hasText(t.Under, q.Under) })
	}
	if len(tables) == 0 {
		r.fail(Pos{}, "no-table", "tables in quotes and code blocks do not count", "%s has no table", where)
		return nil
	}
	var known []string
	for _, t := range tables {
		for _, c := range t.Header {
			known = append(known, c.Text)
		}
	}
	columns := q.required()
	for _, w := range q.Where {
		columns = append(columns, w.Column)
	}
	slices.Sort(columns)
	for _, column := range slices.Compact(columns) {
		if !hasText(known, column) {
			r.fail(Pos{}, "no-column", DidYouMean(column, known), "no table has a column %q", oneLine(column))
		}
	}
	return tables
}

// required returns the columns that every matching row must have.
func (q RowQuery) required() []string {
	names := slices.Clone(q.Filled)
	if q.Column != "" {
		names = append(names, q.Column)
	}
	return names
}

func (q RowQuery) matches(row Row) bool {
	for _, w := range q.Where {
		if c, ok := row.Cell(w.Column); !ok || !sameText(c.Text, w.Value) {
			return false
		}
	}
	return len(q.Where) > 0 || slices.ContainsFunc(q.required(), func(column string) bool { return columnOf(row.Header, column) >= 0 })
}

// checkFilled reports required columns that are missing or not filled in a row.
func (q RowQuery) checkFilled(row Row, r *reporter) {
	for _, column := range q.required() {
		cell, ok := row.Cell(column)
		switch {
		case !ok:
			r.fail(row.Cells[0].Pos, "no-column", "", "the table of this row has no column %q", oneLine(column))
		case isPlaceholder(cell.Text):
			r.fail(cell.Pos, "unfilled", "", "the column %q is not filled in this row", oneLine(column))
		}
	}
}

// checkCount reports a wrong number of matching rows, with their lines.
func (q RowQuery) checkCount(rows []Row, r *reporter) {
	n := len(rows)
	if n == q.Count || n > q.Count && !q.Exact {
		return
	}
	ending, verb, least := "s", "have", "at least "
	if n == 1 {
		ending, verb = "", "has"
	}
	if q.Exact {
		least = ""
	}
	what := "found"
	for i, w := range q.Where {
		if what += " and "; i == 0 {
			what = verb + " "
		}
		what += oneLine(w.Column) + "=" + oneLine(w.Value)
	}
	var lines []string
	for _, row := range rows {
		lines = append(lines, strconv.Itoa(row.Cells[0].Pos.Line))
	}
	hint := ""
	if n > 0 {
		hint = "line" + ending + " " + strings.Join(lines, ", ")
	}
	r.fail(Pos{}, "rows", hint, "%d row%s %s, expected %s%d", n, ending, what, least, q.Count)
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

// CheckTargets compares the paths in a column of rows with the target_files of
// s: every path must be covered by a target file, and every target file must
// cover a path. A path:line counts as its path. Empty cells are skipped; Rows
// reports them.
func (d *Document) CheckTargets(s *Spec, rows []Row, column string) Problems {
	r, ofSpec := reporter{path: d.Path}, s.reporter()
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
			r.fail(cell.Pos, "not-a-target", "", "%s is not in the target_files of %s", name, s.ID)
		}
	}
	for i, target := range s.TargetFiles {
		if !covered[i] {
			ofSpec.fail(target.Pos, "target-not-listed", "", "target file %s is in no matching row of %s", target.Value, d.Path)
		}
	}
	return append(r.problems, ofSpec.problems...)
}

// pathIn returns the path in a cell, in its shortest form.
func pathIn(c Cell) string {
	if ref, ok := wholeCitation(c.Text, true); ok {
		return ref.Path
	}
	return path.Clean(c.Text)
}
