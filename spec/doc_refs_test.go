package spec

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (r Ref) dump() string {
	s := fmt.Sprintf("%s:%d", r.Path, r.First)
	if r.Last != r.First {
		s += fmt.Sprintf("-%d", r.Last)
	}
	if r.Quote != "" {
		s += " " + r.Quote
	}
	return s
}

func TestRefs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want string // one reference a line
	}{
		{"a/b.go:12", "a/b.go:12"},
		{"`a/b.go:12`", "a/b.go:12"},
		{"`` a/b.go:12 ``", "a/b.go:12"},
		{"main.go:1 ./main.go:2 a//./b:3 .gitignore:4 cmd/Makefile:5", "main.go:1\nmain.go:2\na/b:3\n.gitignore:4\ncmd/Makefile:5"},
		{"a/b.go:12-20, a/b.go:12–20; a/b.go:12:5", "a/b.go:12-20\na/b.go:12-20\na/b.go:12"},
		{"see a/b.go:12. See a/b.go:13! (a/b.go:14) (a/b.go:15.) “a/b.go:16”, a/b.go:17…",
			"a/b.go:12\na/b.go:13\na/b.go:14\na/b.go:15\na/b.go:16\na/b.go:17"},
		{"a/b.go:12's and a/b.go:13—so; a/b.go:1,c/d.go:2", "a/b.go:12\na/b.go:13\na/b.go:1\nc/d.go:2"},
		{"**a/b.go:12** *a/b.go:13* Update(a/b.go:14)", "a/b.go:12\na/b.go:13\na/b.go:14"},
		{"`a/b.go:12: undefined: x` `a/b.go:12:	return nil`", "a/b.go:12\na/b.go:12"},
		{"snake_case/a_b_c_.py:3 `a/__init__.py:4` a\\_b/c.py:5", "snake_case/a_b_c_.py:3\na/__init__.py:4\na_b/c.py:5"},
		{"app/[id]/(group)/page.tsx:3 (app/(group)/[id].tsx:4)", "app/[id]/(group)/page.tsx:3\napp/(group)/[id].tsx:4"},
		{"[a/b.go:12]: not a definition", "a/b.go:12"},
		{"ä/ö.go:12", "ä/ö.go:12"},
		{"a/b.go:0 a/b.go:99999999999999999999999", "a/b.go:0\na/b.go:9223372036854775807"},
		{"../a.go:1 /etc/passwd:2 a/../../b.go:3", "../a.go:1\n/etc/passwd:2\n../b.go:3"},
		{"a/b.go:12\nc/d.go:13\\\ne/f.go:14", "a/b.go:12\nc/d.go:13\ne/f.go:14"},
		{"# On a/b.go:12\n\n- x\n  1. c/d.go:13\n\n     e/f.go:14", "a/b.go:12\nc/d.go:13\ne/f.go:14"},

		{"[x](a/b.go:12) [c/d.go:13](http://x.example) [`b.go:12`](a/b.go:12 'title') [x](<a/b.go:14>)",
			"a/b.go:12\nc/d.go:13\na/b.go:12\na/b.go:14"},
		{"[b.go:12][1] and [b.go:13]\n\n[1]: a/b.go:12\n[b.go:13]: <a/b.go:13>", "a/b.go:12\na/b.go:13"},
		{"![a/b.go:1](a/b.go:2)", "a/b.go:1"},

		// What only looks like one.
		{"http://host:80 https://host/a/b.go:12 `http://host/a.go:12` <http://host/a.go:12>", ""},
		{"12:30 3:4 16/9:1 1.5:2 127.0.0.1:8080 127.0.0.1/8:80 localhost:80 foo:1 sha256:0123", ""},
		{"registry/image:1.26 a/b:2024-05-06 a/b.go:12th a/b.go:1_000 a/b.go:12/13", ""},
		{"HEAD:a/b.go:12 C:/a/b.go:12 a::b.go:12 a/b.go: 12 a/b.go:x a/b.go#L12 a/b.go:L12", ""},
		{"a/*.go:12 `a/<name>.go:12` `a\\b.go:12` a/:12 e.g.:12 1.:2", ""},
		{"```\na/b.go:12\n```\n\n    a/b.go:13\n\n> a/b.go:14\n\n<p>\na/b.go:15\n</p>\n\n<!-- a/b.go:16 -->\n\nx <!-- a/b.go:17 -->", ""},
		{"x\n\n## Agent Output\n\na/b.go:12", ""},
		{"---\nx: a/b.go:1\n---\ny\n", ""},
	} {
		var got []string
		for _, ref := range documentOf(t, tt.text).Refs {
			got = append(got, ref.dump())
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s\n%s", tt.text, diff)
		}
	}
}

func TestRefQuotes(t *testing.T) {
	t.Parallel()
	const header = "| line | code | why |\n| --- | --- | --- |\n"
	for _, tt := range []struct {
		row, want string
	}{
		{"| `a/b.go:1` | `x  := y` | why |", "a/b.go:1 x  := y"},
		{"|   ``  a/b.go:1  ``   | `` x`y ``| `z` |", "a/b.go:1 x`y"},
		{"| `a/b.go:1` | `a \\| b` | |", "a/b.go:1 a | b"},
		{"| `a/b.go:1` | `c/d.go:2` | c/d.go:3 |", "a/b.go:1 c/d.go:2\nc/d.go:3"},
		{"| H1 | `a/b.go:1` | `x` |", "a/b.go:1 x"},
		{"| `a/b.go:1-3` | `x` | |", "a/b.go:1-3 x"},
		{"| `a/b.go:1` | x | `y` |", "a/b.go:1"},
		{"| `a/b.go:1` | `x` and | |", "a/b.go:1"},
		{"| a/b.go:1 | `x` | |", "a/b.go:1"},
		{"| see `a/b.go:1` | `x` | |", "a/b.go:1"},
		{"| `see a/b.go:1` | `x` | |", "a/b.go:1"},
		{"| `a/b.go:1` `c/d.go:2` | `x` | |", "a/b.go:1\nc/d.go:2"},
		{"| `a/b.go:1` | ` ` | |", "a/b.go:1"},
		{"| `a/b.go:1` |", "a/b.go:1"},
	} {
		var got []string
		for _, ref := range documentOf(t, header+tt.row+"\n").Refs {
			got = append(got, ref.dump())
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s\n%s", tt.row, diff)
		}
	}
}

func TestCheckRefs(t *testing.T) {
	t.Parallel()
	files := map[string]CitedFile{
		"a.go":    {Lines: []string{"package a", "", "\tx := y // z"}},
		"gone.go": {Problem: "is not in the project"},
		"none.go": {},
		"../b.go": {Problem: "can't be followed"},
	}
	const table = "\n\n| line | code |\n| --- | --- |\n"
	for _, tt := range []struct {
		text  string
		least int
		found int
		want  []string
	}{
		{"a.go:1 a.go:3 a.go:2-3", 3, 3, nil},
		{"ä a.go:4 a.go:0", 1, 0, []string{"doc.md:1:3: a.go:4: a.go ends at line 3", "doc.md:1:10: a.go:0: line numbers start at 1"}},
		{"a.go:2-4 a.go:3-2", 1, 0,
			[]string{"doc.md:1:1: a.go:2-4: a.go ends at line 3", "doc.md:1:10: a.go:3-2: the last line is before the first"}},
		{"./gone.go:1", 1, 0, []string{"doc.md:1:1: ./gone.go:1: gone.go is not in the project"}},
		{"none.go:1", 1, 0, []string{"doc.md:1:1: none.go:1: none.go ends at line 0"}},
		{"x/../../b.go:1 /a.go:1", 1, 0, []string{
			"doc.md:1:1: x/../../b.go:1: ../b.go is outside the project", "doc.md:1:16: /a.go:1: /a.go is outside the project"}},
		{"nothing", 1, 0, []string{"doc.md: cites no path:line (such as storage/store.go:117)"}},
		{"a.go:1 ./a.go:1 `a.go:1:7` a.go:2", 3, 4, []string{"doc.md: cites 2 different path:line, expected at least 3"}},
		{table + "| `a.go:3` | `x := y` |\n| `a.go:1-3` | `:= y // z` |", 1, 2, nil},
		{table + "| `a.go:1` | `x := y` |\n| `a.go:1-2` | `x := y` |\n| `a.go:3` | `x :=  y` |", 1, 0, []string{
			`doc.md:5:4: a.go:1: the line does not contain "x := y"`,
			`doc.md:6:4: a.go:1-2: none of the lines contains "x := y"`,
			`doc.md:7:4: a.go:3: the line does not contain "x :=  y"`}},
	} {
		found, problems := documentOf(t, tt.text).CheckRefs(files, tt.least)
		if diff := cmp.Diff(tt.want, messagesOf(problems)); diff != "" || len(found) != tt.found {
			t.Errorf("%s: found %v\n%s", tt.text, found, diff)
		}
	}
}

// FuzzParseDocument checks what is true of every document: positions are inside
// the file, a reference is at its position and is read the same alone, rows are as
// long as their header, and nothing in a transcript, a quote or a comment has an
// effect.
func FuzzParseDocument(f *testing.F) {
	addSeeds(f, func(src []byte) { f.Add(src) })
	for _, text := range []string{
		"# A\n\n| `a/b.go:1` | `x \\| y` |\n|-|:-:|\n| (c/d.go:2-3) | [x](e/f.go:4) |\n|\n",
		"- | a |\n  | - |\n  | `b.c:1` |\n\n\t> | a |\n\t> | - |\n\n1. \t| a |\n\t| - |\n",
		"A\n=\n<!-- x -->y\n[b.go:1]: <a/b.go:1>\n[b.go:1] a\\_b/c&amp;d.go:1–2, e:f/g.h:3\r\n",
		"[a/b.go:1](a/b.go:1 (t)) ![](x) `` a/`b.go:1 ``\n- [ ] # x\n  a/b.go:9999999999999999999",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, problems := ParseDocument("doc.md", src)
		s := newSource("", "", src)
		offset := func(p Pos) int {
			off := s.offset(p)
			if s.pos(off) != p {
				t.Fatalf("place %v is not in the file", p)
			}
			return off
		}
		for _, h := range d.Headings {
			offset(h.Pos)
		}
		for _, ref := range d.Refs {
			if at := src[offset(ref.Pos):]; !bytes.HasPrefix(at, []byte(ref.Text)) && at[0] != '[' {
				t.Errorf("%q does not stand at %v", ref.Text, ref.Pos)
			}
		}
		for _, table := range d.Tables {
			for _, row := range append(table.Rows, table.Header) {
				if len(row) != len(table.Header) || len(row) == 0 {
					t.Errorf("a row of %d cells below %d", len(row), len(table.Header))
				}
				for _, c := range row {
					if at := src[offset(c.Pos):]; c.Code != "" && at[0] != '`' {
						t.Errorf("cell %q starts at %q", c.Code, at)
					}
				}
			}
		}
		if problems.Err() != nil {
			return
		}
		if out, err := appendOutput(src, "# A\nx a/b.go:1\n\n| a |\n| - |\n"); err == nil {
			after, _ := ParseDocument("doc.md", out)
			if diff := cmp.Diff(d, after); diff != "" {
				t.Errorf("a transcript changed what is read:\n%s", diff)
			}
		}
	})
}

// FuzzCitations expects that every reference is read the same alone, and that the
// references of a text do not overlap.
func FuzzCitations(f *testing.F) {
	for _, s := range []string{"a/b.go:12", "(a/(b)/[c.go:1-2", "x:a/b.go:1,c.d:2:3-4—", "a/<b{c}>.go:1", "\\_a.b:1 &#47;a.b:2", "a.b:1:2:3"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, raw bool) {
		end := 0
		for _, c := range citations(s, raw) {
			if c.start < end || !strings.HasPrefix(s[c.start:], c.Text) {
				t.Errorf("%q does not stand at %d", c.Text, c.start)
			}
			end = c.start + len(c.Text)
			if again, ok := wholeCitation(c.Text, raw); !ok || again != c.Ref {
				t.Errorf("%q reads %+v, and by itself %+v", c.Text, c.Ref, again)
			}
		}
	})
}
