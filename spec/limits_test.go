package spec

import (
	"strings"
	"testing"
)

// fill repeats a text up to a size.
func fill(unit string, size int) string { return strings.Repeat(unit, size/len(unit)) }

// TestParseLimits reads files just within a limit and just beyond it.
func TestParseLimits(t *testing.T) {
	t.Parallel()
	const section = "## Acceptance Criteria\n\n- [ ] one\n"
	line := strings.Repeat("x", 98) + "\n\n"
	for _, tt := range []struct{ name, within, beyond, want string }{
		{"frontmatter", "---\n" + fill("# x\n", frontmatterLimit) + "---\n" + section, "---\n" + fill("# x\n", frontmatterLimit+4) + "---\n" + section,
			"1:1: the frontmatter has more than 64 KiB (move texts into the body, or into files of their own)"},
		{"text", section + "\n" + fill(line, markdownLimit-100), section + "\n" + fill(line, markdownLimit+100),
			"2625:1: the text has more than 128 KiB, without the output of agents (move parts of it into files of their own)"},
		{"paragraph", section + "\n" + fill("x y\n", textLimit-4), section + "\n" + fill("x y\n", textLimit+8),
			"5:1: a paragraph, heading or info string has more than 8 KiB (break it up with blank lines, or put it into a code block)"},
		{"item", section + "- " + fill("[", textLimit-8) + "\n", section + "- " + fill("[", textLimit+8) + "\n",
			"4:3: a paragraph, heading or info string has more than 8 KiB (break it up with blank lines, or put it into a code block)"},
		{"heading", section + "# " + fill("*a", textLimit-8) + "\n", section + "# " + fill("*a", textLimit+8) + "\n",
			"4:3: a paragraph, heading or info string has more than 8 KiB (break it up with blank lines, or put it into a code block)"},
		{"info string", section + "\n``` " + fill("x", textLimit-8) + "\n```\n", section + "\n``` " + fill("x", textLimit+8) + "\n```\n",
			"5:5: a paragraph, heading or info string has more than 8 KiB (break it up with blank lines, or put it into a code block)"},
		{"quotes", section + "\n" + fill(">", nestingLimit), section + "\n" + fill(">", nestingLimit+1),
			"5:1: more than 500 quotes and lists begin on this line (nest them less)"},
		{"lists", section + "\n" + fill("- ", 2*nestingLimit), section + "\n" + fill("1.\t- > ", 10*nestingLimit),
			"5:1: more than 500 quotes and lists begin on this line (nest them less)"},
		{"code is no paragraph", section + "\n```\n" + fill("x y\n", 2*textLimit) + "```\n", "", ""},
		{"rows of numbers", section + "\n```\n" + fill("1 2 3 ", 8*nestingLimit) + "\n```\n", "", ""},
		{"a rule", section + "\n" + fill("-", 2*nestingLimit) + "\n", "", ""},
		{"transcript", section + "\n## Agent Output\n\n" + fill("x y\n", 2*markdownLimit), "", ""},
		{"nested transcript", section + "\n## Agent *Output*\n\n" + fill(">", 2*nestingLimit), "", ""},
	} {
		sp, problems := Parse("x.md", []byte(tt.within))
		if err := problems.Err(); err != nil || len(sp.Criteria) == 0 {
			t.Errorf("%s: within the limit: %v, %d criteria", tt.name, err, len(sp.Criteria))
		}
		if tt.beyond == "" {
			continue
		}
		_, problems = Parse("x.md", []byte(tt.beyond))
		if len(problems) != 1 || problems[0].Error() != "spec x: x.md:"+tt.want {
			t.Errorf("%s: beyond the limit: %v\nwant %s", tt.name, problems, tt.want)
		}
	}
}

// BenchmarkHostile parses the texts within the limits that take the parsers longest.
func BenchmarkHostile(b *testing.B) {
	paragraphs := func(unit string) string {
		return fill(fill(unit, textLimit-8)+"\n\n", markdownLimit-100)
	}
	for name, src := range map[string]string{
		"links": paragraphs("[a]("), "images": paragraphs("![]("), "emphasis": paragraphs("_*a"), "brackets": paragraphs("["),
		"quotes": fill(fill("> ", 2*nestingLimit-2)+"a\n", markdownLimit-100), "lists": fill(fill("- ", 2*nestingLimit-2)+"a\n", markdownLimit-100),
		"yaml": "---\n" + fill("- [\n", frontmatterLimit) + "---\n", "keys": "---\n" + fill("? ", frontmatterLimit) + "\n---\n",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Parse("x.md", []byte(src))
			}
		})
	}
}
