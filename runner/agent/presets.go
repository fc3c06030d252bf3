package agent

import "chant/spec"

// presets are the usual agents, each with the least rights that its command
// line can state and that let it edit files. None has a flag that bypasses an
// agent's permissions: that is for a user's own configuration to write.
// What a command line can't state, such as the tools that goose and opencode
// allow themselves, is the agent's own configuration's.
//
// The flags are those of the programs' help in 2026. They move: this table is
// the one place to correct.
func presets() map[string]spec.Agent {
	return map[string]spec.Agent{
		"claude": {
			Command:   []string{"claude", "-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits"},
			ModelFlag: "--model", Output: spec.OutputClaude,
			Env: []string{"ANTHROPIC_*", "CLAUDE_*"},
		},
		"codex": { // "-" is standard input
			Command:   []string{"codex", "exec", "--json", "--color", "never", "-s", "workspace-write", "--ephemeral", "-"},
			ModelFlag: "-m", Output: spec.OutputCodex,
			Env: []string{"OPENAI_*", "CODEX_*"},
		},
		"gemini": {
			Command:   []string{"gemini", "--output-format", "stream-json", "--approval-mode", "auto_edit"},
			ModelFlag: "--model", Output: spec.OutputGemini,
			Env: []string{"GEMINI_*", "GOOGLE_*"},
		},
		"opencode": {
			Command:   []string{"opencode", "run", "--format", "json"},
			ModelFlag: "-m", Output: spec.OutputOpencode,
			Env: []string{"OPENCODE_*", "ANTHROPIC_*", "OPENAI_*", "GEMINI_*", "GOOGLE_GENERATIVE_AI_API_KEY", "OPENROUTER_*"},
		},
		"copilot": { // any other tool is denied without asking
			Command:   []string{"copilot", "-s", "--no-ask-user", "--no-color", "--allow-tool=write"},
			ModelFlag: "--model",
			Env:       []string{"COPILOT_*"},
		},
		"amp": {
			Command: []string{"amp", "-x", "--stream-json"}, Output: spec.OutputClaude,
			Env: []string{"AMP_*"},
		},
		"cursor-agent": { // it wants an argument, and reads standard input after it
			Command:   []string{"cursor-agent", "-p", "--output-format", "stream-json", "--trust", "Do what follows."},
			ModelFlag: "--model", Output: spec.OutputClaude,
			Env: []string{"CURSOR_*"},
		},
		"goose": {
			Command:   []string{"goose", "run", "--no-session", "-i", "-"},
			ModelFlag: "--model",
			Env:       []string{"GOOSE_*", "ANTHROPIC_*", "OPENAI_*", "GOOGLE_API_KEY", "OPENROUTER_*", "OLLAMA_*"},
		},
		"aider": { // it commits, and edits .gitignore, unless told not to
			Command: []string{
				"aider", "--message-file", "{prompt_file}", "--yes-always", "--no-auto-commits", "--no-dirty-commits",
				"--no-gitignore", "--no-suggest-shell-commands", "--no-stream", "--no-pretty", "--no-check-update",
			},
			PromptBy: spec.PromptByFile, ModelFlag: "--model",
			Env: []string{"AIDER_*", "ANTHROPIC_*", "OPENAI_*", "GEMINI_*", "DEEPSEEK_*", "OPENROUTER_*", "OLLAMA_*"},
		},
		"ollama": { // a model without tools: it answers, and edits nothing
			Command: []string{"ollama", "run", "{model}", "--nowordwrap", "--hidethinking"},
			Env:     []string{"OLLAMA_*"},
		},
	}
}
