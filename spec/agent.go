package spec

import "time"

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
