package spec

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConfigAgents(t *testing.T) {
	t.Parallel()
	src := `---
agents:
  mine:
    command: [prog, --flag, "{prompt_file}", 'say={"a": 1}', "$HOME ${HOME} {} {print}", "in {workdir} {spec} {phase}"]
    prompt: file
    model_flag: --model
    parse: opencode
    timeout: 30m
    idle_timeout: 90s
    env: [FOO, ANTHROPIC_*, KEYBOARD]
  told: {command: [prog, "--model={model}"], prompt: stdin, parse: text, env: FOO}
  claude: {timeout: 1h, prompt: file, model_flag: -m}
  nothing:
---
`
	want := map[string]Agent{
		"mine": {
			Command: []string{
				"prog", "--flag", "{prompt_file}", `say={"a": 1}`, "$HOME ${HOME} {} {print}", "in {workdir} {spec} {phase}",
			},
			PromptBy: PromptByFile, ModelFlag: "--model", Output: OutputOpencode, Timeout: 30 * time.Minute,
			IdleTimeout: 90 * time.Second, Env: []string{"FOO", "ANTHROPIC_*", "KEYBOARD"},
		},
		"told": {
			Command: []string{"prog", "--model={model}"}, PromptBy: PromptByStdin, Output: OutputText, Env: []string{"FOO"},
		},
		"claude": {Timeout: time.Hour, PromptBy: PromptByFile, ModelFlag: "-m"},
	}
	for name, parse := range map[string]func(string, []byte) (Config, Problems){"repository": ParseConfig, "user": ParseUserConfig} {
		cfg, problems := parse(configPath, []byte(src))
		if diff := cmp.Diff(want, cfg.Agents); diff != "" || problems != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, problems, diff)
		}
	}
}

// TestConfigAgentProblems expects one problem for a bad agent, and that only the
// valid agent next to it is read.
func TestConfigAgentProblems(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, agent, want string }{
		{"text", "prog", `error wrong-shape .chant/config.md:3:6: a must be a map, not a single value`},
		{"command as text", "{command: prog -x}",
			`error bad-agent .chant/config.md:3:16: the agent's command is not a list of arguments (write a list such as ["prog", "--flag"]: no ` +
				`shell reads it)`},
		{"empty argument", "{command: [prog, '']}", `error empty-entry .chant/config.md:3:23: command has an empty entry (remove it)`},
		{"prompt", "{prompt: flie}", `error config-value .chant/config.md:3:15: unknown prompt "flie" (did you mean "file"?)`},
		{"prompt as list", "{prompt: [file]}", `error wrong-shape .chant/config.md:3:15: prompt must be a single value, not a list`},
		{"parse", "{parse: json}",
			`error config-value .chant/config.md:3:14: unknown parse "json" (one of text, claude, codex, gemini, opencode)`},
		{"timeout", "{timeout: 30}",
			`error config-value .chant/config.md:3:16: timeout "30" is not a positive duration (write it like 90s or 30m)`},
		{"timeout of nothing", "{idle_timeout: 0s}",
			`error config-value .chant/config.md:3:21: idle_timeout "0s" is not a positive duration (write it like 90s or 30m)`},
		{"timeout as list", "{timeout: [1m]}", `error wrong-shape .chant/config.md:3:16: timeout must be a single value, not a list`},
		{"variable", "{env: [A=b]}",
			`error bad-agent .chant/config.md:3:13: "A=b" is not the name of an environment variable (write NAME or PREFIX_*)`},
		{"nearly all variables", "{env: ['A*']}",
			`error bad-agent .chant/config.md:3:13: "A*" is not the name of an environment variable (write NAME or PREFIX_*)`},
		{"every variable with a word", "{env: [_*]}",
			`error bad-agent .chant/config.md:3:13: "_*" is not the name of an environment variable (write NAME or PREFIX_*)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src := "---\nagents:\n  a: " + tt.agent + "\n  b: {env: [A]}\n---\n"
			for name, parse := range map[string]func(string, []byte) (Config, Problems){"repository": ParseConfig, "user": ParseUserConfig} {
				cfg, problems := parse(configPath, []byte(src))
				if diff := cmp.Diff([]string{tt.want}, severe(problems)); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
				if diff := cmp.Diff(map[string]Agent{"b": {Env: []string{"A"}}}, cfg.Agents); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}

func TestConfigAgentNames(t *testing.T) {
	t.Parallel()
	_, problems := ParseConfig(configPath,
		[]byte("---\nagents: {a b: {env: [A]}, c: {pars: 2, colour: red}, spec: {env: [A]}, specs: {env: [A]}}\n---\n"))
	want := []string{
		`warning unknown-key .chant/config.md:2:31: unknown key "pars" (did you mean "parse"?)`,
		`warning unknown-key .chant/config.md:2:40: unknown key "colour"`,
		`error bad-agent .chant/config.md:2:54: the name "spec" is reserved: it means the agent that a spec names (rename the agent)`,
	}
	if diff := cmp.Diff(want, severe(problems)); diff != "" {
		t.Error(diff)
	}
}

// TestWhatOnlyTheUserMayConfigure expects settings to be errors in a repository's
// config and to be read from the user's own config.
func TestWhatOnlyTheUserMayConfigure(t *testing.T) {
	t.Parallel()
	const mend = " (write it in your own config, not in the repository's)"
	tests := []struct{ name, agent, want string }{
		{"flag", "{command: [claude, -p, --dangerously-skip-permissions]}",
			`error bypass-flag .chant/config.md:2:41: "--dangerously-skip-permissions" turns off the agent's own permission checks`},
		{"flag for the model", "{command: [prog], model_flag: --yolo}",
			`error bypass-flag .chant/config.md:2:48: "--yolo" turns off the agent's own permission checks`},
		{"flag for a preset", "{model_flag: -y}",
			`error bypass-flag .chant/config.md:2:31: "-y" turns off the agent's own permission checks`},
		{"every variable", "{env: [A, '*']}", `error secret-env .chant/config.md:2:28: "*" passes secrets to the agent`},
		{"secret", "{env: [GITHUB_TOKEN]}", `error secret-env .chant/config.md:2:25: "GITHUB_TOKEN" passes secrets to the agent`},
		{"secret in small letters", "{env: [api_keys]}", `error secret-env .chant/config.md:2:25: "api_keys" passes secrets to the agent`},
		{"where a secret is", "{env: [TOKEN_FILE]}", `error secret-env .chant/config.md:2:25: "TOKEN_FILE" passes secrets to the agent`},
		{"secret of an agent", "{env: [SSH_AUTH_SOCK]}", `error secret-env .chant/config.md:2:25: "SSH_AUTH_SOCK" passes secrets to the agent`},
		{"secrets", "{env: [SECRET_*]}", `error secret-env .chant/config.md:2:25: "SECRET_*" passes secrets to the agent`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src := []byte("---\nagents: {gemini: " + tt.agent + "}\n---\n")
			cfg, problems := ParseConfig(configPath, src)
			if diff := cmp.Diff([]string{tt.want + mend}, severe(problems)); diff != "" || len(cfg.Agents) > 0 {
				t.Errorf("%v: %s", cfg.Agents, diff)
			}
			cfg, problems = ParseUserConfig(configPath, src)
			if len(cfg.Agents) != 1 || problems != nil {
				t.Errorf("the user's: %v, %v", cfg.Agents, problems)
			}
		})
	}
}
