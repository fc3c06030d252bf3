package spec

import (
	"testing"

	"pgregory.net/rapid"
)

func TestMatchPath(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"a.go", "a.go", true},
		{"a.go", "b.go", false},
		{"a.go", "x/a.go", false},
		{"./a.go", "a.go", true},
		{"docs", "docs/a.md", true},
		{"docs", "docs/deep/a.md", true},
		{"docs/", "docs/a.md", true},
		{"docs", "docs2/a.md", false},
		{"docs", "docs.md", false},
		{".", "any/thing", true},
		{"*.go", "a.go", true},
		{"*.go", "x/a.go", false},
		{"x/*", "x/a", true},
		{"x/*", "x/y/a", false},
		{"x/**", "x/y/a", true},
		{"**/*.go", "a.go", true},
		{"**/*.go", "x/y/a.go", true},
		{"src/**/test_*.py", "src/test_a.py", true},
		{"src/**/test_*.py", "src/x/y/test_a.py", true},
		{"src/**/test_*.py", "src/x/y/a.py", false},
		{"{a,b}.go", "b.go", true},
		{"{a,b}.go", "c.go", false},
		{"a?.go", "ab.go", true},
		{"a?.go", "a/.go", false},
		{"app/[id]/page.ts", "app/[id]/page.ts", true}, // a path as it is spelt
		{"app/[id]/page.ts", "app/i/page.ts", true},
		{"app/[id]", "app/[id]/page.ts", true},
		{"app/[id]/**/*.tsx", "app/[id]/page.tsx", true}, // brackets in a name beside a real glob
		{"app/[id]/**/*.tsx", "app/[id]/x/page.tsx", true},
		{"app/[id]/**/*.tsx", "app/x/page.tsx", false},
		{`app/\[id\]/*.tsx`, "app/[id]/page.tsx", true}, // escaped, they are nothing else
		{`app/\[id\]/*.tsx`, "app/i/page.tsx", false},
		{`\*.go`, "*.go", true},
		{`\*.go`, "a.go", false},
		{`docs/\{a\}`, "docs/{a}/x.md", true},
		{"ünï/*.md", "ünï/é.md", true},
		{"x/../a.go", "a.go", true},
		{"", "a.go", false},
		{"..", "a.go", false},
		{"/a.go", "a.go", false},
		{"[", "[", true}, // no glob
		{"notes/a{b.txt", "notes/a{b.txt", true},
		{"notes/a{b.txt", "notes/ab.txt", false},
		{"a{*.txt", "a{b.txt", false},
	}
	for _, tt := range tests {
		if got := MatchPath(tt.pattern, tt.name); got != tt.want {
			t.Errorf("MatchPath(%q, %q) = %t", tt.pattern, tt.name, got)
		}
	}
}

func TestCheckPattern(t *testing.T) {
	t.Parallel()
	tests := []struct{ pattern, want string }{
		{"a.go", ""},
		{"src/**/*.rs", ""},
		{".github/workflows/ci.yml", ""},
		{".gitignore", ""},
		{"a..b", ""},
		{"...", ""},
		{"x/../a.go", ""},
		{"src/main.rs (test module)", ""},
		{"", "is empty"},
		{" \t", "is empty"},
		{"/etc/passwd", "is absolute: paths are relative to the project"},
		{"..", "is outside the project"},
		{"../x", "is outside the project"},
		{"x/../../y", "is outside the project"},
		{"./..", "is outside the project"},
		{"**/../../x", "contains .. in a glob"},
		{"{a,..}/x", "contains .. in a glob"},
		{"{a,../..}/x", "contains .. in a glob"},
		{`a\b`, `contains a backslash: separate folders by / (\ only escapes one of *?[]{}\)`},
		{"a\nb", "contains a control character"},
		{"a\x00b", "contains a control character"},
		{"a[", ""},
		{"a[*", "is not a valid glob"},
		{"{a*", "is not a valid glob"},
		{".git", "is inside .git"},
		{".git/config", "is inside .git"},
		{".GIT/config", "is inside .git"},
		{"sub/.git/hooks/*", "is inside .git"},
		{"{.git,x}/config", "is inside .git"},
	}
	for _, tt := range tests {
		got := ""
		if err := CheckPattern(tt.pattern); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("CheckPattern(%q) = %q, want %q", tt.pattern, got, tt.want)
		}
	}
}

// TestPlainPathCoversItselfAndBelow draws paths without glob characters.
func TestPlainPathCoversItselfAndBelow(t *testing.T) {
	t.Parallel()
	name := rapid.StringMatching(`[a-z .]{0,3}[a-z](/[a-z .]{0,3}[a-z]){0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		if !MatchPath(a, a) || !MatchPath(a, a+"/"+b) {
			t.Errorf("%q does not cover itself, or not %q in it", a, b)
		}
		if MatchPath(a, a+b) || MatchPath(a+"/"+b, a) {
			t.Errorf("%q covers %q, or %q covers what it lies in", a, a+b, a+"/"+b)
		}
	})
}

func TestTargets(t *testing.T) {
	t.Parallel()
	s := specOf("s")
	s.TargetFiles = []Item{{Value: "src/*.go"}, {Value: ".chant"}, {Value: "../out"}, {Value: "["}}
	tests := []struct {
		name string
		want bool
	}{
		{"src/a.go", true},
		{".chant/research/a.md", true},
		{".chant/specs/other.md", true},
		{".chant/specs/s.md", false}, // its own file
		{"src/a.py", false},
		{"../out", false},
	}
	for _, tt := range tests {
		if got := s.Targets(tt.name); got != tt.want {
			t.Errorf("Targets(%q) = %t", tt.name, got)
		}
	}
	if specOf("t").Targets("a") {
		t.Error("a spec without target files targets one")
	}
}

func TestIsGlob(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{
		"a.go": false, "docs": false, "*.go": true, "x/**": true, "a?.go": true, "{a,b}.go": true, "app/[id]": true,
		`\*.go`: false, `app/\[id\]/page.ts`: false, `\\*`: true, `\[a\]/*`: true,
	} {
		if got := IsGlob(pattern); got != want {
			t.Errorf("IsGlob(%q) = %t", pattern, got)
		}
	}
}
