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
// may also be part of a name, as in app/[id]/**: the pattern covers that file, too.
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
	return strings.ContainsAny(strings.NewReplacer(`\*`, "", `\?`, "", `\[`, "", `\{`, "", `\\`, "").Replace(pattern), "*?[{")
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

// escapesOther reports whether a backslash is before anything but a glob character.
func escapesOther(pattern string) bool {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '\\' {
			continue
		}
		if i++; i == len(pattern) || !strings.ContainsRune(`*?[]{}\`, rune(pattern[i])) {
			return true
		}
	}
	return false
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
	case escapesOther(pattern):
		return errors.New(`contains a backslash: separate folders by / (\ only escapes one of *?[]{}\)`)
	case strings.HasPrefix(pattern, "/"):
		return errors.New("is absolute: paths are relative to the project")
	case !doublestar.ValidatePattern(pattern):
		return errors.New("is not a valid glob")
	}
	for _, element := range strings.FieldsFunc(pattern, isSeparator) {
		if strings.EqualFold(element, ".git") {
			return errors.New("is inside .git")
		}
		if element == ".." && strings.ContainsAny(pattern, "*?[{") {
			return errors.New("contains .. in a glob")
		}
	}
	if clean := path.Clean(pattern); clean == ".." || strings.HasPrefix(clean, "../") {
		return errors.New("is outside the project")
	}
	return nil
}

// isSeparator reports whether r separates the elements of a glob: a slash, or the
// brace or comma of alternatives such as {a,b}.
func isSeparator(r rune) bool { return strings.ContainsRune("/{,}", r) }

// Targets reports whether target_files covers a file, named as for MatchPath. The
// spec's own file is never covered: only chant writes a phase's record to it.
func (s *Spec) Targets(name string) bool {
	return name != s.Path && slices.ContainsFunc(s.TargetFiles, func(item Item) bool {
		return MatchPath(item.Value, name)
	})
}
