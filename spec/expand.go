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
	variable := regexp.MustCompile(`\{\{[ \t]*([a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*)[ \t]*\}\}`)
	var out strings.Builder
	at := 0
	for _, m := range variable.FindAllSubmatchIndex(src, -1) {
		name := string(src[m[2]:m[3]])
		value, ok := vars[name]
		if !ok {
			s.fail(s.pos(m[0]), "unknown-variable", oneOf(name, slices.Sorted(maps.Keys(vars))), "unknown variable %q", name)
			value = string(src[m[0]:m[1]])
		}
		out.Write(src[at:m[0]])
		out.WriteString(value)
		at = m[1]
	}
	out.Write(src[at:])
	return out.String(), s.sorted()
}
