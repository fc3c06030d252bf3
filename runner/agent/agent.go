// Package agent runs a coding agent as a supervised command and understands what it
// prints. The agent gets a prompt made of a spec, and works in a checkout of its own,
// from which only target files come back. The usual agents are known by name.
package agent

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"chant/runner/project"
	"chant/spec"
)

// Agent is a program that can be run as an agent, under the name it goes by.
type Agent struct {
	Name string
	spec.Agent
	// Own are folders of the agent's own configuration and records, which it may change,
	// relative to HOME.
	Own []string
}

// ResolveAgent returns the agent of that name, or the one that s names, as the project and the
// user configure it; env is the environment that chant was started in.
func ResolveAgent(p *project.Project, s *spec.Spec, name string, env []string) (Agent, error) {
	if name == spec.AgentOfSpec {
		if name = s.Agent; name == "" {
			return Agent{}, &project.UsageError{Msg: "spec " + s.ID + " names no agent", Mend: "chant run --agent NAME"}
		}
	}
	user, err := project.LoadUserConfig(env)
	if err != nil {
		return Agent{}, err
	}
	return resolve(name, p.Config.Agents, user.Agents)
}

// resolve returns the agent of that name: the preset, overridden by the entry of
// that name in each of the configs, the last of which counts most. An entry
// overrides only the fields that it sets.
func resolve(name string, configs ...map[string]spec.Agent) (Agent, error) {
	known := presets()
	for _, config := range configs {
		for name, entry := range config {
			known[name] = Agent{Agent: override(known[name].Agent, entry), Own: known[name].Own}
		}
	}
	a, ok := known[name]
	a.Name = name
	switch {
	case !ok:
		names := slices.Sorted(maps.Keys(known))
		mend := fmt.Sprintf("one of %s, or name it in %s under agents", strings.Join(names, ", "), project.ConfigFile)
		if near := spec.DidYouMean(name, names); near != "" {
			mend = near + " else " + mend
		}
		return Agent{}, &project.UsageError{Msg: fmt.Sprintf("no agent is called %q", name), Mend: mend}
	case len(a.Command) == 0:
		return Agent{}, &project.UsageError{
			Msg:  fmt.Sprintf("agent %s has no command", name),
			Mend: fmt.Sprintf("write one in %s under agents, such as command: [my-agent, --print]", project.ConfigFile),
		}
	case a.PromptBy == spec.PromptByFile && !a.takes("{prompt_file}"):
		return Agent{}, &project.UsageError{ // where each half is another config's
			Msg:  fmt.Sprintf("agent %s gets its prompt in a file that its command does not name", name),
			Mend: fmt.Sprintf("put {prompt_file} into the command, or write prompt: stdin, in %s under agents", project.ConfigFile),
		}
	}
	return a, nil
}

// takes tells whether a placeholder is anywhere in the agent's command.
func (a Agent) takes(placeholder string) bool {
	return slices.ContainsFunc(a.Command, func(arg string) bool { return strings.Contains(arg, placeholder) })
}

// Sandboxed returns the agent as it runs in a sandbox. Codex's own sandbox needs rights
// that nothing has in there, so it is turned off.
func (a Agent) Sandboxed() Agent {
	at := slices.Index(a.Command, "workspace-write")
	if a.Name == "codex" && at > 0 && (a.Command[at-1] == "-s" || a.Command[at-1] == "--sandbox") {
		a.Command = slices.Clone(a.Command)
		a.Command[at] = "danger-full-access"
	}
	return a
}

// override gives a with the fields that by sets.
func override(a, by spec.Agent) spec.Agent {
	if len(by.Command) > 0 {
		a.Command = by.Command
	}
	if by.Env != nil {
		a.Env = by.Env
	}
	a.PromptBy = cmp.Or(by.PromptBy, a.PromptBy)
	a.ModelFlag = cmp.Or(by.ModelFlag, a.ModelFlag)
	a.Output = cmp.Or(by.Output, a.Output)
	a.Timeout = cmp.Or(by.Timeout, a.Timeout)
	a.IdleTimeout = cmp.Or(by.IdleTimeout, a.IdleTimeout)
	return a
}

// presets are the usual agents, each with the least rights that its command
// line can state and that let it edit files. None has a flag that bypasses an
// agent's permissions: that is for a user's own configuration to write.
// What a command line can't state, such as the tools that goose and opencode
// allow themselves, is the agent's own configuration's.
//
// The flags are those of the programs' help in 2026. They move: this table is
// the one place to correct.
func presets() map[string]Agent {
	return map[string]Agent{
		"claude": {Own: []string{".claude"}, Agent: spec.Agent{
			Command:   []string{"claude", "-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits"},
			ModelFlag: "--model", Output: spec.OutputClaude, Env: []string{"ANTHROPIC_*", "CLAUDE_*"},
		}},
		"codex": {Own: []string{".codex"}, Agent: spec.Agent{ // "-" is standard input
			Command:   []string{"codex", "exec", "--json", "--color", "never", "-s", "workspace-write", "--ephemeral", "-"},
			ModelFlag: "-m", Output: spec.OutputCodex, Env: []string{"OPENAI_*", "CODEX_*"},
		}},
		"gemini": {Own: []string{".gemini"}, Agent: spec.Agent{
			Command:   []string{"gemini", "--output-format", "stream-json", "--approval-mode", "auto_edit", "--skip-trust"},
			ModelFlag: "--model", Output: spec.OutputGemini, Env: []string{"GEMINI_*", "GOOGLE_*"},
		}},
		"opencode": {Own: []string{".config/opencode", ".local/share/opencode", ".local/state/opencode"}, Agent: spec.Agent{
			Command:   []string{"opencode", "run", "--format", "json"},
			ModelFlag: "-m", Output: spec.OutputOpencode,
			Env: []string{"OPENCODE_*", "ANTHROPIC_*", "OPENAI_*", "GEMINI_*", "GOOGLE_GENERATIVE_AI_API_KEY", "OPENROUTER_*"},
		}},
		"copilot": {Own: []string{".copilot"}, Agent: spec.Agent{ // any other tool is denied without asking
			Command:   []string{"copilot", "-s", "--no-ask-user", "--no-color", "--allow-tool=write"},
			ModelFlag: "--model", Env: []string{"COPILOT_*"},
		}},
		"amp": {Own: []string{".config/amp", ".local/share/amp"}, Agent: spec.Agent{
			Command: []string{"amp", "-x", "--stream-json"}, Output: spec.OutputClaude,
			Env: []string{"AMP_*"},
		}},
		"cursor-agent": {Own: []string{".cursor", ".config/cursor"}, Agent: spec.Agent{
			// It wants an argument, and reads standard input after it.
			Command:   []string{"cursor-agent", "-p", "--output-format", "stream-json", "--trust", "Do what follows."},
			ModelFlag: "--model", Output: spec.OutputClaude, Env: []string{"CURSOR_*"},
		}},
		"goose": {Own: []string{".config/goose", ".local/share/goose", ".local/state/goose"}, Agent: spec.Agent{
			Command:   []string{"goose", "run", "--no-session", "-i", "-"},
			ModelFlag: "--model", Env: []string{"GOOSE_*", "ANTHROPIC_*", "OPENAI_*", "GOOGLE_API_KEY", "OPENROUTER_*", "OLLAMA_*"},
		}},
		"aider": {Own: []string{".aider"}, Agent: spec.Agent{ // it commits, and edits .gitignore, unless told not to
			Command: []string{
				"aider", "--message-file", "{prompt_file}", "--yes-always", "--no-auto-commits", "--no-dirty-commits",
				"--no-gitignore", "--no-suggest-shell-commands", "--no-stream", "--no-pretty", "--no-check-update",
			},
			PromptBy: spec.PromptByFile, ModelFlag: "--model",
			Env: []string{"AIDER_*", "ANTHROPIC_*", "OPENAI_*", "GEMINI_*", "DEEPSEEK_*", "OPENROUTER_*", "OLLAMA_*"},
		}},
		"ollama": {Own: []string{".ollama"}, Agent: spec.Agent{ // a model without tools: it answers, and edits nothing
			Command: []string{"ollama", "run", "{model}", "--nowordwrap", "--hidethinking"},
			Env:     []string{"OLLAMA_*"},
		}},
	}
}
