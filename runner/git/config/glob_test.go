package config

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMatchGlobAgreesWithGit asks git which of many conditions on a remote's
// URL hold, which is git's matching alone.
func TestMatchGlobAgreesWithGit(t *testing.T) {
	t.Parallel()
	h := newGlobHost(t)
	text := piecesOf("a", "b", "/", "-", "B", "!", "]", "é", " ", "1", ".", "\t", "*")
	pattern := piecesOf("a", "b", "/", "*", "**", "**/", "/**", "?", "[a-c]", "[!a]", "[^a-]", "[]a]", "[a-a--]", "[[:digit:]-b]", "[[:alpha:]]", "[[:punct:]1]",
		"[[:nope:]]", "[[:]", "[[", "[", "]", "-", `\*`, `\/`, `\`, "[a/]", "[B-a]", `[\]-b]`, `[a-\c]`, "é", "1", "[[:space:][:upper:]]", "[!/]")
	rapid.Check(t, func(rt *rapid.T) {
		url := text.Draw(rt, "text")
		patterns := rapid.SliceOfN(pattern, 20, 20).Draw(rt, "patterns")
		checkGlobs(rt, h, patterns, "hasconfig:remote.*.url:", fmt.Sprintf("[remote \"o\"]url=%s\n", quote(url)),
			func(p string) bool { return matchGlob(p, url, false) })
	})
}

// TestMatchGlobFoldsAsGit does so for the condition that ignores case.
func TestMatchGlobFoldsAsGit(t *testing.T) {
	t.Parallel()
	h := newGlobHost(t)
	letters := piecesOf("R", "r", "E", "e", "P", "O", "o", "*", "?", "[A-Z]", "[a-z]", "[P]", "[p]", `\O`, `\o`, "[[:upper:]]", "[[:lower:]]", "[!E]", "[^A-Z]")
	pattern := rapid.Map(letters, func(p string) string { return p + "/.GIT" })
	rapid.Check(t, func(rt *rapid.T) {
		patterns := rapid.SliceOfN(pattern, 20, 20).Draw(rt, "patterns")
		checkGlobs(rt, h, patterns, "gitdir/i:", "", func(p string) bool {
			return matchGlob("**/"+p, h.root+"/repo/.git", true)
		})
	})
}

func TestMatchGlobFold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"/A/b", "/a/B", true}, {"[A-C]", "b", true}, {"[B]", "b", false}, {`\B`, "b", false}, {`\b`, "B", true},
		{"[[:upper:]]", "b", true}, {"[!A-C]", "b", false}, {"É", "é", false},
	} {
		if got := matchGlob(tt.pattern, tt.text, true); got != tt.want {
			t.Errorf("%q, %q: got %v", tt.pattern, tt.text, got)
		}
	}
}

// newGlobHost gives a host with the files that checkGlobs includes.
func newGlobHost(t *testing.T) host {
	t.Helper()
	h := newHost(t)
	for i := range 20 {
		h.write(t, fmt.Sprintf("home/n%d", i), fmt.Sprintf("[n]n%d=1", i))
	}
	return h
}

// piecesOf draws short texts made of the pieces.
func piecesOf(pieces ...string) *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 5), func(s []string) string { return strings.Join(s, "") })
}

// quote writes a text as a value or subsection in a config file.
func quote(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }

// checkGlobs compares what match says with the includes that git follows from
// a config file that includes file n if pattern n matches.
func checkGlobs(t rapid.TB, h host, patterns []string, kind, before string, match func(string) bool) {
	t.Helper()
	var b strings.Builder
	b.WriteString(before)
	for i, p := range patterns {
		fmt.Fprintf(&b, "[includeIf %s]path=n%d\n", quote(kind+p), i)
	}
	if err := os.WriteFile(h.root+"/home/.gitconfig", []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(h.places(), h.git)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range patterns {
		_, want := c.Get(fmt.Sprintf("n.n%d", i))
		if got := match(p); got != want {
			t.Errorf("%q: got %v, git says %v", p, got, want)
		}
	}
}
