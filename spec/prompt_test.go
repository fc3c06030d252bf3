package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reader returns a function that reads prompts by name.
func reader(prompts map[string]string) func(file string) ([]byte, error) {
	return func(file string) ([]byte, error) {
		src, ok := prompts[strings.TrimSuffix(path.Base(file), ".md")]
		if !ok {
			return nil, fmt.Errorf("%s: %w", file, fs.ErrNotExist)
		}
		return []byte(src), nil
	}
}

func TestExpandPrompt(t *testing.T) {
	t.Parallel()
	prompts := map[string]string{
		"base":     "Base {{x}}.\n\n",
		"frame":    "Before.\n\n{{content}}\n\nAfter {{x}}, {{ content }}.\n",
		"after":    "---\n# c\nextends: 'base'\n---\n\nChild {{x}}.\n",
		"framed":   "---\r\nextends: frame\r\n---\r\n\nChild {{x}}.\r\n",
		"third":    "---\nextends: framed\n---\nGrandchild.",
		"silent":   "---\nextends: base\n---\n",
		"nothing":  "---\nextends:\n---\nx",
		"unfilled": "---\nextends: base\n---\nA{{content}}B\n",
		"warned":   "---\nextend: base\n---\nx",
		"unknown":  "---\nextends: base\n---\nx {{y}} {{xx}}",
		"lost":     "---\nextends: nowhere\n---\nx",
		"self":     "---\nextends: self\n---\nx",
		"a":        "---\nextends: b\n---\nx",
		"b":        "---\n# c\nextends: c\n---\n\n  z",
		"c":        "---\nextends: b\n---\nx",
		"wrong":    "---\nextends: typo\n---\n\n{{x}}",
		"typo":     "{{contents}}\n",
		"several":  "---\nextends: [a, b]\n---\nx",
		"unclosed": "---\nextends: a\n",
		"empty":    "",
	}
	for _, tt := range []struct{ name, want, err string }{
		{"base", "Base {{content}}.", ""},
		{"frame", "Before.\n\n\n\nAfter {{content}}, .", ""},
		{"after", "Base {{content}}.\n\nChild {{content}}.", ""},
		{"framed", "Before.\n\nChild {{content}}.\n\nAfter {{content}}, Child {{content}}..", ""},
		{"third", "Before.\n\nChild {{content}}.\n\nGrandchild.\n\nAfter {{content}}, Child {{content}}.\n\nGrandchild..", ""},
		{"silent", "Base {{content}}.", ""},
		{"nothing", "x", ""},
		{"unfilled", "Base {{content}}.\n\nAB", ""},
		{"warned", "x", ""},
		{"unknown", "", `p/unknown.md:4:3: unknown variable "y" (one of content, x)` + "\n" +
			`p/unknown.md:4:9: unknown variable "xx" (one of content, x)`},
		{"lost", "", `p/lost.md:2:10: can't extend the prompt "nowhere": p/nowhere.md: file does not exist`},
		{"self", "", `p/self.md:2:10: cycle of prompts self → self`},
		{"a", "", `p/c.md:2:10: cycle of prompts a → b → c → b`},
		{"wrong", "", `p/typo.md:1:1: unknown variable "contents" (did you mean "content"?)`},
		{"several", "", `p/several.md:2:10: extends must be a single value, not a list`},
		{"unclosed", "", `p/unclosed.md:1:1: the frontmatter is not closed (end it with a line that is exactly "---")`},
		{"empty", "", `p/empty.md: the file is empty`},
		{"none", "", `p/none.md: file does not exist`},
	} {
		// The value shows that values are not expanded.
		vars := map[string]string{"x": "{{content}}"}
		got, err := ExpandPrompt("p/"+tt.name+".md", reader(prompts), vars)
		message := ""
		if err != nil {
			got, message = "", err.Error()
		}
		if diff := cmp.Diff([]string{tt.want, tt.err}, []string{got, message}); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if missing := tt.name == "none"; errors.Is(err, fs.ErrNotExist) != missing {
			t.Errorf("%s: %v", tt.name, err)
		}
		if len(vars) != 1 {
			t.Errorf("%s: the variables became %v", tt.name, vars)
		}
	}
	if _, err := ExpandPrompt("after.md", reader(prompts), nil); err == nil {
		t.Error("no error without variables")
	}
}

// FuzzExpandPrompt expects that a prompt ends as its file does, and that positions are inside
// the file.
func FuzzExpandPrompt(f *testing.F) {
	for _, src := range []string{"x", "---\nextends: p\n---\n{{content}}{{a}}", "---\r\nextends: q\r\n---\r\n{{b}}\r\n",
		"---\nextends: &a [*a]\n---\n", "---\nextends: /../p\n---\n"} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		text, err := ExpandPrompt("p.md", reader(map[string]string{"p": string(src), "q": "{{content}}"}), nil)
		if err == nil && !strings.Contains(string(src), "content") && !strings.HasSuffix(strings.Trim(string(src), "\r\n"), strings.Trim(text, "\r\n")) {
			t.Errorf("%q became %q", src, text)
		}
		s := newSource("", "", src)
		var problem Problem
		if errors.As(err, &problem) && problem.Pos != (Pos{}) && s.pos(s.offset(problem.Pos)) != problem.Pos {
			t.Errorf("%v is not in %q", problem, src)
		}
	})
}
