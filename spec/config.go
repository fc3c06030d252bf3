package spec

import (
	"bytes"
	"cmp"
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
	// SandboxWrite holds folders that agents may change, absolute or beginning with "~/".
	// Only the user's own config has it.
	SandboxWrite []string
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
	argv, ok = c.interpreters[lang]
	if !ok {
		argv, ok = map[string][]string{
			"sh": {"sh", "-e", "-c"}, "bash": {"bash", "-eo", "pipefail", "-c"}, "python": {"python3", "-c"},
		}[lang]
	}
	return slices.Clone(argv), ok
}

// ParseConfig reads a repository's config file: the YAML frontmatter of a
// Markdown file. The frontmatter and all its keys are optional. What could not
// be read is left out of the Config and reported in the Problems, which are
// sorted by position and have no ID. An unknown key is a Warning. An agent whose
// command turns off its own permission checks, or that gets secrets by name, is
// an Error: only the user's own config may allow that.
func ParseConfig(path string, src []byte) (Config, Problems) { return readConfig(path, src, false) }

// ParseUserConfig reads the user's own config file. Unlike ParseConfig it allows
// agents without permission checks and with secrets.
func ParseUserConfig(path string, src []byte) (Config, Problems) { return readConfig(path, src, true) }

type configFile struct {
	*source
	users bool // whether it is the user's own config, not a repository's
}

func readConfig(path string, src []byte, users bool) (cfg Config, problems Problems) {
	if len(bytes.TrimSpace(src)) == 0 {
		return cfg, nil
	}
	opened, fm, _ := openSource("", path, src)
	if fm.body == 0 && len(opened.problems) == 0 {
		opened.lostFrontmatter(configKeys())
	}
	if fm.root == nil {
		return cfg, opened.sorted()
	}
	s := &configFile{source: opened, users: users}
	s.only(fm.root, readers{
		"project":      s.section(readers{"name": into(&cfg.ProjectName, s.scalar)}),
		"interpreters": into(&cfg.interpreters, byName(opened, s.interpreter)),
		"secrets":      into(&cfg.Secrets, s.patterns),
		"agents":       into(&cfg.Agents, byName(opened, s.agent)),
		"suite":        into(&cfg.Suite, s.texts),
		"worktree":     s.section(readers{"link": into(&cfg.Link, s.links), "setup": into(&cfg.Setup, s.texts)}),
		"prompts":      s.section(readers{"budget": into(&cfg.PromptBudget, s.bytes)}),
		"sandbox":      s.section(readers{"write": into(&cfg.SandboxWrite, s.sandboxWrite)}),
		"commit": s.section(readers{
			"subject": into(&cfg.Commit.work, s.subject), "complete": into(&cfg.Commit.complete, s.subject),
		}),
	})
	return cfg, s.sorted()
}

func configKeys() []string {
	return []string{"project", "interpreters", "secrets", "agents", "suite", "worktree", "prompts", "sandbox", "commit"}
}

// section returns a function for readers that reads a map with known keys only.
func (s *configFile) section(known readers) func(key, value *yaml.Node) {
	return func(key, value *yaml.Node) {
		if s.isMap(key, value) {
			s.only(value, known)
		}
	}
}

// byName reads a map with any keys: the entries for which read returns true. The
// last entry of a name counts.
func byName[T any](s *source, read func(name, entry *yaml.Node) (T, bool)) func(key, value *yaml.Node) map[string]T {
	return func(key, value *yaml.Node) map[string]T {
		all := map[string]T{}
		if !s.isMap(key, value) {
			return all
		}
		s.entries(value, func(name, entry *yaml.Node) {
			one, ok := read(name, entry)
			if delete(all, name.Value); ok {
				all[name.Value] = one
			}
		})
		return all
	}
}

// interpreter reads the argument list of a language's interpreter. The language
// must be one word, as in a check's info string.
func (s *source) interpreter(lang, command *yaml.Node) (argv []string, ok bool) {
	switch {
	case strings.ContainsAny(lang.Value, " \t`") || lang.Value == "":
		s.fail(s.nodePos(lang), "bad-interpreter", "", "the language %q is not one word", lang.Value)
	case command.Kind != yaml.SequenceNode || len(command.Content) == 0:
		s.fail(s.nodePos(command), "bad-interpreter", `write a list such as ["node", "-e"]: the script is appended to it`,
			"the interpreter of %q is not a list of arguments", lang.Value)
	default:
		argv = s.texts(lang, command)
	}
	return argv, len(argv) > 0 && len(argv) == len(command.Content)
}

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

// sandboxWrite reads folders that the user leaves open to agents.
func (s *configFile) sandboxWrite(key, value *yaml.Node) []string {
	if !s.users {
		s.fail(s.nodePos(key), "sandbox-open", ownConfig, "a repository can't leave folders open to agents")
		return nil
	}
	items := s.items(key, value)
	for _, item := range items {
		if !path.IsAbs(item.Value) && !strings.HasPrefix(item.Value, "~/") {
			s.fail(item.Pos, "config-value", `write an absolute path, or one that begins with "~/"`, "%q can't be left open to agents", item.Value)
		}
	}
	return texts(items)
}

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

// CommitSubjects are the templates of the subjects of a run's two commits: of the
// work, and of the spec that is completed by it. The zero value stands for the
// default ones.
type CommitSubjects struct{ work, complete string }

// Work returns the subject of the commit of the work. The message is what the user
// asked for, or the title.
func (c CommitSubjects) Work(s *Spec, message string) string {
	return expandSubject(cmp.Or(c.work, "chant({{spec.id}}): {{message}}"), s, message)
}

// Complete returns the subject of the commit that completes the spec.
func (c CommitSubjects) Complete(s *Spec) string {
	return expandSubject(cmp.Or(c.complete, "chant({{spec.id}}): complete"), s, s.Title)
}

func expandSubject(template string, s *Spec, message string) string {
	text, _ := Expand("", []byte(template), subjectVariables(s, message)) // its variables were checked when it was read
	return text
}

func subjectVariables(s *Spec, message string) map[string]string {
	return map[string]string{"spec.id": s.ID, "spec.title": s.Title, "message": message}
}

// subject reads one template: a single line with known variables.
func (s *configFile) subject(key, value *yaml.Node) string {
	template := s.scalar(key, value)
	if _, problems := Expand("", []byte(template), subjectVariables(&Spec{}, "")); len(problems) > 0 {
		s.fail(s.nodePos(value), "config-value", problems[0].Hint, "%s", problems[0].Msg)
		return ""
	}
	if value.Kind == yaml.ScalarNode && (strings.TrimSpace(template) == "" || strings.ContainsAny(template, "\r\n")) {
		s.fail(s.nodePos(value), "config-value", "", "%s must be one line of text", key.Value)
		return ""
	}
	return template
}
