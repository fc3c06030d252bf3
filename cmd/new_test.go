package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"chant/spec"
)

func TestSlug(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"Keep both updates":  "keep-both-updates",
		"  C++ & Go: 2 ways": "c-go-2-ways",
		"../../etc/passwd":   "etc-passwd",
		"Größe 世界":           "größe-世界",
		"***":                "spec",
		"":                   "spec",
		"one two three four five six seven eight nine ten": "one-two-three-four-five-six-seven-eight",
		strings.Repeat("a", 50) + " b":                     strings.Repeat("a", 40),
		strings.Repeat("世", 50):                            strings.Repeat("世", 13),
	} {
		if got := slug(title); got != want {
			t.Errorf("%q: got %q, want %q", title, got, want)
		}
	}
}

func TestNewRefusesAnUnreadableTitle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".chant"), 0o700); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	app := App{Out: &out, Err: &errs, Dir: dir, Now: fixedTime}
	if code := app.Run(t.Context(), []string{"new", "agent", "output"}); code != ExitUsage {
		t.Errorf("exit %d, stdout %q, stderr %q", code, out.String(), errs.String())
	}
	code := app.Run(t.Context(), []string{"new", "Agent outputs"})
	if code != ExitHeld || out.String() != ".chant/specs/001-agent-outputs.md\n" {
		t.Errorf("exit %d, stdout %q, stderr %q", code, out.String(), errs.String())
	}
}

func FuzzNewSpec(f *testing.F) {
	for _, seed := range []string{
		"Keep both updates", "Support C#", "# #", "`code` and *stars*", "[x](y) ![z](w)", "&lt; &amp; <b>", `back\slash\`, "a --- b", "=",
		"\u202ehidden\x1b[2J", "https://example.invalid/a_b_c", "- [ ] box", "___", "%s %d", "a\u00a0b", "![", "~~x~~", "Acceptance Criteria",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, title string) {
		title = strings.Join(strings.Fields(title), " ")
		if title == "" || strings.EqualFold(title, "Agent Output") {
			t.Skip("refused")
		}
		name := slug(title)
		if name == "" || len(name) > slugLength || !utf8.ValidString(name) || strings.ContainsAny(name, "/\\.\x00 ") {
			t.Errorf("slug %q", name)
		}
		s, problems := spec.Parse(".chant/specs/001-"+name+".md", specText(title))
		if len(problems) > 0 {
			t.Errorf("problems %v", problems)
		}
		if s.Title != clean(title) {
			t.Errorf("title %q, want %q", s.Title, clean(title))
		}
		if len(s.Criteria) != 1 || s.Criteria[0].Manual() || s.Criteria[0].Ticked {
			t.Errorf("criteria %v, want one that is open and has a check", s.Criteria)
		}
	})
}
