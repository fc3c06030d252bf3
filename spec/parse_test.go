package spec

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// dump formats what was read from the Markdown of a spec.
func dump(sp *Spec, problems Problems) string {
	var sb strings.Builder
	fmt.Fprintf(&sb, "title %q\n", sp.Title)
	own := map[*Check]bool{}
	for _, c := range sp.Criteria {
		mark := " "
		if c.Ticked {
			mark = "x"
		}
		fmt.Fprintf(&sb, "%d [%s] %s %d %q", c.Number, mark, at(c.Pos), c.Depth, c.Text)
		switch {
		case c.Check == nil:
		case own[c.Check]:
			fmt.Fprintf(&sb, " inherited %s", at(c.Check.Pos))
		default:
			fmt.Fprintf(&sb, " own %s %q %q", at(c.Check.Pos), c.Check.Info, c.Check.Script)
		}
		own[c.Check] = true
		sb.WriteByte('\n')
	}
	for _, p := range problems {
		fmt.Fprintf(&sb, "%s %s %s %s\n", p.Severity, at(p.Pos), p.Rule, p.Msg)
	}
	return sb.String()
}

func at(p Pos) string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// TestParseFixtures reads every fixture with both line endings.
func TestParseFixtures(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/parse/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ = bytes.Cut(text, []byte("-- spec.md --\n"))
		src, want, _ := strings.Cut(string(text), "-- want --\n")
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for ending, src := range map[string]string{"lf": src, "crlf": crlf(src)} {
			t.Run(name+"/"+ending, func(t *testing.T) {
				t.Parallel()
				sp, problems := Parse(".chant/specs/"+name+".md", []byte(src))
				if diff := cmp.Diff(want, dump(sp, problems)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestParseIdentity(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, id string
		archived bool
	}{
		{".chant/specs/002-reproduction.md", "002-reproduction", false},
		{".chant/specs/002.1.md", "002.1", false},
		{".chant/archive/2026/old.md", "old", true},
		{".chant/archived/old.md", "old", false},
	} {
		sp, problems := Parse(tt.path, []byte("text\n"))
		if sp.ID != tt.id || sp.Archived != tt.archived || sp.Path != tt.path || sp.Title != tt.id || len(problems) > 0 {
			t.Errorf("Parse(%q) = %+v, %v", tt.path, sp, problems)
		}
	}
}

func TestParseMeta(t *testing.T) {
	t.Parallel()
	src := `---
type: code
phase: fix
status: "in_progress"
depends_on: 002
target_files:
- a.go
- 'b/**'
informed_by: [x.md, 003]
prompt: standard
model: 4.50
agent: yes
labels: [1, é, two]
commits:
  - 1234567
  - 12e4567
  - &c 0x1f
  - *c
completed_at: 2026-02-02T16:26:33.5+02:00
approval:
  required: true
  status: approved
  by: ann
  at: 2026-02-01T00:00:00Z
  digest: sha256:ab
  reason: unknown to chant
attested:
- criterion: It "works"
  by: ann
  at: 2026-02-01T00:00:00Z
  note: |
    seen
    twice
branch: [unknown, {to: chant}]
skipped: {reason: "not, needed", by: ann, at: 2026-02-01T01:00:00+01:00, ticket: unknown}
---
`
	at := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	want := Meta{
		Type: "code", Phase: "fix", Status: StatusInProgress,
		DependsOn:   []Item{{"002", Pos{5, 13}}},
		TargetFiles: []Item{{"a.go", Pos{7, 3}}, {"b/**", Pos{8, 3}}},
		InformedBy:  []Item{{"x.md", Pos{9, 15}}, {"003", Pos{9, 21}}},
		Prompt:      "standard", Model: "4.50", Agent: "yes",
		Labels:      []string{"1", "é", "two"},
		Commits:     []string{"1234567", "12e4567", "0x1f", "0x1f"},
		CompletedAt: time.Date(2026, 2, 2, 14, 26, 33, 5e8, time.UTC),
		Approval:    Approval{Required: true, Status: "approved", By: "ann", At: at, Digest: "sha256:ab"},
		Attested:    []Attestation{{Criterion: `It "works"`, By: "ann", At: at, Note: "seen\ntwice\n"}},
		Skipped:     Skip{Reason: "not, needed", By: "ann", At: at},
	}
	for name, src := range map[string]string{"lf": src, "crlf": crlf(src), "no final newline": strings.TrimSuffix(src, "\n")} {
		sp, problems := Parse("x.md", []byte(src))
		if diff := cmp.Diff(want, sp.Meta); diff != "" || len(problems) > 0 {
			t.Errorf("%s: %v (-want +got):\n%s", name, problems, diff)
		}
	}
}

func TestParseWithoutValues(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"text", "Setext\n---\nWord: no key\n", "---\n---\n", "--- \n---\t\n", "---\ncommit: of older specs\n---\n", "---\n# only a comment\n---", "---\ntype:\nlabels: ~\napproval:\n---\n", "---\nunknown: {}\n---\n",
	} {
		sp, problems := Parse("x.md", []byte(src))
		if diff := cmp.Diff(Meta{}, sp.Meta); diff != "" || len(problems) > 0 {
			t.Errorf("%q: %v (-want +got):\n%s", src, problems, diff)
		}
	}
}

// TestParseProblems compares all problems, without "spec x: x.md:".
func TestParseProblems(t *testing.T) {
	t.Parallel()
	const (
		lost = `this looks like frontmatter, and is not read: it does not begin in the first line ` +
			`(write "---" in the first line, with nothing before it)`
		conflict = `the file has the marker "<<<<<<<" of a merge conflict (resolve it and remove the markers)`
	)
	for _, tt := range []struct{ name, src, want string }{
		{"empty", "", " the file is empty"},
		{"blank", " \n\n", " the file is empty"},
		{"byte order mark", "\ufeff# x", "1:1: the file starts with a byte order mark (save as UTF-8 without a byte order mark)"},
		{"not UTF-8", "# é\né b\xffc", "2:4: byte 0xff is not UTF-8 (save as UTF-8)"},
		{"NUL", "# x\n\x00", "2:1: the file contains a NUL byte (remove it)"},
		{"unclosed", "---\ntype: code\n----\n", `1:1: the frontmatter is not closed (end it with a line that is exactly "---")`},
		{"frontmatter after a blank line", "\n---\nx: y\n---\n# T\n", "2:1: " + lost},
		{"frontmatter after a comment", "<!-- c -->\r\n---\r\nx: y\r\n---\r\n", "2:1: " + lost},
		{"frontmatter without its first line", "type: code\nstatus: completed\n---\n# T\n", "1:1: " + lost},
		{"frontmatter in other fences", "+++\n\"status\": completed\n+++\n# T\n", "2:1: " + lost},
		{"misspelt key", "---\naproval: {required: true}\n---\n", `2:1: unknown key "aproval" (did you mean "approval"?)`},
		{"key in other letters", "---\ntargetFiles: [a]\nStatus: x\nDEPENDS-ON: b\nlabel: c\n---\n",
			`2:1: unknown key "targetFiles" (did you mean "target_files"?)` + "\n" + `3:1: unknown key "Status" (did you mean "status"?)` + "\n" +
				`4:1: unknown key "DEPENDS-ON" (did you mean "depends_on"?)` + "\n" + `5:1: unknown key "label" (did you mean "labels"?)`},
		{"misspelt field", "---\napproval: {requires: true}\nattested:\n- {criterium: x}\n---\n",
			`2:12: unknown key "requires" (did you mean "required"?)` + "\n" + `4:4: unknown key "criterium" (did you mean "criterion"?)`},
		{"conflict in the frontmatter", "---\n<<<<<<< ours\nstatus: a\n=======\nstatus: b\n>>>>>>> theirs\n---\n# T\n", "2:1: " + conflict},
		{"conflict", "# T\n\n```\n<<<<<<<\r\n```\n", "4:1: " + conflict},
		{"rest of a conflict", "# T\n>>>>>>> theirs\n", "2:1: " + strings.Replace(conflict, "<<<<<<<", ">>>>>>>", 1)},
		{"tab", "---\ntype: code\n\tphase: fix\n---\n", "3:1: a tab in the indentation (indent with spaces)"},
		{"tab after spaces", "---\nx:\n  - a\n \t- b\n---\n", "4:2: a tab in the indentation (indent with spaces)"},
		{"unclosed quote", "---\na: 1\nb: \"x\nc: d\n---\n", "3:1: invalid YAML: found unexpected end of stream"},
		{"two colons", "---\na: 1\nb: c: d\n---\n", "3:1: invalid YAML: mapping values are not allowed in this context"},
		{"unknown alias", "---\na: *b\n---\n", "2:1: invalid YAML: unknown anchor 'b' referenced"},
		{"two documents", "---\na: b\n--- x\n---\n", "3:1: invalid YAML: a second YAML document starts in the frontmatter"},
		{"list", "---\n- a\n---\n", `2:1: the frontmatter is a list, not a mapping (write "key: value" lines)`},
		{"text", "---\n\na\n---\n", `3:1: the frontmatter is a single value, not a mapping (write "key: value" lines)`},
		{"key twice", "---\na: b\nc: d\na: e\n---\n", `4:1: key "a" is given twice, first at line 2 (keep one of them)`},
		{"field twice", "---\napproval:\n  by: a\n  by: b\n---\n", `4:3: key "by" is given twice, first at line 3 (keep one of them)`},
		{"merge", "---\n<<: {a: b}\n---\n", "2:1: a key must be a text, not an alias, a merge or a list (write the keys out)"},
		{"control character", "---\na: é\x01\n---\n",
			`2:5: character U+0001 in the frontmatter (remove it, or write it as an escape in double quotes)`},
		{"line separator", "---\na: \u2028b\n---\n",
			`2:4: character U+2028 in the frontmatter (remove it, or write it as an escape in double quotes)`},
		{"lone carriage return", "---\na: b\rc: d\n---\n",
			`2:5: character U+000D in the frontmatter (remove it, or write it as an escape in double quotes)`},
		{"map for a text", "---\ntype: {a: b}\n---\n", "2:7: type must be a single value, not a mapping"},
		{"map for a list", "---\ndepends_on:\n  a: b\n---\n", "3:3: depends_on must be a list of texts, or one text, not a mapping"},
		{"map in a list", "---\nlabels: [a, {}]\n---\n", "2:13: labels must be a list of texts, or one text, not a mapping"},
		{"empty entry", "---\nlabels:\n- a\n-\n- ''\n---\n",
			"4:2: labels has an empty entry (remove it)\n5:3: labels has an empty entry (remove it)"},
		{"time", "---\ncompleted_at: 2026-02-02\n---\n",
			`2:15: completed_at "2026-02-02" is not an RFC 3339 time (write it like 2026-02-02T14:26:33Z)`},
		{"list for a time", "---\ncompleted_at: [a]\n---\n", "2:15: completed_at must be a single value, not a list"},
		{"text for a map", "---\napproval: yes\n---\n", "2:11: approval must be a map, not a single value"},
		{"text for a skip", "---\nskipped: yes\n---\n", "2:10: skipped must be a map, not a single value"},
		{"list for a reason", "---\nskipped: {reason: [a], at: now}\n---\n",
			"2:19: reason must be a single value, not a list\n2:28: at \"now\" is not an RFC 3339 time (write it like 2026-02-02T14:26:33Z)"},
		{"text for a truth value", "---\napproval:\n  required: maybe\n---\n", "3:13: required must be true or false"},
		{"text for a list of maps", "---\nattested: me\n---\n", "2:11: attested must be a list of maps, not a single value"},
		{"text in a list of maps", "---\nattested:\n- me\n---\n", "3:3: attested must hold maps, not a single value"},
		{
			"sorted", "---\nlabels: {}\ntype: []\n---\n```sh check\nx\n```\n",
			"2:9: labels must be a list of texts, or one text, not a mapping\n3:7: type must be a single value, not a list\n" +
				"5:1: a check outside a criterion (indent it below a task-list item of the acceptance criteria)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sp, problems := Parse("x.md", []byte(tt.src))
			var got []string
			for _, p := range problems {
				if p.Severity != Error || p.Rule == "" {
					t.Errorf("%+v: no error, or no rule", p)
				}
				got = append(got, strings.TrimPrefix(p.Error(), "spec x: x.md:"))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if sp == nil || sp.ID != "x" {
				t.Errorf("spec = %+v", sp)
			}
		})
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	const base = "---\ntype: code\n---\n# T\n## Acceptance Criteria\n- [ ] a\n  ```sh check\n  x\n  ```\n  - [ ] b\n- [ ] c\n"
	digest := func(src string) string {
		sp, problems := Parse("x.md", []byte(src))
		if len(problems) > 0 {
			t.Errorf("%q: %v", src, problems)
		}
		return sp.Digest()
	}
	want := digest(base)
	if !strings.HasPrefix(want, "sha256:") || len(want) != len("sha256:")+64 {
		t.Errorf("digest = %q", want)
	}
	for _, tt := range []struct {
		old, new string
		same     bool
	}{
		{"[ ]", "[x]", true},
		{"code", "task", true},
		{"# T", "# U", true},
		{"\n", "\r\n", true},
		{"- [ ] c\n", "- [ ] c\n## Agent Output\n- [ ] d\n", true},
		{"- [ ] c", "- [ ] d", false},
		{"- [ ] c", "- [ ] c\n- [ ] d", false},
		{"  - [ ] b", "- [ ] b", false},
		{"sh check", "sh check repeat=2", false},
		{"  x\n", "  x \n", false},
		{"  - [ ] b", "  - [ ] b\n    ```sh check\n    x\n    ```", false},
		{"- [ ] c", "- [ ] c\n  ```sh check\n  x\n  ```", false},
	} {
		got := digest(strings.ReplaceAll(base, tt.old, tt.new))
		if (got == want) != tt.same {
			t.Errorf("%q instead of %q: same digest: %v, want %v", tt.new, tt.old, got == want, tt.same)
		}
	}
}
