package agent

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"chant/spec"
)

// However large the parts are, they fit or it is an error: the ones that are cut
// are the largest, keep whole lines of head and tail, and say what is missing.
func TestFit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var parts []part
		for i := range rapid.IntRange(1, 6).Draw(t, "parts") {
			lines := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab`é")), 0, 40, -1), 0, 60).Draw(t, "lines")
			text := strings.Join(lines, "\n")
			if cut := i > 0; cut {
				parts = append(parts, part{head: "### x\n\n", text: spec.Fenced("", text), cut: true})
			} else {
				parts = append(parts, part{text: text})
			}
		}
		before := make([]part, len(parts))
		copy(before, parts)
		budget := rapid.IntRange(0, 6000).Draw(t, "budget")
		err := fit(parts, budget)
		total, shortest := 0, 1<<30
		for i, p := range parts {
			total += len(p.head) + len(p.text) + 1
			if p.leftOut > 0 {
				shortest = min(shortest, len(before[i].text))
			}
		}
		needed, cut := 0, false
		for i, p := range parts {
			needed += len(before[i].head) + len(before[i].text) + 1
			cut = cut || p.leftOut > 0
		}
		if cut && needed <= budget {
			t.Fatalf("parts were cut, though all %d bytes fit into %d", needed, budget)
		}
		if err != nil {
			if total <= budget {
				t.Fatalf("%d bytes fit into %d, and yet: %v", total, budget, err)
			}
			return
		}
		if total > budget {
			t.Fatalf("%d bytes, more than %d", total, budget)
		}
		for i, p := range parts {
			was := before[i]
			switch {
			case p.leftOut == 0 && p.text != was.text:
				t.Fatalf("part %d changed and says nothing of it", i)
			case p.leftOut == 0 && p.cut && len(p.text) > shortest:
				t.Fatalf("part %d has %d bytes and is whole, one of %d was cut", i, len(p.text), shortest)
			case p.leftOut > 0:
				opening, rest, _ := strings.Cut(p.text, "\n")
				head, tail, found := strings.Cut(strings.TrimSuffix(rest, opening+"\n"), "… ")
				_, tail, _ = strings.Cut(tail, "…\n")
				inner := strings.TrimSuffix(strings.TrimPrefix(was.text, opening+"\n"), opening+"\n")
				if !found || !strings.HasPrefix(inner, head) || !strings.HasSuffix(inner, tail) || len(inner)-len(head)-len(tail) != p.leftOut {
					t.Fatalf("part %d is no head and tail of what it was:\n%s", i, p.text)
				}
			}
		}
	})
}

func TestWebLink(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		entry, want string // "" is no link
	}{
		{"https://example.org/a?b=c#d", "https://example.org/a?b=c#d"},
		{"HTTP://example.org", "http://example.org"},
		{"https://me:pass@example.org/@you", "https://example.org/@you"},
		{"https://token@example.org?x", "https://example.org?x"},
		{"https://a@b:c%zz@example.org/", "https://example.org/"},
		{"https://example.org/\u202etxt", "https://example.org/<U+202E>txt"},
		{"https://example.org/\n\n# a b", "https://example.org/%20#%20a%20b"},
		{"docs/a.md", ""},
		{"https:/a", ""},
		{"file:///etc/passwd", ""},
	} {
		if got, ok := webLink(tt.entry); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%q is %q, %v", tt.entry, got, ok)
		}
	}
}

func TestWholeLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text       string
		keep       int
		head, tail string
	}{
		{"", 3, "", ""},
		{"a\nb\n", 2, "a\nb\n", ""},
		{"aa\nbb\ncc\n", 4, "aa\n", "cc\n"},
		{"aa\nbb\ncc", 3, "aa\n", "cc"},
		{"one long line", 4, "", ""},
		{"a\n" + strings.Repeat("b", 50) + "\nc\n", 5, "a\n", "c\n"},
	} {
		if head, tail := WholeLines(tt.text, tt.keep); head != tt.head || tail != tt.tail {
			t.Errorf("%q, %d: %q and %q, want %q and %q", tt.text, tt.keep, head, tail, tt.head, tt.tail)
		}
	}
}
