package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"pgregory.net/rapid"
)

func TestProse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, src, want string }{
		{"empty", "", ""},
		{"nothing but prose", "One.\n\nTwo.\n", "One.\n\nTwo."},
		{"title", "---\ntype: code\n---\n# Title\n\n## Task\n\nDo it.\n", "## Task\n\nDo it."},
		{"underlined title", "Title\n=====\n\nDo it.\n", "Do it."},
		{"text above the title", "First.\n\n# Title\n\nThen.\n", "First.\n\n\nThen."},
		{"a second level 1", "# One\n\na\n\n# Two\n\nb\n", "a\n\n# Two\n\nb"},
		{"criteria at the end", "# T\n\nDo it.\n\n## Acceptance Criteria\n\n- [ ] x\n\n### More\n\n- [ ] y\n", "Do it."},
		{"criteria in between", "# T\n\na\n\n## Acceptance Criteria\n\n- [ ] x\n\n## Notes\n\nb\n", "a\n\n## Notes\n\nb"},
		{"underlined criteria", "# T\n\nAcceptance Criteria\n---\n\n- [ ] x\n\nNotes\n---\nb\n", "Notes\n---\nb"},
		{"transcript", "# T\n\na\n\n## Agent Output\n\n## Task\n\nlies\n", "a"},
		{"CRLF", "# T\r\n\r\na\r\nb\r\n", "a\nb"},
		{"unclosed frontmatter", "---\ntype: code\n", ""},
		{"heading in a fence", "# T\n\n```\n## Acceptance Criteria\n```\n", "```\n## Acceptance Criteria\n```"},
		{"empty heading", "# T\n\n#\n\na\n", "#\n\na"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Prose([]byte(tt.src))); diff != "" {
				t.Errorf("prose (-want +got):\n%s", diff)
			}
		})
	}
}

// The result is a single code block for any text.
func TestFenced(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{"```", "````", "~~~", "\n", "## Acceptance Criteria\n", "- [x] a\n", "<!--", "text",
			"\x1b[1m", "\xff", "\r"})).Draw(t, "pieces")
		src := []byte(Fenced("sh", strings.Join(pieces, "")) + "\nafter\n")
		root := specMarkdown().Parse(text.NewReader(src))
		block, ok := root.FirstChild().(*ast.FencedCodeBlock)
		if !ok || root.ChildCount() != 2 || string(block.Language(src)) != "sh" {
			t.Fatalf("read as something else: %q", src)
		}
	})
}
