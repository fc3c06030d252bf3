package spec

import "time"

// Agent says how a program is run as an agent: an entry of the config's agents.
type Agent struct {
	// Command is the program with its arguments; no shell reads it. In the
	// arguments {prompt_file}, {model}, {workdir}, {spec} and {phase} are filled in.
	Command []string
	// PromptBy is how the prompt gets to the program; "" is PromptByStdin.
	PromptBy PromptBy
	// ModelFlag goes before the model's name at the end of the command; "" where
	// the program can't be told a model, or Command has {model}.
	ModelFlag string
	// Output is the form of what the program prints; "" is OutputText.
	Output AgentOutput
	// Timeout ends the program; IdleTimeout does when it prints nothing for so
	// long. 0 is the default of whoever runs it.
	Timeout     time.Duration
	IdleTimeout time.Duration
	// Env names variables, or "PREFIX_*", that the program gets beside the usual.
	Env []string
	// Limit is the largest prompt in bytes that the program takes; 0 is any.
	Limit int
}

// AgentOfSpec is the name that stands for the agent which a spec names. No agent
// can be configured under it.
const AgentOfSpec = "spec"

// PromptBy is a way to hand over a prompt.
type PromptBy string

// The ways: at standard input, or in a file that {prompt_file} names.
const (
	PromptByStdin PromptBy = "stdin"
	PromptByFile  PromptBy = "file"
)

// AgentOutput is a form of an agent's output.
type AgentOutput string

// The forms: plain text, and the JSON lines of the usual programs.
const (
	OutputText     AgentOutput = "text"
	OutputClaude   AgentOutput = "claude" // Amp and Cursor print it too
	OutputCodex    AgentOutput = "codex"
	OutputGemini   AgentOutput = "gemini"
	OutputOpencode AgentOutput = "opencode"
)
