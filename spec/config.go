package spec

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Config is the project's .chant/config.md. The zero value is the config of a
// project without that file.
type Config struct {
	// ProjectName is the variable {{project.name}} of prompts.
	ProjectName string
	// Secrets match text that is masked in everything that chant stores. The
	// values of variables that are named like secrets are always masked.
	Secrets []*regexp.Regexp
	// Suite holds the project's own tests: sh commands that a fix must not break.
	Suite []string
	// Link holds paths of the work tree, such as node_modules. A checkout gets a
	// symlink to each one that it does not contain itself.
	Link []string
	// Setup holds sh commands that prepare a checkout for checks.
	Setup []string
	// Agents holds the agents by name. An entry without a command changes the
	// preset of that name: its zero values leave the preset as it is.
	Agents map[string]Agent
	// PromptBudget is the largest size of a prompt in bytes; 0 means the default
	// of the package that composes prompts.
	PromptBudget int

	// Commit holds the subjects of a run's commits.
	Commit CommitSubjects

	interpreters map[string][]string
}

// Interpreter returns the command that runs scripts of a language: the config's,
// else the built-in one. The caller appends the script as the last argument. ok
// is false for an unknown language.
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

// ParseConfig reads a repository's config file: the YAML frontmatter of a
// Markdown file. The frontmatter and all its keys are optional. What could not
// be read is left out of the Config and reported in the Problems, which are
// sorted by position and have no ID. An unknown key is a Warning. An agent whose
// command turns off its own permission checks, or that gets secrets by name, is
// an Error: only the user's own config may allow that.
func ParseConfig(path string, src []byte) (Config, Problems) {
	return (&configFile{source: newSource("", path, src)}).read()
}

// ParseUserConfig reads the user's own config file. Unlike ParseConfig it allows
// agents without permission checks and with secrets.
func ParseUserConfig(path string, src []byte) (Config, Problems) {
	return (&configFile{source: newSource("", path, src), users: true}).read()
}

// configFile is a config file that is being read.
type configFile struct {
	*source
	users bool // whether it is the user's own config, not a repository's
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
	known := []string{"project", "interpreters", "secrets", "agents", "suite", "worktree", "prompts", "commit"}
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
		case "commit":
			cfg.Commit = s.commit(key, value)
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

// isKnown reports whether a key is known; if not, it adds a warning.
func (s *source) isKnown(key *yaml.Node, known []string) bool {
	if slices.Contains(known, key.Value) {
		return true
	}
	s.report(Warning, s.nodePos(key), "unknown-key", DidYouMean(key.Value, known), "unknown key %q", key.Value)
	return false
}

// interpreter reads the argument list of a language's interpreter; nil if it has
// an error. The language must be one word, as in a check's info string.
func (s *source) interpreter(lang, command *yaml.Node) []string {
	if strings.ContainsAny(lang.Value, " \t`") || lang.Value == "" {
		s.fail(s.nodePos(lang), "bad-interpreter", "", "the language %q is not one word", lang.Value)
		return nil
	}
	if command.Kind != yaml.SequenceNode || len(command.Content) == 0 {
		s.fail(s.nodePos(command), "bad-interpreter", `write a list such as ["node", "-e"]: the script is appended to it`,
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
			s.fail(item.Pos, "bad-link", "", "link %q %v", item.Value, err)
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
			s.fail(item.Pos, "bad-secret", "", "secret pattern %q: %v", item.Value, err)
		case re.MatchString(""):
			s.fail(item.Pos, "bad-secret", "it would mask everything", "secret pattern %q matches the empty text", item.Value)
		default:
			patterns = append(patterns, re)
		}
	}
	return patterns
}
