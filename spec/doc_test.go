package spec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documentOf reads a valid document.
func documentOf(t *testing.T, text string) *Document {
	t.Helper()
	d, problems := ParseDocument("doc.md", []byte(text))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return d
}

// messagesOf returns the texts of problems.
func messagesOf(problems Problems) []string {
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.Error())
	}
	return texts
}

func TestParseDocument(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text, want string
	}{
		{"empty", " \n", "doc.md: the file is empty"},
		{"byte order mark", "\ufeff# A\n", "doc.md:1:1: the file starts with a byte order mark (save as UTF-8 without a byte order mark)"},
		{"not UTF-8", "# A\n\nb\xff\n", "doc.md:3:2: byte 0xff is not UTF-8 (save as UTF-8)"},
		{"NUL", "# A\x00\n", "doc.md:1:4: the file contains a NUL byte (remove it)"},
		{"open frontmatter", "---\na: b\n# A\n", `doc.md:1:1: the frontmatter is not closed (end it with a line that is exactly "---")`},
		{"bad frontmatter", "---\na: [\n---\n# A\n", "doc.md:2:1: invalid YAML: did not find expected node content"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, problems := ParseDocument("doc.md", []byte(tt.text))
			if got := strings.Join(messagesOf(problems), "\n"); got != tt.want || d == nil {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDocumentHeadings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []string // level, text, "empty" and place
	}{
		{"plain", "# A\n\nx\n\n## B\n", []string{"1 A 1:1", "2 B empty 5:1"}},
		{"setext", "A *b*\n===\nx\n\n  C\n---\n", []string{"1 A b 1:1", "2 C empty 5:3"}},
		{"markup", "# `a` **b** [c](d) \\* &amp; #\nx", []string{"1 a b c * & 1:1"}},
		{"frontmatter", "---\na: b\n---\n# A\nx\n", []string{"1 A 4:1"}},
		{"CRLF", "---\r\na: b\r\n---\r\n# A\r\n\r\n<!-- x\r\ny -->\r\n\r\n## B\r\n\r\nz\r\n", []string{"1 A 4:1", "2 B 9:1"}},
		{"column in characters", "# ä\n\n   ## B\n", []string{"1 ä empty 1:1", "2 B empty 3:4"}},
		{"up to a transcript", "# A\n## Agent Output\nx\n# B\nx\n", []string{"1 A empty 1:1"}},
		{"a transcript's definition", "# [A]\n\nx\n\n## Agent Output\n\n[a]: /b\n", []string{"1 [A] 1:1"}},
		{"not in quotes, lists, code and HTML", "> # A\n\n- # B\n\n```\n# C\n```\n\n    # D\n\n<div>\n# E\n</div>\n", nil},

		{"sub-heading has it", "# A\n## B\n### C\nx\n## D\n", []string{"1 A 1:1", "2 B 2:1", "3 C 3:1", "2 D empty 5:1"}},
		{"sub-headings only", "# A\n## B\n## C\n# D\nx", []string{"1 A empty 1:1", "2 B empty 2:1", "2 C empty 3:1", "1 D 4:1"}},
		{"levels left out", "### A\nx\n# B\n### C\n## D\nx\n", []string{"3 A 1:1", "1 B 3:1", "3 C empty 4:1", "2 D 5:1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, h := range documentOf(t, tt.text).Headings {
				empty := ""
				if h.Empty {
					empty = "empty "
				}
				got = append(got, fmt.Sprintf("%d %s %s%d:%d", h.Level, h.Text, empty, h.Pos.Line, h.Pos.Column))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEmptySections(t *testing.T) {
	t.Parallel()
	for text, empty := range map[string]bool{
		"":                                       true,
		"<!-- say why -->":                       true,
		"<!--\n\nsay why\n\n# not this\n-->":     true,
		"<!-- a --> <!-- b -->":                  true,
		"<!-- a -->\n\n<!---->\n\n<!-->":         true,
		"<!-- never closed\n\nx":                 true,
		"<!-- a --> b":                           false,
		"<!-- a -->\nb":                          false,
		"<!--> b":                                false,
		"*<!-- a -->*":                           true,
		"*<!-- a -->* b":                         false,
		"<br>":                                   false,
		"<details>\nx\n</details>":               false,
		"<script>\n</script>":                    false,
		"---":                                    true,
		"&nbsp;":                                 true,
		"\\":                                     false,
		"-":                                      true,
		"- [ ]":                                  true,
		"- [ ] x":                                false,
		"-\n  -\n    1.":                         true,
		"- a":                                    false,
		"- # a":                                  true,
		">":                                      true,
		"> <!-- a -->":                           true,
		"> a":                                    false,
		"```\n```":                               true,
		"```sh\n\n \n```":                        true,
		"```\nx\n```":                            false,
		"    x":                                  false,
		"[a]: /b":                                true,
		"[](/b)":                                 true,
		"![](/b)":                                false,
		"<https://a.example>":                    false,
		"| a | b |\n| - | - |":                   true,
		"| a | b |\n| - | - |\n| | |":            true,
		"| a | b |\n| - | - |\n| <!-- x --> | |": true,
		"| a | b |\n| - | - |\n| | x |":          false,
		"`x`":                                    false,
	} {
		d := documentOf(t, "# A\n\n"+text+"\n")
		if d.Headings[0].Empty != empty {
			t.Errorf("%q: empty is %v", text, !empty)
		}
	}
}

func TestSections(t *testing.T) {
	t.Parallel()
	const text = "# Doc\n\n## Problem\nx\n\n## Root  *cause*\n<!-- say -->\n\n## H1\n### Evidence\nx\n## H2\n### Evidence\n"
	for _, tt := range []struct {
		names    []string
		found    int
		problems []string
	}{
		{[]string{"Problem"}, 1, nil},
		{[]string{" problem ", "DOC", "h1"}, 3, nil},
		{[]string{"Problem", "problem"}, 1, nil},
		{[]string{"root cause"}, 0, []string{
			`doc.md:6:1: the section "Root cause" is empty (comments and headings do not count)`}},
		{[]string{"evidence"}, 1, []string{ // each that has the name
			`doc.md:13:1: the section "Evidence" is empty (comments and headings do not count)`}},
		{[]string{"Rot cause", "Problem", "Decision"}, 1, []string{
			`doc.md: no heading "Rot cause" (did you mean "Root cause"?)`, `doc.md: no heading "Decision"`}},
		{[]string{"## Problem"}, 0, []string{`doc.md: no heading "## Problem"`}},
	} {
		found, problems := documentOf(t, text).Sections(tt.names)
		if diff := cmp.Diff(tt.problems, messagesOf(problems)); diff != "" || len(found) != tt.found {
			t.Errorf("%q: found %v\n%s", tt.names, found, diff)
		}
	}
}
