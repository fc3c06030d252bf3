package spec

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSetTicks(t *testing.T) {
	t.Parallel()
	const src = "## Acceptance Criteria\n- [ ] a\n- [x] b\n  - [X] c\n- [X] d"
	for _, tt := range []struct {
		name  string
		ticks map[int]bool
		want  string
	}{
		{"nothing", nil, src},
		{"tick and untick", map[int]bool{1: true, 2: false, 4: false}, "## Acceptance Criteria\n- [x] a\n- [ ] b\n  - [X] c\n- [ ] d"},
		{"as they are", map[int]bool{1: false, 2: true, 3: true}, src},
	} {
		for _, ending := range []string{"\n", "\r\n"} {
			got, err := SetTicks([]byte(withEnding(src, ending)), tt.ticks)
			if diff := cmp.Diff(withEnding(tt.want, ending), string(got)); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
			}
		}
	}
	for _, number := range []int{0, 5} {
		if got, err := SetTicks([]byte(src), map[int]bool{number: true}); err == nil || got != nil {
			t.Errorf("SetTicks(%d) = %q, %v, want an error alone", number, got, err)
		}
	}
}

func TestSetKey(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 2, 15, 4, 5, 999, time.FixedZone("", 3600))
	ann := Attestation{Criterion: "It: works", By: "ann", At: at, Note: "seen\ntwice"}
	bob := Attestation{Criterion: "b", By: "bob"}
	for _, tt := range []struct {
		name, in, key string
		value         any
		want          string
	}{
		{"plain value", "---\ntype: code\nstatus:  pending   # why\nx: y\n---\nbody", "status", "completed",
			"---\ntype: code\nstatus:  completed   # why\nx: y\n---\nbody"},
		{"double quotes", "---\nstatus: \"a \\\" b\" # c\n---\n", "status", "é\"", "---\nstatus: \"é\\\"\" # c\n---\n"},
		{"single quotes", "---\nstatus: 'it''s'\n---\n", "status", "that's", "---\nstatus: 'that''s'\n---\n"},
		{"single quotes that can't hold it", "---\nstatus: 'a'\n---\n", "status", "a\nb", "---\nstatus: \"a\\nb\"\n---\n"},
		{"indented keys", "---\n  type: code\n  status: a\n---\n", "status", "b", "---\n  type: code\n  status: b\n---\n"},
		{"quoted key", "---\n\"status\": a\n---\n", "status", "b", "---\n\"status\": b\n---\n"},
		{"no value", "---\nmodel: # later\nx: y\n---\n", "model", "m", "---\nmodel: m # later\nx: y\n---\n"},
		{"same value", "---\nstatus: 'a' \n---\n", "status", "a", "---\nstatus: 'a' \n---\n"},
		{"absent", "---\ntype: code\n# end\n---\nbody", "status", "a", "---\ntype: code\n# end\nstatus: a\n---\nbody"},
		{"absent, indented", "---\n  type: code\n---", "labels", []string{"a"}, "---\n  type: code\n  labels:\n  - a\n---"},
		{"empty frontmatter", "---\n---\n", "status", "a", "---\nstatus: a\n---\n"},
		{"no frontmatter", "# T\n", "labels", []string{"a", "b"}, "---\nlabels:\n- a\n- b\n---\n# T\n"},
		{"folded value", "---\nmodel: >\n  a\n  b\n# c\nx: y\n---\n", "model", "m", "---\nmodel: m\n# c\nx: y\n---\n"},
		{"value on the next line", "---\nmodel:\n  a\nx: y\n---\n", "model", "m", "---\nmodel:\n  m\nx: y\n---\n"},
		{"list for a text", "---\nmodel:\n- a # b\n---\n", "model", "m", "---\nmodel: m\n---\n"},
		{"looks like a number", "---\nmodel: m\n---\n", "model", "12e4567", "---\nmodel: \"12e4567\"\n---\n"},
		{"completed_at", "---\ntype: code\n---\n", "completed_at", "2026-02-02T14:26:33Z",
			"---\ntype: code\ncompleted_at: 2026-02-02T14:26:33Z\n---\n"},
		{"completed_at again", "---\ncompleted_at: 2026-02-02T14:26:33Z # c\n---\n", "completed_at", "2027-02-02T14:26:33Z",
			"---\ncompleted_at: 2027-02-02T14:26:33Z # c\n---\n"},

		{"list grows", "---\ncommits: # c\n  - \"abc\" # one\n  # two\n\n# next\nx: y\n---\n", "commits", []string{"abc", "1234567"},
			"---\ncommits: # c\n  - \"abc\" # one\n  # two\n  - \"1234567\"\n\n# next\nx: y\n---\n"},
		{"list grows at the end", "---\ncommits:\n- 123\n---\n", "commits", []string{"123", "247af2d"}, "---\ncommits:\n- 123\n- 247af2d\n---\n"},
		{"list shrinks in the middle", "---\nlabels:\n- a # 1\n- b # 2\n- c # 3\n---\n", "labels", []string{"a", "c"},
			"---\nlabels:\n- a # 1\n- c # 3\n---\n"},
		{"list gets empty", "---\nlabels:\n- a\nx: y\n---\n", "labels", []string{}, "---\nlabels: []\nx: y\n---\n"},
		{"list from braces", "---\nlabels: [a, b] # c\n---\n", "labels", []string{"a"}, "---\nlabels: # c\n- a\n---\n"},
		{"list from one text", "---\nlabels: a\n---\n", "labels", []string{"a", "b"}, "---\nlabels:\n- a\n- b\n---\n"},
		{"one text is the list", "---\nlabels: a\n---\n", "labels", []string{"a"}, "---\nlabels: a\n---\n"},
		{"dash on a line of its own", "---\nlabels:\n-\n  a\n---\n", "labels", []string{"a", "b"}, "---\nlabels:\n- a\n- b\n---\n"},

		{"first attestation", "---\ntype: code\n---\n", "attested", []Attestation{ann},
			"---\ntype: code\nattested:\n- criterion: \"It: works\"\n  by: ann\n  at: 2026-02-02T14:04:05Z\n  note: \"seen\\ntwice\"\n---\n"},
		{"next attestation", "---\nattested:\n  - by: bob\n    criterion: b # c\n    seal: unknown\n---\n", "attested",
			[]Attestation{bob, ann},
			"---\nattested:\n  - by: bob\n    criterion: b # c\n    seal: unknown\n  - criterion: \"It: works\"\n    by: ann\n    at: " +
				"2026-02-02T14:04:05Z\n    note: \"seen\\ntwice\"\n---\n"},

		{"first approval", "---\ntype: code\n---\n", "approval",
			Approval{Required: true, Status: "approved", By: "ann", At: at, Digest: "sha256:1"},
			"---\ntype: code\napproval:\n  required: true\n  status: approved\n  by: ann\n  at: 2026-02-02T14:04:05Z\n  digest: sha256:1\n---\n"},
		{"approved", "---\napproval:\n    # gate\n    required: true # always\n    status: \"pending\"\n    team: core\n# next\nx: y\n---\n",
			"approval", Approval{Required: true, Status: "approved", By: "ann"},
			"---\napproval:\n    # gate\n    required: true # always\n    status: \"approved\"\n    team: core\n    by: ann\n# next\nx: y\n---\n"},
		{"approval withdrawn", "---\napproval:\n  required: true\n  by: ann\n  status: approved\n  team: core\n---\n", "approval",
			Approval{Required: true}, "---\napproval:\n  required: true\n  team: core\n---\n"},
		{"first skip", "---\nstatus: cancelled\n---\n", "skipped", Skip{Reason: "no tests: yet", By: "ann", At: at},
			"---\nstatus: cancelled\nskipped:\n  reason: \"no tests: yet\"\n  by: ann\n  at: 2026-02-02T14:04:05Z\n---\n"},
		{"another reason", "---\nskipped:\n  by: ann # she\n  reason: 'a'\n  ticket: 7\n---\n", "skipped",
			Skip{Reason: "b", By: "ann", At: at}, "---\nskipped:\n  by: ann # she\n  reason: 'b'\n  ticket: 7\n  at: 2026-02-02T14:04:05Z\n---\n"},
		{"no longer skipped", "---\nskipped: # why\n  reason: a\n---\n", "skipped", Skip{}, "---\nskipped: {} # why\n---\n"},
		{"not skipped", "---\nskipped: {}\n---\n", "skipped", Skip{}, "---\nskipped: {}\n---\n"},

		{"approval in braces", "---\napproval: {required: false} # c\n---\n", "approval", Approval{Required: true},
			"---\napproval: # c\n  required: true\n---\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, ending := range []string{"\n", "\r\n"} {
				got, err := SetKey([]byte(withEnding(tt.in, ending)), tt.key, tt.value)
				if diff := cmp.Diff(withEnding(tt.want, ending), string(got)); diff != "" || err != nil {
					t.Errorf("%q: %v (-want +got):\n%s", ending, err, diff)
				}
			}
		})
	}
}

func TestSetKeyRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		value    any
	}{
		{"empty file", "", "a"},
		{"unclosed frontmatter", "---\ntype: code\n", "a"},
		{"invalid YAML", "---\na: b: c\n---\n", "a"},
		{"key twice", "---\nstatus: a\nstatus: b\n---\n", "c"},
		{"frontmatter in braces", "---\n{status: a}\n---\n", "b"},
		{"anchor", "---\nstatus: &s a\nx: *s\n---\n", "b"},
		{"end of document before the end", "---\ntype: code\n...\n---\n", "b"},
		{"type", "---\nstatus: a\n---\n", 1},
		{"not UTF-8", "---\nstatus: a\n---\n", "\xff"},
		{"empty entry", "---\nstatus: a\n---\n", []string{""}},
	} {
		if got, err := SetKey([]byte(tt.in), "status", tt.value); err == nil || got != nil {
			t.Errorf("%s: SetKey = %q, %v, want an error alone", tt.name, got, err)
		}
	}
}

// TestSetKeyQuotes lists texts that some YAML parser misreads without quotes.
func TestSetKeyQuotes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"completed", "001-comprehension", "247af2d", "a b", "tests/**/x.go", "it's", "a:b", "a#b", "é", "claude-haiku-4.5", "1.2.x",
	} {
		if got := yamlText(text); got != text {
			t.Errorf("yamlText(%q) = %s, want it plain", text, got)
		}
	}
	for _, text := range []string{
		"", " ", "002", "1234567", "12e4567", "1e5", "0x1F", "0o7", "0b1", "1_000", "1.5", ".5", "-1", "+1", "1:30", ".inf", "-.INF", ".nan",
		"true", "False", "yes", "No", "on", "OFF", "y", "N", "null", "~", "=", "<<", "2026-02-02", "2026-02-02T14:26:33Z",
		"*a", "&a", "!a", "a: b", "a #b", "- a", "? a", "[a", "{a", "]", "}", ",", "#a", "|", ">", "%a", "@a", "`a", `"a`, "'a", "a ", " a",
		"a\nb", "a\tb", "a\rb", "\u0085", "\u2028", "\ufeff", "\x00", "\U0001f600\u200b", "---", "...", "a:",
	} {
		got := yamlText(text)
		if !strings.HasPrefix(got, `"`) {
			t.Errorf("yamlText(%q) = %s, want it quoted", text, got)
		}
		root, err := decodeYAML([]byte(got))
		if err != nil || root.Value != text || root.ShortTag() != "!!str" {
			t.Errorf("yamlText(%q) = %s reads as %+v, %v", text, got, root, err)
		}
	}
}

func TestAppendOutput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, body, want string }{
		{"LF", "# T\n", "one\ntwo\n", "# T\n\n## Agent Output\n\none\ntwo\n"},
		{"CRLF", "# T\r\n", "one\ntwo", "# T\r\n\r\n## Agent Output\r\n\r\none\r\ntwo\r\n"},
		{"no final newline", "# T\n- [ ] a", "one", "# T\n- [ ] a\n\n## Agent Output\n\none\n"},
		{"frontmatter alone", "---\nx: y\n---", "one", "---\nx: y\n---\n\n## Agent Output\n\none\n"},
		{"a second transcript below an unclosed one", "## Agent Output\n```\nx", "one", "## Agent Output\n```\nx\n\n## Agent Output\n\none\n"},
	} {
		got, err := appendOutput([]byte(tt.in), tt.body)
		if diff := cmp.Diff(tt.want, string(got)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
	for _, in := range []string{"# T\n```\ncode\n", "<!-- open\n", "---\ntype: code\n"} {
		if got, err := appendOutput([]byte(in), "x"); err == nil || got != nil {
			t.Errorf("appendOutput(%q) = %q, %v, want an error alone", in, got, err)
		}
	}
}

// TestTranscriptChangesNothing appends output that looks like criteria.
func TestTranscriptChangesNothing(t *testing.T) {
	t.Parallel()
	src := []byte("# T\n## Acceptance Criteria\n- [ ] see [x]\n  ```sh check\n  a\n  ```\n")
	before, _ := Parse("x.md", src)
	for _, body := range []string{
		"- [x] a", "## Acceptance Criteria\n- [x] a", "```\n```\n# Acceptance Criteria\n- [x] a", "[x]: /url", "~~~sh check bogus",
	} {
		out, err := appendOutput(src, body)
		if err != nil {
			t.Fatal(err)
		}
		after, problems := Parse("x.md", out)
		if diff := cmp.Diff(dump(before, nil), dump(after, problems)); diff != "" {
			t.Errorf("%q (-before +after):\n%s", body, diff)
		}
	}
}
