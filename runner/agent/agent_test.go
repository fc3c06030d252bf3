package agent

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/project"
	"chant/spec"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	shared := map[string]spec.Agent{
		"claude": {Command: []string{"claude", "-p"}, Output: spec.OutputText, Timeout: time.Minute},
		"own":    {Command: []string{"own", "{prompt_file}"}, PromptBy: spec.PromptByFile, Env: []string{"OWN_*"}},
		"empty":  {Timeout: time.Minute, Command: []string{}},
		"aider":  {Command: []string{"aider", "-m", "hello"}},
		"gemini": {Command: []string{}, Timeout: time.Hour},
	}
	user := map[string]spec.Agent{
		"claude": {Timeout: time.Hour, IdleTimeout: time.Second, Env: []string{}},
		"own":    {ModelFlag: "-m"},
	}
	tests := []struct {
		name    string
		configs []map[string]spec.Agent
		want    spec.Agent
	}{
		{"claude", nil, presets()["claude"].Agent},
		{"claude", []map[string]spec.Agent{shared}, spec.Agent{
			Command: []string{"claude", "-p"}, ModelFlag: "--model", Output: spec.OutputText,
			Timeout: time.Minute, Env: presets()["claude"].Env,
		}},
		{"claude", []map[string]spec.Agent{shared, user}, spec.Agent{
			Command: []string{"claude", "-p"}, ModelFlag: "--model", Output: spec.OutputText,
			Timeout: time.Hour, IdleTimeout: time.Second, Env: []string{},
		}},
		{"gemini", []map[string]spec.Agent{shared}, override(presets()["gemini"].Agent, spec.Agent{Timeout: time.Hour})},
		{"own", []map[string]spec.Agent{shared, nil, user}, spec.Agent{
			Command: []string{"own", "{prompt_file}"}, PromptBy: spec.PromptByFile, ModelFlag: "-m", Env: []string{"OWN_*"},
		}},
	}
	for _, tt := range tests {
		got, err := resolve(tt.name, tt.configs...)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(Agent{tt.name, tt.want, presets()[tt.name].Own}, got); diff != "" {
			t.Errorf("%s of %d configs (-want +got):\n%s", tt.name, len(tt.configs), diff)
		}
	}
	errs := []struct{ name, msg, hint string }{
		{"cluade", `no agent is called "cluade"`, `did you mean "claude"? else one of aider, amp, claude, codex, copilot, cursor-agent, empty, gemini, goose, ollama, opencode, own, or name it in .chant/config.md under agents`},
		{"x", `no agent is called "x"`, "one of aider, amp, claude, codex, copilot, cursor-agent, empty, gemini, goose, ollama, opencode, own, or name it in .chant/config.md under agents"},
		{"", `no agent is called ""`, "one of aider, amp, claude, codex, copilot, cursor-agent, empty, gemini, goose, ollama, opencode, own, or name it in .chant/config.md under agents"},
		{"empty", "agent empty has no command", "write one in .chant/config.md under agents, such as command: [my-agent, --print]"},
		{"aider", "agent aider gets its prompt in a file that its command does not name", "put {prompt_file} into the command, or write prompt: stdin, in .chant/config.md under agents"},
	}
	for _, tt := range errs {
		_, err := resolve(tt.name, shared, user)
		usage, ok := errors.AsType[*project.UsageError](err)
		if !ok || usage.Error() != tt.msg || usage.Hint() != tt.hint {
			t.Errorf("%q: error %v (%s)", tt.name, err, usage.Hint())
		}
	}
}

// TestPresets: each is complete, and none sets an agent's permissions aside.
func TestPresets(t *testing.T) {
	t.Parallel()
	for name, a := range presets() {
		if at := spec.FindBypass(a.Command); at >= 0 {
			t.Errorf("%s: %s", name, a.Command[at])
		}
		if byFile := a.takes("{prompt_file}"); byFile != (a.PromptBy == spec.PromptByFile) {
			t.Errorf("%s: the prompt goes in by %q, and %q", name, a.PromptBy, a.Command)
		}
		if a.Command[0] != name || len(a.Own) == 0 || len(a.Env) == 0 || slices.Contains(a.Env, "*") {
			t.Errorf("%s: %+v", name, a)
		}
		a.Name = name
		job := Job{Agent: a, Model: "m", PromptFile: "/p", Dir: "/d"}
		if _, err := job.arguments(); err != nil && name != "amp" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		command   []string
		modelFlag string
		model     string
		want      []string
		err       string
	}{
		{"placeholders", []string{"a", "{prompt_file}", "--in={workdir}", "{spec}:{phase}"}, "", "", []string{"a", "/p", "--in=/d", "002-x:fix"}, ""},
		{"no shell", []string{"a", "$HOME; {spec}", ""}, "", "", []string{"a", "$HOME; 002-x", ""}, ""},
		{"unknown placeholder", []string{"a", "{other}", `{"model": 1}`}, "", "", []string{"a", "{other}", `{"model": 1}`}, ""},
		{"model that is a bypass", []string{"gemini", "--approval-mode", "{model}"}, "", "yolo", nil, `argument "yolo" would turn off what agent x asks permission for`},
		{"bypass of the user's own", []string{"gemini", "--yolo"}, "-m", "pro", []string{"gemini", "--yolo", "-m", "pro"}, ""},
		{"filled in once", []string{"a", "{model}"}, "", "{spec}", []string{"a", "{spec}"}, ""},
		{"model by flag", []string{"a", "-"}, "-m", "gpt 5", []string{"a", "-", "-m", "gpt 5"}, ""},
		{"no model asked", []string{"a"}, "-m", "", []string{"a"}, ""},
		{"model in place", []string{"a", "--model={model}"}, "-m", "o3", []string{"a", "--model=o3"}, ""},
		{"model needed", []string{"a", "{model}"}, "-m", "", nil, "agent x needs a model"},
		{"model impossible", []string{"a"}, "", "o3", nil, `agent x can't be told to use model "o3"`},
		{"model that is a flag", []string{"a"}, "-m", "--yolo", nil, `argument "--yolo" of agent x would be taken for a flag`},
		{"model within a flag", []string{"a", "--model={model}"}, "", "--yolo", []string{"a", "--model=--yolo"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job := Job{
				Agent: Agent{Name: "x", Agent: spec.Agent{Command: tt.command, ModelFlag: tt.modelFlag}}, Model: tt.model,
				PromptFile: "/p", Dir: "/d", Spec: "002-x", Phase: "fix",
			}
			before := slices.Clone(tt.command)
			got, err := job.arguments()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			usage, isUsage := errors.AsType[*project.UsageError](err)
			if (err != nil) != (tt.err != "") || err != nil && (!isUsage || usage.Msg != tt.err || usage.Mend == "") {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if !slices.Equal(before, tt.command) {
				t.Errorf("the agent's command became %q", tt.command)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	job := Job{
		Agent:      Agent{Name: "x", Agent: spec.Agent{Env: []string{"OWN_*", "EXACT"}}},
		PromptFile: "/p", Dir: "/d", Spec: "002-x", Phase: "fix", RunID: "r1",
		Env: []string{
			"PATH=/bin", "HOME=/h", "LC_ALL=C", "XDG_CONFIG_HOME=/c", "https_proxy=http://p", "GIT_AUTHOR_NAME=A",
			"CHANT_PROCESS=:1", "CHANT_SPEC=outer", "OWN_KEY=k", "EXACT=e", "EXACTLY=no", "MY_OWN_KEY=no",
			"GITHUB_TOKEN=no", "AWS_SECRET_ACCESS_KEY=no", "SSH_AUTH_SOCK=no", "GIT_CONFIG_VALUE_0=no", "GIT_DIR=no", "LD_PRELOAD=no",
		},
	}
	given := slices.Clone(job.Env)
	want := []string{
		"PATH=/bin", "HOME=/h", "LC_ALL=C", "XDG_CONFIG_HOME=/c", "https_proxy=http://p", "GIT_AUTHOR_NAME=A",
		"CHANT_PROCESS=:1", "CHANT_SPEC=outer", "OWN_KEY=k", "EXACT=e",
		"CHANT_AGENT=1", "CHANT_SPEC=002-x", "CHANT_PHASE=fix", "CHANT_RUN_ID=r1", "CHANT_PROMPT_FILE=/p",
		"CHANT_WORKDIR=/d", "NO_COLOR=1", "CI=1",
	}
	if diff := cmp.Diff(want, job.environment()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !slices.Equal(given, job.Env) {
		t.Errorf("the given environment became %q", job.Env)
	}
}

// Codex's own sandbox can't start in another one.
func TestSandboxed(t *testing.T) {
	t.Parallel()
	codex := presets()["codex"]
	codex.Name = "codex"
	if got := codex.Sandboxed(); !got.takes("danger-full-access") || got.takes("workspace-write") {
		t.Errorf("codex: %q", got.Command)
	}
	if !codex.takes("workspace-write") {
		t.Errorf("the agent itself was changed: %q", codex.Command)
	}
	other := Agent{Name: "other", Agent: spec.Agent{Command: []string{"other", "-s", "workspace-write"}}}
	if diff := cmp.Diff(other, other.Sandboxed()); diff != "" {
		t.Errorf("other (-want +got):\n%s", diff)
	}
}
