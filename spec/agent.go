package spec

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Agent is the configuration of one agent: an entry of the config's agents.
type Agent struct {
	// Command is the program with its arguments; it is not run by a shell. In the
	// arguments {prompt_file}, {model}, {workdir}, {spec} and {phase} are replaced.
	Command []string
	// PromptBy is how the program gets the prompt; "" means PromptByStdin.
	PromptBy PromptBy
	// ModelFlag is appended to the command, followed by the model's name; "" if the
	// program has no such flag. A Command that contains {model} needs none.
	ModelFlag string
	// Output is the format of the program's output; "" means OutputText.
	Output AgentOutput
	// The program is killed after Timeout, or when it has printed nothing for
	// IdleTimeout. 0 means the default of the package that runs it.
	Timeout, IdleTimeout time.Duration
	// Env names further variables, or "PREFIX_*", that the program gets.
	Env []string
}

// AgentOfSpec means the agent that the spec itself names. No agent can be
// configured under this name.
const AgentOfSpec = "spec"

// PromptBy says how a program gets its prompt.
type PromptBy string

// A prompt is passed on standard input, or in a file that {prompt_file} names.
const (
	PromptByStdin PromptBy = "stdin"
	PromptByFile  PromptBy = "file"
)

// AgentOutput is the format of an agent's output.
type AgentOutput string

// The formats: plain text, and the JSON lines of known programs.
const (
	OutputText     AgentOutput = "text"
	OutputClaude   AgentOutput = "claude" // Amp and Cursor print it too
	OutputCodex    AgentOutput = "codex"
	OutputGemini   AgentOutput = "gemini"
	OutputOpencode AgentOutput = "opencode"
)

// ownConfig is the hint for settings that a repository must not make.
const ownConfig = "write it in your own config, not in the repository's"

// agent reads an agent; false if it has an error.
func (s *configFile) agent(name, entry *yaml.Node) (a Agent, ok bool) {
	before := len(s.problems)
	if name.Value == AgentOfSpec {
		s.fail(s.nodePos(name), "bad-agent", "rename the agent", "the name %q is reserved: it means the agent that a spec names", name.Value)
	}
	var command []Item
	var flag Item
	s.section(readers{
		"command":      into(&command, s.command),
		"prompt":       into((*string)(&a.PromptBy), s.word("stdin", "file")),
		"model_flag":   into(&flag, s.item),
		"parse":        into((*string)(&a.Output), s.word("text", "claude", "codex", "gemini", "opencode")),
		"timeout":      into(&a.Timeout, s.duration),
		"idle_timeout": into(&a.IdleTimeout, s.duration),
		"env":          into(&a.Env, s.env),
	})(name, entry)
	a.Command, a.ModelFlag = texts(command), flag.Value
	if len(command) == 0 {
		command = []Item{s.item(name, name)} // a preset's program has the name of the preset
	}
	argv := append(command, flag)
	if at := FindBypass(texts(argv)); at >= 0 && !s.users {
		s.fail(argv[at].Pos, "bypass-flag", ownConfig, "%q turns off the agent's own permission checks", argv[at].Value)
	}
	return a, s.problems[before:].Err() == nil
}

// command reads a list of arguments.
func (s *configFile) command(key, value *yaml.Node) []Item {
	if value.Kind != yaml.SequenceNode {
		s.fail(s.nodePos(value), "bad-agent", `write a list such as ["prog", "--flag"]: no shell reads it`,
			"the agent's %s is not a list of arguments", key.Value)
		return nil
	}
	return s.items(key, value)
}

// env reads the variables that an agent gets: names, prefixes, or "*" for all.
func (s *configFile) env(key, value *yaml.Node) []string {
	items := s.items(key, value)
	for _, item := range items {
		name := strings.TrimSuffix(item.Value, "_*")
		switch {
		case !isEnvName(name) && item.Value != "*":
			s.fail(item.Pos, "bad-agent", "write NAME or PREFIX_*", "%q is not the name of an environment variable", item.Value)
		case !s.users && (item.Value == "*" || mentionsSecret(name)):
			s.fail(item.Pos, "secret-env", ownConfig, "%q passes secrets to the agent", item.Value)
		}
	}
	return texts(items)
}

// word returns a function for readers that reads one of the known words.
func (s *configFile) word(known ...string) func(key, value *yaml.Node) string {
	return func(key, value *yaml.Node) string {
		word := s.scalar(key, value)
		if value.Kind == yaml.ScalarNode && !slices.Contains(known, word) {
			s.fail(s.nodePos(value), "config-value", oneOf(word, known), "unknown %s %q", key.Value, word)
		}
		return word
	}
}

func (s *configFile) duration(key, value *yaml.Node) time.Duration {
	d, err := time.ParseDuration(s.scalar(key, value))
	if value.Kind == yaml.ScalarNode && (err != nil || d <= 0) {
		s.fail(s.nodePos(value), "config-value", "write it like 90s or 30m", "%s %q is not a positive duration", key.Value, value.Value)
	}
	return d
}

func (s *configFile) bytes(key, value *yaml.Node) int {
	n, err := strconv.Atoi(s.scalar(key, value))
	if value.Kind == yaml.ScalarNode && (err != nil || n < 1) {
		s.fail(s.nodePos(value), "config-value", "write it like 131072", "%s %q is not a positive number of bytes", key.Value, value.Value)
		return 0
	}
	return n
}
