package spec

import (
	"regexp"
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
	// ModelFlag is appended to the command, followed by the model's name; "" if
	// the program has no such flag, or if Command contains {model}.
	ModelFlag string
	// Output is the format of the program's output; "" means OutputText.
	Output AgentOutput
	// The program is killed after Timeout, or when it has printed nothing for
	// IdleTimeout. 0 means the default of the package that runs it.
	Timeout     time.Duration
	IdleTimeout time.Duration
	// Env names further variables, or "PREFIX_*", that the program gets.
	Env []string
	// Limit is the largest prompt, in bytes, that the program accepts; 0 means no limit.
	Limit int
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

// promptFile is the placeholder for the name of the prompt's file.
const promptFile = "{prompt_file}"

// placeholders returns the placeholders of an agent's command.
func placeholders() []string {
	return []string{promptFile, "{model}", "{workdir}", "{spec}", "{phase}"}
}

// agent reads an agent; false if it has an error.
func (s *configFile) agent(name, entry *yaml.Node) (a Agent, ok bool) {
	before := len(s.problems)
	switch {
	case name.Value == "" || strings.ContainsAny(name.Value, infoSpace):
		s.fail(s.nodePos(name), "bad-agent", "", "the agent's name %q is not one word", name.Value)
	case name.Value == AgentOfSpec:
		s.fail(s.nodePos(name), "bad-agent", "rename the agent", "the name %q is reserved: it means the agent that a spec names", name.Value)
	}
	var command []Item
	var prompt, flag, output Item
	s.section(readers{
		"command":    into(&command, s.command),
		"prompt":     into(&prompt, s.word(string(PromptByStdin), string(PromptByFile))),
		"model_flag": into(&flag, s.item),
		"parse": into(&output, s.word(string(OutputText), string(OutputClaude), string(OutputCodex),
			string(OutputGemini), string(OutputOpencode))),
		"timeout":      into(&a.Timeout, s.duration),
		"idle_timeout": into(&a.IdleTimeout, s.duration),
		"env":          into(&a.Env, s.env),
		"limit":        into(&a.Limit, s.bytes),
	})(name, entry)
	a.Command, a.PromptBy, a.ModelFlag, a.Output = texts(command), PromptBy(prompt.Value), flag.Value, AgentOutput(output.Value)
	s.consistent(command, prompt, flag)
	if !s.users {
		s.noBypass(command, flag)
	}
	return a, s.problems[before:].Err() == nil
}

func (s *configFile) command(key, value *yaml.Node) []Item {
	if value.Kind != yaml.SequenceNode || len(value.Content) == 0 {
		s.fail(s.nodePos(value), "bad-agent", `write a list such as ["prog", "--flag"]: no shell reads it`,
			"the agent's %s is not a list of arguments", key.Value)
		return nil
	}
	items := s.items(key, value)
	word := regexp.MustCompile(`\$?\{[A-Za-z][A-Za-z0-9_-]*\}`) // with a $ it is a shell variable
	for _, item := range items {
		for _, name := range word.FindAllString(item.Value, -1) {
			if name[0] != '$' && !slices.Contains(placeholders(), name) {
				s.fail(item.Pos, "bad-agent", oneOf(name, placeholders()), "unknown placeholder %q", name)
			}
		}
	}
	return items
}

// consistent checks the keys of an agent against each other. An agent without a
// command has the command of a preset, which is not known here.
func (s *configFile) consistent(command []Item, prompt, flag Item) {
	has := func(placeholder string) bool {
		return slices.ContainsFunc(command, func(arg Item) bool { return strings.Contains(arg.Value, placeholder) })
	}
	if len(command) > 0 && prompt.Value == string(PromptByFile) && !has(promptFile) {
		s.fail(prompt.Pos, "bad-agent", "add "+promptFile+" to the command",
			"the command has no placeholder for the prompt's file")
	}
	if flag.Value != "" && has("{model}") {
		s.fail(flag.Pos, "bad-agent", "keep one of them", "model_flag and {model} in the command exclude each other")
	}
}

// noBypass reports a flag that turns off the agent's permission checks.
func (s *configFile) noBypass(command []Item, flag Item) {
	argv := append(slices.Clone(command), flag)
	if len(command) == 0 {
		argv = []Item{{}, flag} // the program is that of a preset
	}
	if at := FindBypass(texts(argv)); at >= 0 {
		s.fail(argv[at].Pos, "bypass-flag", ownConfig, "%q turns off the agent's own permission checks", argv[at].Value)
	}
}

// env reads the variables that an agent gets: names, prefixes, or "*" for all.
func (s *configFile) env(key, value *yaml.Node) []string {
	items := s.items(key, value)
	for _, item := range items {
		prefix, isPrefix := strings.CutSuffix(item.Value, "_*")
		switch {
		case item.Value == "*" && s.users:
		case item.Value == "*":
			s.fail(item.Pos, "secret-env", ownConfig, `"*" passes every secret of the environment to the agent`)
		case !isEnvName(prefix):
			s.fail(item.Pos, "bad-agent", "write NAME or PREFIX_*", "%q is not the name of an environment variable", item.Value)
		case !s.users && mentionsSecret(prefix):
			what := "a secret"
			if isPrefix {
				what = "secrets"
			}
			s.fail(item.Pos, "secret-env", ownConfig, "%q passes %s to the agent", item.Value, what)
		}
	}
	return texts(items)
}

// word returns a function for readers that reads one of the known words.
func (s *configFile) word(known ...string) func(key, value *yaml.Node) Item {
	return func(key, value *yaml.Node) Item {
		word := s.item(key, value)
		if value.Kind == yaml.ScalarNode && !slices.Contains(known, word.Value) {
			s.fail(word.Pos, "config-value", oneOf(word.Value, known), "unknown %s %q", key.Value, word.Value)
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
