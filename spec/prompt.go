package spec

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Prompt is the template of a prompt, as ParsePrompt returns it.
type Prompt struct {
	Name    string // the file's name without ".md"
	Path    string
	Extends Item   // the name of the prompt that this one extends; zero if there is none
	Body    string // the template: the text below the frontmatter

	src   []byte // the whole file, for the positions of problems
	start int    // offset of Body in src
}

// ParsePrompt reads the template of a prompt: Markdown with an optional YAML
// frontmatter. Its only key is extends; any other key is a Warning. The
// Problems are sorted by position and have no ID.
func ParsePrompt(file string, src []byte) (Prompt, Problems) {
	p := Prompt{Name: strings.TrimSuffix(path.Base(file), ".md"), Path: file}
	s, fm, ok := openSource("", file, src)
	if !ok {
		return p, s.sorted()
	}
	p.src, p.start, p.Body = src, fm.body, string(src[fm.body:])
	if fm.root != nil {
		s.only(fm.root, readers{"extends": into(&p.Extends, s.item)})
	}
	return p, s.sorted()
}

// contentVariable is replaced in a prompt by the text of the prompt that extends it.
const contentVariable = "content"

// ExpandPrompt expands a prompt, as Expand does, together with the prompts that
// it extends. The text of a prompt replaces every {{content}} in the prompt that
// it extends; without a {{content}} there, it follows that prompt after a blank
// line. In p itself {{content}} is empty. all holds all prompts by name. An
// unknown name or a cycle in extends is an Error at that key.
func ExpandPrompt(p Prompt, all map[string]Prompt, vars map[string]string) (string, Problems) {
	vars = maps.Collect(maps.All(vars)) // a copy, not nil
	chain, problems := p.ancestry(all)
	text := ""
	for _, p := range chain {
		vars[contentVariable] = strings.Trim(text, "\r\n")
		s := newSource("", p.Path, p.src)
		expanded := s.expand(p.start, vars)
		problems = append(problems, s.problems...)
		hasContent := slices.ContainsFunc(variables([]byte(p.Body)), func(v variable) bool { return v.name == contentVariable })
		if hasContent || strings.TrimSpace(text) == "" {
			text = expanded
		} else {
			text = strings.TrimRight(expanded, "\r\n") + "\n\n" + strings.TrimLeft(text, "\r\n")
		}
	}
	sortProblems(problems)
	return text, problems
}

// ancestry returns p, the prompt that p extends, and so on.
func (p Prompt) ancestry(all map[string]Prompt) ([]Prompt, Problems) {
	chain, names := []Prompt{p}, []string{p.Name}
	for p.Extends.Value != "" {
		name := p.Extends.Value
		r := reporter{path: p.Path}
		parent, ok := all[name]
		switch i := slices.Index(names, name); {
		case i >= 0:
			r.fail(p.Extends.Pos, "prompt-cycle", "", "cycle of prompts %s", strings.Join(append(names[i:], name), " → "))
		case !ok:
			r.fail(p.Extends.Pos, "unknown-prompt", DidYouMean(name, slices.Sorted(maps.Keys(all))), "no prompt %q to extend", name)
		}
		if r.problems != nil {
			return chain, r.problems
		}
		p = parent
		chain, names = append(chain, p), append(names, name)
	}
	return chain, nil
}

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
