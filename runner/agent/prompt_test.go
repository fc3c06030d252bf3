package agent

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"chant/spec"
)

// However large the parts are, they fit or it is an error: blocks keep whole lines of head
// and tail and their fence, say what is missing, and are whole if they are in an equal share.
func TestFit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var parts []*part
		var before []part
		budget := rapid.IntRange(0, 6000).Draw(t, "budget")
		needed, room := 0, budget
		for i := range rapid.IntRange(1, 6).Draw(t, "parts") {
			lines := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab`é")), 0, 40, -1), 0, 60).Draw(t, "lines")
			p := part{head: strings.Join(lines, "\n")}
			if i > 0 {
				p = part{head: "### x\n\n", block: spec.Fenced("", p.head)}
			}
			before, parts = append(before, p), append(parts, &p)
			needed += len(p.head) + len(p.block) + 1
			room -= len(p.head) + 1
		}
		err := fit(parts, budget)
		total := 0
		for i, p := range parts {
			was := before[i]
			total += len(p.head) + len(p.block) + 1
			switch {
			case p.head != was.head:
				t.Fatalf("the head of part %d changed", i)
			case p.leftOut == 0 && p.block != was.block:
				t.Fatalf("part %d changed and says nothing of it", i)
			case p.leftOut > 0 && needed <= budget:
				t.Fatalf("part %d was cut, though all %d bytes fit into %d", i, needed, budget)
			case p.leftOut > 0 && len(was.block) <= room/len(parts):
				t.Fatalf("part %d was cut, though its %d bytes are an equal share of %d", i, len(was.block), room)
			case p.leftOut > 0:
				fence, _, _ := strings.Cut(was.block, "\n")
				head, tail, found := strings.Cut(p.block, "… ")
				_, tail, _ = strings.Cut(tail, "…\n")
				if !found || !strings.HasPrefix(was.block, head) || !strings.HasSuffix(was.block, tail) ||
					len(was.block)-len(head)-len(tail) != p.leftOut {
					t.Fatalf("part %d is no head and tail of what it was:\n%s", i, p.block)
				}
				if !strings.HasPrefix(head, fence+"\n") || !strings.HasSuffix("\n"+tail, "\n"+fence+"\n") {
					t.Fatalf("part %d lost a fence:\n%s", i, p.block)
				}
			}
		}
		if (err != nil) != (total > budget) {
			t.Fatalf("%d bytes, of %d: %v", total, budget, err)
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
		if got := webLink(tt.entry); got != tt.want {
			t.Errorf("%q is %q", tt.entry, got)
		}
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		keep int
		want string
	}{
		{"", 3, ""},
		{"a\nb\n", 2, "a\nb\n"},
		{"aa\nbb\ncc\n", 4, "aa\n… 3 bytes are left out here …\ncc\n"},
		{"aa\nbb\ncc", 3, "aa\n… 3 bytes are left out here …\ncc"},
		{"one long line", 4, "… 13 bytes are left out here …\n"},
		{"a\n" + strings.Repeat("b", 50) + "\nc\n", 5, "a\n… 51 bytes are left out here …\nc\n"},
	} {
		if got, _ := Shorten(tt.text, tt.keep); got != tt.want {
			t.Errorf("%q, %d: %q, want %q", tt.text, tt.keep, got, tt.want)
		}
	}
}
