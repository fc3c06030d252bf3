package spec

import (
	"errors"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/bmatcuk/doublestar/v4"
)

// MatchPath tells whether pattern, an entry of target_files, covers a file.
// Both are slash-separated and relative to the project, name in its shortest
// form. A pattern covers the path that it spells, everything below that, and
// what it matches as a glob: ** stands for any number of folders, a * does not
// cross a slash. One that CheckPattern refuses covers nothing.
func MatchPath(pattern, name string) bool {
	if CheckPattern(pattern) != nil {
		return false
	}
	pattern = path.Clean(pattern)
	return pattern == "." || name == pattern || strings.HasPrefix(name, pattern+"/") ||
		doublestar.MatchUnvalidated(pattern, name)
}

// CheckPattern tells what is wrong with an entry of target_files: it must be a
// path or a valid glob inside the project and outside .git.
func CheckPattern(pattern string) error {
	switch {
	case strings.TrimSpace(pattern) == "":
		return errors.New("is empty")
	case strings.ContainsFunc(pattern, unicode.IsControl):
		return errors.New("holds a control character")
	case strings.Contains(pattern, `\`):
		return errors.New("holds a backslash: folders are separated by /")
	case strings.HasPrefix(pattern, "/"):
		return errors.New("is absolute: paths are relative to the project")
	case !doublestar.ValidatePattern(pattern):
		return errors.New("is not a valid glob")
	}
	for _, element := range strings.FieldsFunc(pattern, isSeparator) {
		if strings.EqualFold(element, ".git") {
			return errors.New("lies inside .git")
		}
		if element == ".." && strings.ContainsAny(pattern, "*?[{") {
			return errors.New("holds .. in a glob")
		}
	}
	if clean := path.Clean(pattern); clean == ".." || strings.HasPrefix(clean, "../") {
		return errors.New("leads out of the project")
	}
	return nil
}

// isSeparator tells whether an element of a glob ends at r: at a slash, or at
// an alternative as in {a,b}.
func isSeparator(r rune) bool { return strings.ContainsRune("/{,}", r) }

// Targets tells whether target_files covers a file, named as for MatchPath. The
// spec's own file is never covered: chant alone records a phase in it.
func (s *Spec) Targets(name string) bool {
	return name != s.Path && slices.ContainsFunc(s.TargetFiles, func(item Item) bool {
		return MatchPath(item.Value, name)
	})
}
