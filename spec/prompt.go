package spec

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Prompt is a prompt's template file, read. Make one by ParsePrompt.
type Prompt struct {
	Name    string // the file's name without ".md"
	Path    string
	Extends Item   // the name of the prompt that this one extends; zero where it extends none
	Body    string // the template: what stands below the frontmatter

	src   []byte // the file, for the places of what is wrong in it
	start int    // of the body
}

// ParsePrompt reads a prompt's template: Markdown with, if need be, a YAML
// frontmatter whose only key is extends. Any other key is a Warning. The
// Problems are sorted by place and have no ID.
func ParsePrompt(file string, src []byte) (Prompt, Problems) {
	p := Prompt{Name: strings.TrimSuffix(path.Base(file), ".md"), Path: file}
	s := newSource("", file, src)
	if !s.isText() {
		return p, s.sorted()
	}
	fm, ok := s.frontmatter()
	if !ok {
		return p, s.sorted()
	}
	p.src, p.start, p.Body = src, fm.body, string(src[fm.body:])
	for i := 0; fm.root != nil && i+1 < len(fm.root.Content); i += 2 {
		key, value := fm.root.Content[i], target(fm.root.Content[i+1])
		if s.isKnown(key, []string{"extends"}) && !isNull(value) {
			p.Extends = Item{Value: s.scalar(key, value), Pos: s.nodePos(fm.root.Content[i+1])}
		}
	}
	return p, s.sorted()
}

// contentVariable stands, in a prompt, for the text of the one that extends it.
const contentVariable = "content"

// ExpandPrompt expands a prompt, as Expand does, together with those that it
// extends. A prompt's text replaces every {{content}} of the one it extends,
// or where that has none follows it after a blank line; a {{content}} that no
// prompt extends is empty. all holds the prompts there are, by name. Extending
// one that is not there, or in a cycle, is an Error at the word that does so.
func ExpandPrompt(p Prompt, all map[string]Prompt, vars map[string]string) (string, Problems) {
	vars = maps.Clone(vars)
	if vars == nil {
		vars = map[string]string{}
	}
	chain, problems := p.ancestry(all)
	text := ""
	for _, p := range chain {
		vars[contentVariable] = strings.Trim(text, "\r\n")
		s := newSource("", p.Path, p.src)
		expanded := s.expand(p.start, vars)
		problems = append(problems, s.problems...)
		switch {
		case p.hasContent() || strings.TrimSpace(text) == "":
			text = expanded
		default:
			text = strings.TrimRight(expanded, "\r\n") + "\n\n" + strings.TrimLeft(text, "\r\n")
		}
	}
	sortProblems(problems)
	return text, problems
}

func (p Prompt) hasContent() bool {
	return slices.ContainsFunc(variables([]byte(p.Body)), func(v variable) bool { return v.name == contentVariable })
}

// ancestry gives a prompt, the one it extends, the one that extends, and so on.
func (p Prompt) ancestry(all map[string]Prompt) ([]Prompt, Problems) {
	chain, names := []Prompt{p}, []string{p.Name}
	for p.Extends.Value != "" {
		name := p.Extends.Value
		problem := Problem{Path: p.Path, Pos: p.Extends.Pos, Severity: Error}
		parent, ok := all[name]
		switch i := slices.Index(names, name); {
		case i >= 0:
			problem.Rule = "prompt-cycle"
			problem.Msg = "cycle of prompts " + strings.Join(append(names[i:], name), " → ")
			return chain, Problems{problem}
		case !ok:
			problem.Rule = "unknown-prompt"
			problem.Msg = fmt.Sprintf("no prompt %q to extend", name)
			problem.Hint = DidYouMean(name, slices.Sorted(maps.Keys(all)))
			return chain, Problems{problem}
		}
		p = parent
		chain, names = append(chain, p), append(names, name)
	}
	return chain, nil
}
