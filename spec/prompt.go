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
		if fm.body == 0 && len(s.problems) == 0 {
			s.lostFrontmatter([]string{"extends"})
		}
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
