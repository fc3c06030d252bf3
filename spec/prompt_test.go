package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePrompt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, src, extends string
		at                 Pos
		body               string
		problems           []string
	}{
		{"no frontmatter", "Do {{x}}.\n", "", Pos{}, "Do {{x}}.\n", nil},
		{"extends", "---\n# c\nextends: 'base'\n---\nDo it.", "base", Pos{3, 10}, "Do it.", nil},
		{"CRLF", "---\r\nextends: base\r\n---\r\nDo it.\r\n", "base", Pos{2, 10}, "Do it.\r\n", nil},
		{"nothing of its own", "---\nextends: base\n---\n", "base", Pos{2, 10}, "", nil},
		{"extends nothing", "---\nextends:\n---\nx", "", Pos{}, "x", nil},
		{"unknown key", "---\nextend: base\nname: x\n---\nx", "", Pos{}, "x", []string{
			`warning unknown-key .chant/prompts/p.md:2:1: unknown key "extend" (did you mean "extends"?)`,
			`warning unknown-key .chant/prompts/p.md:3:1: unknown key "name"`,
		}},
		{"extends several", "---\nextends: [a, b]\n---\nx", "", Pos{2, 10}, "x", []string{
			`error wrong-shape .chant/prompts/p.md:2:10: extends must be a single value, not a list`,
		}},
		{"unclosed", "---\nextends: a\n", "", Pos{}, "", []string{
			`error unclosed-frontmatter .chant/prompts/p.md:1:1: the frontmatter is not closed (end it with a line that is exactly "---")`,
		}},
		{"empty", "", "", Pos{}, "", []string{`error empty-file .chant/prompts/p.md: the file is empty`}},
	} {
		p, problems := ParsePrompt(".chant/prompts/p.md", []byte(tt.src))
		if diff := cmp.Diff(tt.problems, severe(problems)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if p.Name != "p" || p.Path != ".chant/prompts/p.md" || p.Extends != (Item{tt.extends, tt.at}) || p.Body != tt.body {
			t.Errorf("%s: %+v", tt.name, p)
		}
	}
}

// promptsOf reads prompts by name.
func promptsOf(t *testing.T, sources map[string]string) map[string]Prompt {
	t.Helper()
	prompts := map[string]Prompt{}
	for name, src := range sources {
		p, problems := ParsePrompt(".chant/prompts/"+name+".md", []byte(src))
		if problems != nil {
			t.Fatal(problems)
		}
		prompts[name] = p
	}
	return prompts
}

func TestExpandPrompt(t *testing.T) {
	t.Parallel()
	prompts := promptsOf(t, map[string]string{
		"base":     "Base {{x}}.\n\n",
		"frame":    "Before.\n\n{{content}}\n\nAfter {{x}}, {{ content }}.\n",
		"after":    "---\nextends: base\n---\n\nChild {{x}}.\n",
		"framed":   "---\nextends: frame\n---\n\nChild {{x}}.\n",
		"third":    "---\nextends: framed\n---\nGrandchild.",
		"silent":   "---\nextends: base\n---\n",
		"unfilled": "---\nextends: base\n---\nA{{content}}B\n",
		"missing":  "---\nextends: bsae\n---\nx {{y}}",
		"lost":     "---\nextends: nowhere\n---\nx",
		"self":     "---\nextends: self\n---\nx",
		"a":        "---\nextends: b\n---\nx {{y}}",
		"b":        "---\n# c\nextends: c\n---\n\n  {{z}}",
		"c":        "---\nextends: b\n---\nx",
		"wrong":    "---\nextends: typo\n---\n\n{{xx}} {{x}}",
		"typo":     "{{contents}}\n",
	})
	for _, tt := range []struct {
		name, want string
		problems   []string
	}{
		{"base", "Base {{content}}.\n\n", nil},
		{"frame", "Before.\n\n\n\nAfter {{content}}, .\n", nil},
		{"after", "Base {{content}}.\n\nChild {{content}}.\n", nil},
		{"framed", "Before.\n\nChild {{content}}.\n\nAfter {{content}}, Child {{content}}..\n", nil},
		{"third", "Before.\n\nChild {{content}}.\n\nGrandchild.\n\nAfter {{content}}, Child {{content}}.\n\nGrandchild..\n", nil},
		{"silent", "Base {{content}}.\n\n", nil},
		{"unfilled", "Base {{content}}.\n\nAB\n", nil},
		{"missing", "x {{y}}", []string{
			`error unknown-prompt .chant/prompts/missing.md:2:10: no prompt "bsae" to extend (did you mean "base"?)`,
			`error unknown-variable .chant/prompts/missing.md:4:3: unknown variable "y" (one of content, x)`,
		}},
		{"lost", "x", []string{`error unknown-prompt .chant/prompts/lost.md:2:10: no prompt "nowhere" to extend`}},
		{"self", "x", []string{`error prompt-cycle .chant/prompts/self.md:2:10: cycle of prompts self → self`}},
		{"a", "x\n\n  {{z}}\n\nx {{y}}", []string{
			`error unknown-variable .chant/prompts/a.md:4:3: unknown variable "y" (one of content, x)`,
			`error unknown-variable .chant/prompts/b.md:6:3: unknown variable "z" (one of content, x)`,
			`error prompt-cycle .chant/prompts/c.md:2:10: cycle of prompts b → c → b`,
		}},
		{"wrong", "{{contents}}\n\n{{xx}} {{content}}", []string{
			`error unknown-variable .chant/prompts/typo.md:1:1: unknown variable "contents" (did you mean "content"?)`,
			`error unknown-variable .chant/prompts/wrong.md:5:1: unknown variable "xx" (one of content, x)`,
		}},
	} {
		// The value shows that values are not expanded.
		vars := map[string]string{"x": "{{content}}"}
		got, problems := ExpandPrompt(prompts[tt.name], prompts, vars)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.problems, severe(problems)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if len(vars) != 1 {
			t.Errorf("%s: the variables became %v", tt.name, vars)
		}
	}
	if got, problems := ExpandPrompt(prompts["framed"], prompts, nil); len(problems) != 2 || !strings.Contains(got, "{{x}}") {
		t.Errorf("without variables: %q, %v", got, problems)
	}
}

// FuzzParsePrompt expects that the body is the end of the file, that positions are
// inside the file, and that a prompt that extends itself is reported once.
func FuzzParsePrompt(f *testing.F) {
	for _, src := range []string{"x", "---\nextends: p\n---\n{{content}}{{a}}", "---\r\nextends: q\r\n---\r\n{{b}}\r\n",
		"---\nextends: &a [*a]\n---\n"} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, problems := ParsePrompt("p.md", src)
		if problems.Err() == nil && !strings.HasSuffix(string(src), p.Body) {
			t.Errorf("%q has the body %q", src, p.Body)
		}
		out, expanding := ExpandPrompt(p, map[string]Prompt{"p": p}, map[string]string{"a": "1"})
		s := newSource("", "", src)
		ancestry := 0
		for _, problem := range append(problems, expanding...) {
			if problem.Pos != (Pos{}) && s.pos(s.offset(problem.Pos)) != problem.Pos {
				t.Errorf("%v is not in %q", problem, src)
			}
			if problem.Rule == "prompt-cycle" || problem.Rule == "unknown-prompt" {
				ancestry++
			}
		}
		if (ancestry == 1) != (p.Extends.Value != "") {
			t.Errorf("%q extends %q: %v", src, p.Extends.Value, expanding)
		}
		if again, _ := ExpandPrompt(p, nil, map[string]string{"a": "1"}); again != out {
			t.Errorf("%q became %q, and %q without others", src, out, again)
		}
	})
}
