package spec

import (
	"errors"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/bmatcuk/doublestar/v4"
)

// MatchPath reports whether pattern, an entry of target_files, covers the file
// name. Both are slash-separated and relative to the project; name is in its
// shortest form. A pattern covers the path that is equal to it, everything below
// that path, and what it matches as a glob: ** matches any number of folders, *
// does not match a slash, \ escapes the character after it. Brackets and braces
// may also be part of a name, as in app/[id]/** and a{b.txt: the pattern covers that file, too.
// A pattern that CheckPattern rejects covers nothing.
func MatchPath(pattern, name string) bool {
	if CheckPattern(pattern) != nil {
		return false
	}
	pattern = path.Clean(pattern)
	if pattern == "." || doublestar.MatchUnvalidated(pattern, name) || doublestar.MatchUnvalidated(literalBrackets(pattern), name) {
		return true
	}
	literal := unescaped(pattern)
	return name == pattern || name == literal || strings.HasPrefix(name, pattern+"/") || strings.HasPrefix(name, literal+"/")
}

// IsGlob reports whether an entry of target_files may stand for several paths.
func IsGlob(pattern string) bool {
	return strings.ContainsAny(withoutEscapes(pattern), "*?[{") && !isUnclosed(pattern)
}

// isUnclosed reports whether a pattern with a bracket or a brace is no glob, as in
// notes/a{b.txt. It is the name of a file. With * or ? it is a mistake.
func isUnclosed(pattern string) bool {
	return !doublestar.ValidatePattern(pattern) && !strings.ContainsAny(withoutEscapes(pattern), "*?")
}

// withoutEscapes removes escaped glob characters. Any backslash that is left is
// before another character.
func withoutEscapes(pattern string) string {
	return strings.NewReplacer(`\*`, "", `\?`, "", `\[`, "", `\]`, "", `\{`, "", `\}`, "", `\\`, "").Replace(pattern)
}

// unescaped returns the path that a pattern without glob characters spells.
func unescaped(pattern string) string {
	return strings.NewReplacer(`\*`, "*", `\?`, "?", `\[`, "[", `\]`, "]", `\{`, "{", `\}`, "}", `\\`, `\`).Replace(pattern)
}

// literalBrackets escapes what would be a character class or a list of alternatives.
func literalBrackets(pattern string) string {
	return strings.NewReplacer(
		`\*`, `\*`, `\?`, `\?`, `\[`, `\[`, `\]`, `\]`, `\{`, `\{`, `\}`, `\}`, `\\`, `\\`,
		"[", `\[`, "]", `\]`, "{", `\{`, "}", `\}`,
	).Replace(pattern)
}

// CheckPattern returns an error unless an entry of target_files is a path or a
// valid glob inside the project and outside .git. The error's text continues a
// sentence, as in "is empty".
func CheckPattern(pattern string) error {
	switch {
	case strings.TrimSpace(pattern) == "":
		return errors.New("is empty")
	case strings.ContainsFunc(pattern, unicode.IsControl):
		return errors.New("contains a control character")
	case strings.Contains(withoutEscapes(pattern), `\`):
		return errors.New(`contains a backslash: separate folders by / (\ only escapes one of *?[]{}\)`)
	case strings.HasPrefix(pattern, "/"):
		return errors.New("is absolute: paths are relative to the project")
	case !doublestar.ValidatePattern(pattern) && !isUnclosed(pattern):
		return errors.New("is not a valid glob")
	}
	// Elements are between slashes, and between the braces and commas of alternatives such as {a,b}.
	for _, element := range strings.FieldsFunc(pattern, func(r rune) bool { return strings.ContainsRune("/{,}", r) }) {
		if strings.EqualFold(element, ".git") {
			return errors.New("is inside .git")
		}
		if element == ".." && strings.ContainsAny(pattern, "*?[{") {
			return errors.New("contains .. in a glob")
		}
	}
	if leavesProject(path.Clean(pattern)) {
		return errors.New("is outside the project")
	}
	return nil
}

// Targets reports whether target_files covers a file, named as for MatchPath. The
// spec's own file is never covered: only chant writes a phase's record to it.
func (s *Spec) Targets(name string) bool {
	return name != s.Path && slices.ContainsFunc(s.TargetFiles, func(item Item) bool {
		return MatchPath(item.Value, name)
	})
}

// leavesProject reports whether a path in its shortest form leads out of the
// project.
func leavesProject(name string) bool {
	return name == ".." || strings.HasPrefix(name, "../") || strings.HasPrefix(name, "/")
}
