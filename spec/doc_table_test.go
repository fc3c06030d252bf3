package spec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTables(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []string // one row a line, its cells with their places
	}{
		{"plain", "| a | b |\n| --- | --- |\n| c | *d* `e` |\n", []string{"a 1:3, b 1:7", "c 3:3, d e 3:7"}},
		{"no outer pipes", "a | b\n-- | -\nc | ä | e\nf\n", []string{"a 1:1, b 1:5", "c 3:1, ä 3:5", "f 4:1,  4:1"}},
		{"escaped pipes", "| a | b |\n| - | - |\n| c \\| d | `e \\| f` |\n", []string{"a 1:3, b 1:7", "c | d 3:3, e | f 3:12"}},
		{"after text", "x\n| a |\n| - |\n| b |\ny\n\nz | no\n", []string{"a 2:3", "b 4:3", "y 5:1"}},
		{"CRLF", "| a |\r\n| - |\r\n| b |\r\n", []string{"a 1:3", "b 3:3"}},
		{"in a list", "1. x\n   - y\n\n     | a |\n     | - |\n     | b |\n", []string{"a 4:8", "b 6:8"}},
		{"comment", "| a |\n| - |\n| <!-- x --> |\n", []string{"a 1:3", " 3:3"}},
		{"not in quotes, code and HTML", "> | a |\n> | - |\n\n```\n| a |\n| - |\n```\n\n<pre>\n| a |\n| - |\n</pre>\n", nil},
		{"no table", "| a | b |\n| - |\n| c | d |\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, table := range documentOf(t, tt.text).Tables {
				for _, row := range append([][]Cell{table.Header}, table.Rows...) {
					var cells []string
					for _, c := range row {
						cells = append(cells, fmt.Sprintf("%s %d:%d", c.Text, c.Pos.Line, c.Pos.Column))
					}
					got = append(got, strings.Join(cells, ", "))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const hypotheses = `# Root cause

## Hypotheses

| id | Claim | **Verdict** | Evidence |
| -- | ----- | ------- | -------- |
| H1 | torn write | Ruled out | sums match |
| H2 | lost update | ` + "`confirmed`" + ` | a/b.go:12 |
| H3 | crash | ruled  out | <!-- why? --> |
| H4 | clock | Ruled out |

## Other

| Id | Verdict |
| --- | --- |
| X1 | confirmed |
| X2 | Todo |

### Deeper

| Name |
| --- |
| … |

## Bare
`

func TestRows(t *testing.T) {
	t.Parallel()
	verdict := func(value string) []Condition { return []Condition{{"verdict", value}} }
	for _, tt := range []struct {
		name  string
		query RowQuery
		found string // the ids
		want  []string
	}{
		{"a row", RowQuery{Where: verdict("Confirmed"), Count: 1}, "H2 X1", nil},
		{"case and blanks", RowQuery{Where: []Condition{{" VERDICT ", "Ruled Out "}}, Count: 3, Exact: true}, "H1 H3 H4", nil},
		{"all conditions", RowQuery{Where: append(verdict("ruled out"), Condition{"claim", "crash"}), Count: 1, Exact: true}, "H3", nil},
		{"an empty value", RowQuery{Where: []Condition{{"evidence", ""}}, Count: 2, Exact: true}, "H3 H4", nil},
		{"under", RowQuery{Under: "hypotheses", Where: verdict("confirmed"), Count: 1, Exact: true, Filled: []string{"Evidence"}}, "H2", nil},
		{"under an outer heading", RowQuery{Under: "other", Filled: []string{"name"}, Count: 1}, "…", []string{
			`doc.md:23:3: the column "name" is not filled in this row`}},

		{"none", RowQuery{Where: verdict("open"), Count: 1}, "", []string{`doc.md: 0 rows have verdict=open, expected at least 1`}},
		{"none, and none wanted", RowQuery{Where: verdict("open"), Exact: true}, "", nil},
		{"too many", RowQuery{Where: verdict("confirmed"), Count: 1, Exact: true}, "H2 X1", []string{
			`doc.md: 2 rows have verdict=confirmed, expected 1 (lines 8, 16)`}},
		{"too few", RowQuery{Where: append(verdict("confirmed"), Condition{"claim", "lost update"}), Count: 2}, "H2", []string{
			`doc.md: 1 row has verdict=confirmed and claim=lost update, expected at least 2 (line 8)`}},
		{"every row", RowQuery{Under: "hypotheses", Filled: []string{"claim"}, Count: 5}, "H1 H2 H3 H4", []string{
			`doc.md: 4 rows found, expected at least 5 (lines 7, 8, 9, 10)`}},
		{"not filled", RowQuery{Under: "hypotheses", Where: verdict("ruled out"), Filled: []string{"evidence", "claim"}, Count: 3}, "H1 H3 H4",
			[]string{
				`doc.md:9:29: the column "evidence" is not filled in this row`,
				`doc.md:10:1: the column "evidence" is not filled in this row`}},
		{"a table without the column", RowQuery{Where: verdict("confirmed"), Filled: []string{"evidence"}, Count: 1}, "H2 X1", []string{
			`doc.md:16:3: the table of this row has no column "evidence"`}},
		{"a placeholder", RowQuery{Under: "other", Filled: []string{"verdict"}, Count: 1}, "X1 X2", []string{
			`doc.md:17:8: the column "verdict" is not filled in this row`}},

		{"no column", RowQuery{Where: verdict("x"), Filled: []string{"Evidance", "When"}, Count: 0, Exact: true}, "", []string{
			`doc.md: no table has a column "Evidance" (did you mean "Evidence"?)`, `doc.md: no table has a column "When"`}},
		{"no column there", RowQuery{Under: "Other", Where: []Condition{{"Claim", "x"}}, Exact: true}, "", []string{
			`doc.md: no table has a column "Claim"`}},
		{"no heading", RowQuery{Under: "Hypothesis", Where: verdict("x"), Exact: true}, "", []string{
			`doc.md: no heading "Hypothesis" (did you mean "Hypotheses"?)`}},
		{"no table", RowQuery{Under: "Bare", Where: verdict("x"), Exact: true}, "", []string{
			`doc.md: the section "Bare" has no table (tables in quotes and code blocks do not count)`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rows, problems := documentOf(t, hypotheses).Rows(tt.query)
			var ids []string
			for _, row := range rows {
				item := row.Item()
				id, _, _ := strings.Cut(item.Value, " | ")
				ids = append(ids, id)
				if item.Pos != row.Cells[0].Pos {
					t.Errorf("%+v stands at %v", item, row.Cells[0].Pos)
				}
			}
			if got := strings.Join(ids, " "); got != tt.found {
				t.Errorf("found %q, want %q", got, tt.found)
			}
			if diff := cmp.Diff(tt.want, messagesOf(problems)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"-": true, "–": true, "—": true, "…": true, "...": true, "?": true, "TODO": true, "Todo": true, "`-`": true,
		"<!-- x -->": true, "": true, "&nbsp;": true,
		"x": false, "- x": false, "TODO: x": false, "0": false, "??": false, "<!-- x --> y": false,
	} {
		_, problems := documentOf(t, "| a | b |\n| - | - |\n| x | "+text+" |\n").Rows(RowQuery{Filled: []string{"b"}, Count: 1})
		if (problems != nil) != want {
			t.Errorf("%q: %v", text, messagesOf(problems))
		}
	}
}

func TestCheckTargets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		targets []string
		cells   string // separated by blanks
		want    []string
	}{
		{"the same", []string{"a/b.go", "c"}, "`a/b.go` c", nil},
		{"globs and folders", []string{"a/**/*.go", "c"}, "a/b.go a/d/e.go `c/d.txt:12` ./c/", nil},
		{"a line counts as its path", []string{"a/b.go"}, "a/b.go:1 `a/b.go:2-3`", nil},
		{"an empty cell is told by Rows", []string{"a/b.go"}, "a/b.go -", nil},
		{"more in the document", []string{"a/b.go"}, "a/b.go c/d.go", []string{"doc.md:4:3: c/d.go is not in the target_files of s"}},
		{"more in the spec", []string{"a/b.go", "c/*"}, "a/b.go", []string{
			"spec s: .chant/specs/s.md:2:1: target file c/* is in no matching row of doc.md"}},
		{"no targets", nil, "a/b.go", []string{"doc.md:3:3: a/b.go is not in the target_files of s"}},
		{"outside", []string{"**"}, "a ../b /c", []string{
			"doc.md:4:3: ../b is not in the target_files of s", "doc.md:5:3: /c is not in the target_files of s"}},
		{"a pattern that is none", []string{"a[*"}, "a[*", []string{
			"doc.md:3:3: a[* is not in the target_files of s", "spec s: .chant/specs/s.md:1:1: target file a[* is in no matching row of doc.md"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := specOf("s")
			s.Path = ".chant/specs/s.md"
			for i, target := range tt.targets {
				s.TargetFiles = append(s.TargetFiles, Item{target, Pos{i + 1, 1}})
			}
			d := documentOf(t, "| place |\n| --- |\n| "+strings.ReplaceAll(tt.cells, " ", " |\n| ")+" |\n")
			rows, _ := d.Rows(RowQuery{Column: "Place", Count: 1})
			if diff := cmp.Diff(tt.want, messagesOf(d.CheckTargets(s, rows, "Place"))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
