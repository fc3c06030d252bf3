package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const templatePath = ".chant/templates/fix.md"

func TestExpand(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"id": "007", "spec.title": "Fix {{id}}\n\n$1 \\0", "a-b_c.d2.3": "odd", "none": ""}
	for _, tt := range []struct {
		name, src, want string
		problems        []string
	}{
		{"nothing", "", "", nil},
		{"several", "{{id}}: {{spec.title}}{{a-b_c.d2.3}}({{none}})", "007: Fix {{id}}\n\n$1 \\0odd()", nil},
		{"blanks", "{{ id\t}} {{\tid }}", "007 007", nil},
		{"CRLF stays", "{{id}}\r\n\r\n", "007\r\n\r\n", nil},
		{"more braces", "{{{id}}} {{{{id}}}}", "{007} {{007}}", nil},
		{"plain text", "{{}} {{ }} {{Id}} {{.id}} {{id.}} {{2}} {{a b}} {{\nid}} {{id} } {id} {{id",
			"{{}} {{ }} {{Id}} {{.id}} {{id.}} {{2}} {{a b}} {{\nid}} {{id} } {id} {{id", nil},
		{"no UTF-8", "\xff{{id}}\xff", "\xff007\xff", nil},
		{"unknown", "é {{id}} {{ idd }}\n  {{spec.tilte}}{{zzz}}\n", "é 007 {{ idd }}\n  {{spec.tilte}}{{zzz}}\n", []string{
			`error unknown-variable .chant/templates/fix.md:1:10: unknown variable "idd" (did you mean "id"?)`,
			`error unknown-variable .chant/templates/fix.md:2:3: unknown variable "spec.tilte" (did you mean "spec.title"?)`,
			`error unknown-variable .chant/templates/fix.md:2:17: unknown variable "zzz" (one of a-b_c.d2.3, id, none, spec.title)`,
		}},
	} {
		got, problems := Expand(templatePath, []byte(tt.src), vars)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.problems, severe(problems)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	_, problems := Expand(templatePath, []byte("{{x}}"), nil)
	want := []string{`error unknown-variable .chant/templates/fix.md:1:1: unknown variable "x" (there are none)`}
	if diff := cmp.Diff(want, severe(problems)); diff != "" {
		t.Error(diff)
	}
}

// FuzzExpand expects that a template without variables is unchanged, that each
// unknown name is a problem at its braces, and that values are not expanded.
func FuzzExpand(f *testing.F) {
	for _, src := range []string{"", "a {{b}} {{ c.d }}\r\n{{{e}}}", "{{}} {{A}} {{a b}}", "é{{a}}\xff\n{{b-2_x}}", "{{a}}{{a}}"} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		out, problems := Expand(templatePath, []byte(src), nil)
		if out != src {
			t.Errorf("%q became %q", src, out)
		}
		s := newSource("", "", []byte(src))
		vars := map[string]string{}
		for _, p := range problems {
			at := s.offset(p.Pos)
			name, _, ok := strings.Cut(src[at+2:], "}}")
			if !strings.HasPrefix(src[at:], "{{") || !ok {
				t.Errorf("%q holds no variable at %v", src, p.Pos)
			}
			vars[strings.Trim(name, " \t")] = "{{" + strings.Trim(name, " \t") + "}}\x00"
		}
		out, again := Expand(templatePath, []byte(src), vars)
		if len(again) > 0 || strings.Count(out, "\x00") != strings.Count(src, "\x00")+len(problems) {
			t.Errorf("%q became %q, %v", src, out, again)
		}
	})
}
