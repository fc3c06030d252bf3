package spec

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Config is the project's .chant/config.md, read. Its zero value is the
// config of a project that has none.
type Config struct {
	// ProjectName fills {{project.name}} in prompts.
	ProjectName string
	// Secrets match what is to be masked in everything stored, beside the
	// values of variables that are named like secrets.
	Secrets []*regexp.Regexp
	// Suite are the project's own tests: sh commands that a fix must not break.
	Suite []string
	// Link are paths of the work tree, such as node_modules, that an exported
	// tree is given a symlink to where it does not hold them itself.
	Link []string
	// Setup are sh commands that make an exported tree ready for checks.
	Setup []string
	// Agents are what runs as an agent, by name. An entry without a command
	// changes the preset of its name: its zero values are those not set.
	Agents map[string]Agent
	// PromptBudget is the most bytes that a prompt may have; 0 is the default
	// of whoever composes it.
	PromptBudget int

	interpreters map[string][]string
}

// Interpreter gives the command that runs scripts of a language: the config's
// own, else the built-in one. The script is to be appended as the last
// argument. ok is false where there is none.
func (c Config) Interpreter(lang string) (argv []string, ok bool) {
	if argv, ok := c.interpreters[lang]; ok {
		return slices.Clone(argv), true
	}
	switch lang {
	case "sh":
		return []string{"sh", "-e", "-c"}, true
	case "bash":
		return []string{"bash", "-eo", "pipefail", "-c"}, true
	case "python":
		return []string{"python3", "-c"}, true
	}
	return nil, false
}

// ParseConfig reads a repository's config file: Markdown, of which the YAML
// frontmatter counts. There may be none, and every key is optional. What could
// not be read is left out of the Config and is one of the Problems, which are
// sorted by place; their ID is empty. A key that chant doesn't know is a
// Warning. An agent whose command drops its own permission checks, or that is
// handed secrets by name, is an Error: that is the user's to decide.
func ParseConfig(path string, src []byte) (Config, Problems) {
	return (&configFile{source: newSource("", path, src)}).read()
}

// ParseUserConfig reads the user's own config file. It differs from
// ParseConfig only in that agents may be handed everything.
func ParseUserConfig(path string, src []byte) (Config, Problems) {
	return (&configFile{source: newSource("", path, src), users: true}).read()
}

// configFile is a config while it is read.
type configFile struct {
	*source
	users bool // the user's own, not a repository's
}

func (s *configFile) read() (Config, Problems) {
	if len(bytes.TrimSpace(s.src)) == 0 {
		return Config{}, nil
	}
	if !s.isText() {
		return Config{}, s.sorted()
	}
	fm, ok := s.frontmatter()
	if !ok || fm.root == nil {
		return Config{}, s.sorted()
	}
	cfg := s.config(fm.root)
	return cfg, s.sorted()
}

// config reads the frontmatter's mapping.
func (s *configFile) config(root *yaml.Node) Config {
	var cfg Config
	known := []string{"project", "interpreters", "secrets", "agents", "suite", "worktree", "prompts"}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], target(root.Content[i+1])
		if !s.isKnown(key, known) || isNull(value) {
			continue
		}
		switch key.Value {
		case "project":
			s.fields(key, value, func(k, v *yaml.Node) {
				if s.isKnown(k, []string{"name"}) {
					cfg.ProjectName = s.scalar(k, v)
				}
			})
		case "interpreters":
			cfg.interpreters = map[string][]string{}
			s.fields(key, value, func(lang, command *yaml.Node) {
				if argv := s.interpreter(lang, command); argv != nil {
					cfg.interpreters[lang.Value] = argv
				}
			})
		case "secrets":
			cfg.Secrets = s.patterns(key, value)
		case "suite":
			cfg.Suite = texts(s.items(key, value))
		case "worktree":
			s.fields(key, value, func(k, v *yaml.Node) {
				switch {
				case !s.isKnown(k, []string{"link", "setup"}):
				case k.Value == "link":
					cfg.Link = s.links(k, v)
				default:
					cfg.Setup = texts(s.items(k, v))
				}
			})
		case "agents":
			cfg.Agents = s.agents(key, value)
		case "prompts":
			s.fields(key, value, func(k, v *yaml.Node) {
				if s.isKnown(k, []string{"budget"}) {
					cfg.PromptBudget = s.bytes(k, v)
				}
			})
		}
	}
	return cfg
}

// isKnown warns of a key that is not one of those known.
func (s *source) isKnown(key *yaml.Node, known []string) bool {
	if slices.Contains(known, key.Value) {
		return true
	}
	s.problems = append(s.problems, Problem{
		ID: s.id, Path: s.path, Pos: s.nodePos(key), Severity: Warning,
		Rule: ruleUnknownKey, Msg: fmt.Sprintf("unknown key %q", key.Value), Hint: DidYouMean(key.Value, known),
	})
	return false
}

// interpreter reads the argument list that runs a language; nil where it is
// none. The language must be a word, as it is the first of a check's fence.
func (s *source) interpreter(lang, command *yaml.Node) []string {
	if strings.ContainsAny(lang.Value, " \t`") || lang.Value == "" {
		s.fail(s.nodePos(lang), ruleBadInterpreter, "", "the language %q is not one word", lang.Value)
		return nil
	}
	if command.Kind != yaml.SequenceNode || len(command.Content) == 0 {
		s.fail(s.nodePos(command), ruleBadInterpreter, `write a list such as ["node", "-e"]: the script is appended to it`,
			"the interpreter of %q is not a list of arguments", lang.Value)
		return nil
	}
	argv := texts(s.items(lang, command))
	if len(argv) < len(command.Content) {
		return nil // reported by items
	}
	return argv
}

// links reads the paths of worktree.link.
func (s *source) links(key, value *yaml.Node) []string {
	var paths []string
	for _, item := range s.items(key, value) {
		if err := CheckPattern(item.Value); err != nil {
			s.fail(item.Pos, ruleBadLink, "", "link %q %v", item.Value, err)
			continue
		}
		paths = append(paths, path.Clean(item.Value))
	}
	return paths
}

// patterns reads the regular expressions of secrets.
func (s *source) patterns(key, value *yaml.Node) []*regexp.Regexp {
	var patterns []*regexp.Regexp
	for _, item := range s.items(key, value) {
		re, err := regexp.Compile(item.Value)
		switch {
		case err != nil:
			s.fail(item.Pos, ruleBadSecret, "", "secret pattern %q: %v", item.Value, err)
		case re.MatchString(""):
			s.fail(item.Pos, ruleBadSecret, "it would mask everything", "secret pattern %q matches the empty text", item.Value)
		default:
			patterns = append(patterns, re)
		}
	}
	return patterns
}
