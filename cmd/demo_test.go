package cmd

import (
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestShellWord(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"chant": "chant", "002-reproduction": "002-reproduction", "--format=x": "--format=x", "user.name": "user.name",
		"":           "''",
		"%h %s":      "'%h %s'",
		"it's":       `'it'\''s'`,
		"$HOME":      "'$HOME'",
		"`x`":        "'`x`'",
		"~":          "'~'",
		"a\\b":       `'a\b'`,
		"{a,b}[c]#!": "'{a,b}[c]#!'",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

// A shell must read every prompt as exactly the arguments that were run.
func TestShellWordsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var script, want strings.Builder
		script.WriteString("set --")
		runes := rapid.RuneFrom([]rune("aé -'\"\\$`~*?[]{}()<>|&;#!=%\t\n"))
		for _, arg := range rapid.SliceOfN(rapid.StringOfN(runes, 0, 6, -1), 40, 80).Draw(r, "arguments") {
			script.WriteString(" " + shellWord(arg))
			want.WriteString(arg + "\x01")
		}
		script.WriteString("\nprintf '%s\\001' \"$@\"")
		got, err := exec.CommandContext(t.Context(), "sh", "-c", script.String()).Output()
		if err != nil || string(got) != want.String() {
			r.Errorf("got %q, want %q, error %v", got, want.String(), err)
		}
	})
}
