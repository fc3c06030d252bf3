package spec

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Expand replaces every {{name}} in a template file by the variable of that
// name. A name consists of words of lower-case letters, digits, "-" and "_",
// separated by dots, and may have blanks around it; anything else in double
// braces is plain text. Values are inserted unchanged and are not expanded
// again. An unknown name is an Error and is left in the text. The Problems have
// no ID.
func Expand(path string, src []byte, vars map[string]string) (string, Problems) {
	s := newSource("", path, src)
	return s.expand(0, vars), s.sorted()
}

// expand expands the text after an offset.
func (s *source) expand(start int, vars map[string]string) string {
	var out strings.Builder
	at := start
	for _, v := range variables(s.src[start:]) {
		out.Write(s.src[at : start+v.start])
		at = start + v.end
		value, ok := vars[v.name]
		if !ok {
			known := slices.Sorted(maps.Keys(vars))
			s.fail(s.pos(start+v.start), "unknown-variable", oneOf(v.name, known), "unknown variable %q", v.name)
			value = string(s.src[start+v.start : at])
		}
		out.WriteString(value)
	}
	out.Write(s.src[at:])
	return out.String()
}

// variable is a {{name}} at the bytes [start, end) of a text.
type variable struct {
	name       string
	start, end int
}

func variables(text []byte) []variable {
	pattern := regexp.MustCompile(`\{\{[ \t]*([a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*)[ \t]*\}\}`)
	var list []variable
	for _, m := range pattern.FindAllSubmatchIndex(text, -1) {
		list = append(list, variable{name: string(text[m[2]:m[3]]), start: m[0], end: m[1]})
	}
	return list
}
