package spec

import (
	"bytes"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// ExpandPrompt expands the template of a prompt, as Expand does. The file is Markdown with an
// optional YAML frontmatter, whose only key is extends: the name of another prompt in the same
// folder. The text replaces every {{content}} there, or follows it after a blank line. Nothing
// replaces {{content}} in the file itself. read reads a file. The error is that of reading the
// file, or has the Problems of the first prompt that has any.
func ExpandPrompt(file string, read func(file string) ([]byte, error), vars map[string]string) (string, error) {
	vars = maps.Collect(maps.All(vars)) // a copy, not nil
	names, text := []string{strings.TrimSuffix(path.Base(file), ".md")}, ""
	src, err := read(file)
	for err == nil {
		s, fm, _ := openSource("", file, src)
		var extends Item
		if fm.root != nil {
			s.only(fm.root, readers{"extends": into(&extends, s.item)})
		}
		// Empty lines stand for the frontmatter, so that problems have their places.
		body := slices.Concat(bytes.Repeat([]byte("\n"), bytes.Count(src[:fm.body], []byte("\n"))), src[fm.body:])
		if text != "" && !regexp.MustCompile(`\{\{[ \t]*content[ \t]*\}\}`).Match(body) {
			body = append(bytes.TrimRight(body, "\r\n"), "\n\n{{content}}"...)
		}
		vars["content"] = text
		expanded, problems := Expand(file, body, vars)
		text, s.problems = strings.Trim(expanded, "\r\n"), append(s.problems, problems...)
		switch name := extends.Value; {
		case name == "":
			return text, s.sorted().Err()
		case slices.Contains(names, name):
			s.fail(extends.Pos, "prompt-cycle", "", "cycle of prompts %s", strings.Join(append(names, name), " → "))
		default:
			names, file = append(names, name), path.Join(path.Dir(file), name+".md")
			if src, err = read(file); err != nil {
				s.fail(extends.Pos, "unknown-prompt", "", "can't extend the prompt %q: %v", name, err)
			}
		}
		err = s.sorted().Err()
	}
	return "", err
}

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
