package spec

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const configPath = ".chant/config.md"

func TestParseConfig(t *testing.T) {
	t.Parallel()
	src := `---
# comments stay
project:
  name: Demo shop
interpreters:
  node: [node, -e]
  python: &py [pypy3, "-c"]
  py: *py
secrets:
  - 'tok_[0-9]+'
  - "(?i)hunter2"
agents:
  mine: {command: [prog, -x]}
suite: go test ./...
worktree: {link: [node_modules/], setup: [make deps, "true"]}
prompts: {budget: 400000}
---
# Config

Prose.
`
	for _, source := range []string{src, strings.ReplaceAll(src, "\n", "\r\n")} {
		cfg, problems := ParseConfig(configPath, []byte(source))
		if problems != nil {
			t.Errorf("problems: %v", problems)
		}
		if cfg.ProjectName != "Demo shop" {
			t.Errorf("project name %q", cfg.ProjectName)
		}
		if diff := cmp.Diff([][]string{{"go test ./..."}, {"node_modules"}, {"make deps", "true"}},
			[][]string{cfg.Suite, cfg.Link, cfg.Setup}); diff != "" {
			t.Error(diff)
		}
		if cfg.PromptBudget != 400000 || len(cfg.Agents) != 1 {
			t.Errorf("prompt budget %d, agents %v", cfg.PromptBudget, cfg.Agents)
		}
		var secrets []string
		for _, re := range cfg.Secrets {
			secrets = append(secrets, re.String())
		}
		if diff := cmp.Diff([]string{"tok_[0-9]+", "(?i)hunter2"}, secrets); diff != "" {
			t.Error(diff)
		}
		commands := map[string]string{
			"node": "node -e", "python": "pypy3 -c", "py": "pypy3 -c",
			"sh": "sh -e -c", "bash": "bash -eo pipefail -c", "ruby": "",
		}
		for lang, want := range commands {
			argv, ok := cfg.Interpreter(lang)
			if strings.Join(argv, " ") != want || ok != (want != "") {
				t.Errorf("Interpreter(%s) = %q, %t", lang, argv, ok)
			}
		}
	}
}

func TestConfigIsOptional(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", "\n", "# Config\n", "---\n---\n", "---\n# only a comment\n---\n", "---\nproject:\n---\n"} {
		cfg, problems := ParseConfig(configPath, []byte(src))
		if problems != nil || cfg.ProjectName != "" || cfg.Secrets != nil {
			t.Errorf("%q: %v, %v", src, cfg, problems)
		}
		if argv, ok := cfg.Interpreter("python"); !ok || strings.Join(argv, " ") != "python3 -c" {
			t.Errorf("%q: python is %q", src, argv)
		}
	}
}

func TestConfigProblems(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, yaml, want string }{
		{"unknown key", "colour: red", `warning unknown-key .chant/config.md:2:1: unknown key "colour"`},
		{"unknown key, no value", "colour:", `warning unknown-key .chant/config.md:2:1: unknown key "colour"`},
		{"misspelt key", "secret: []", `warning unknown-key .chant/config.md:2:1: unknown key "secret" (did you mean "secrets"?)`},
		{"key of project", "project:\n  nmae: x", `warning unknown-key .chant/config.md:3:3: unknown key "nmae" (did you mean "name"?)`},
		{"project", "project: x", `error wrong-shape .chant/config.md:2:10: project must be a map, not a single value`},
		{"project name", "project: {name: [x]}", `error wrong-shape .chant/config.md:2:17: name must be a single value, not a list`},
		{"suite", "suite: {a: b}", `error wrong-shape .chant/config.md:2:8: suite must be a list of texts, or one text, not a mapping`},
		{"key of worktree", "worktree: {links: [x]}", `warning unknown-key .chant/config.md:2:12: unknown key "links" (did you mean "link"?)`},
		{"link", "worktree: {link: [../x]}", `error bad-link .chant/config.md:2:19: link "../x" is outside the project`},
		{"interpreters", "interpreters: [node]", `error wrong-shape .chant/config.md:2:15: interpreters must be a map, not a list`},
		{"interpreter as text", "interpreters: {node: node -e}",
			`error bad-interpreter .chant/config.md:2:22: the interpreter of "node" is not a list of arguments (write a list such as ["node", ` +
				`"-e"]: the script is appended to it)`},
		{"interpreter without words", "interpreters: {node: []}",
			`error bad-interpreter .chant/config.md:2:22: the interpreter of "node" is not a list of arguments (write a list such as ["node", ` +
				`"-e"]: the script is appended to it)`},
		{"interpreter of maps", "interpreters: {node: [{}]}",
			`error wrong-shape .chant/config.md:2:23: node must be a list of texts, or one text, not a mapping`},
		{"language of two words", "interpreters: {a b: [x]}", `error bad-interpreter .chant/config.md:2:16: the language "a b" is not one word`},
		{"secret", "secrets:\n- ok\n- 'a('",
			"error bad-secret .chant/config.md:4:3: secret pattern \"a(\": error parsing regexp: missing closing ): `a(`"},
		{"secret that matches nothing", "secrets: ['x*']",
			`error bad-secret .chant/config.md:2:11: secret pattern "x*" matches the empty text (it would mask everything)`},
		{"commit", "commit: x", `error wrong-shape .chant/config.md:2:9: commit must be a map, not a single value`},
		{"key of commit", "commit: {sujbect: x}", `warning unknown-key .chant/config.md:2:10: unknown key "sujbect" (did you mean "subject"?)`},
		{"variable of a subject", "commit: {subject: 'T-1 {{spec.titel}}'}",
			`error config-value .chant/config.md:2:19: unknown variable "spec.titel" (did you mean "spec.title"?)`},
		{"lines of a subject", "commit: {complete: \"a\\nb\"}", `error config-value .chant/config.md:2:20: complete must be one line of text`},
		{"prompts", "prompts: x", `error wrong-shape .chant/config.md:2:10: prompts must be a map, not a single value`},
		{"key of prompts", "prompts: {bugdet: 1}", `warning unknown-key .chant/config.md:2:11: unknown key "bugdet" (did you mean "budget"?)`},
		{"budget", "prompts: {budget: 400k}",
			`error config-value .chant/config.md:2:19: budget "400k" is not a positive number of bytes (write it like 131072)`},
		{"key twice", "suite: a\nsuite: b",
			`error duplicate-key .chant/config.md:3:1: key "suite" is given twice, first at line 2 (keep one of them)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := ParseConfig(configPath, []byte("---\n"+tt.yaml+"\n---\n"))
			if diff := cmp.Diff([]string{tt.want}, severe(problems)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// severe formats problems with their severity and rule.
func severe(problems Problems) []string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.Severity.String()+" "+p.Rule+" "+p.Error())
	}
	return lines
}

func TestConfigThatIsNoText(t *testing.T) {
	t.Parallel()
	_, problems := ParseConfig(configPath, []byte("\xef\xbb\xbf---\n---\n"))
	want := []string{"byte-order-mark .chant/config.md:1:1: the file starts with a byte order mark (save as UTF-8 without a byte order mark)"}
	if diff := cmp.Diff(want, ruled(problems)); diff != "" {
		t.Error(diff)
	}
}

func TestConfigKeepsWhatItCouldRead(t *testing.T) {
	t.Parallel()
	cfg, problems := ParseConfig(configPath,
		[]byte("---\nproject: {name: x}\nsecrets: ['(', ok]\ninterpreters: {a: [\"\", x], b: [b]}\n---\n"))
	if len(problems) != 2 || problems.Err() == nil {
		t.Errorf("problems: %v", problems)
	}
	_, a := cfg.Interpreter("a")
	_, b := cfg.Interpreter("b")
	if cfg.ProjectName != "x" || len(cfg.Secrets) != 1 || a || !b {
		t.Errorf("read %+v", cfg)
	}
}

func TestInterpreterReturnsACopy(t *testing.T) {
	t.Parallel()
	cfg, _ := ParseConfig(configPath, []byte("---\ninterpreters: {x: [a, b]}\n---\n"))
	first, _ := cfg.Interpreter("x")
	first[0] = "changed"
	if second, _ := cfg.Interpreter("x"); second[0] != "a" {
		t.Errorf("the config changed to %q", second)
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, seed := range []string{
		"", "---\n---\n", "---\nproject: {name: x}\nsecrets: ['a+']\ninterpreters: {n: [n, -e]}\n---\n",
		"---\ninterpreters: {<<: {a: [b]}}\n---\n", "---\nsecrets: &a [*a]\n---\n", "---\na: b\n",
		"---\nagents: {a: {command: [p, '{prompt_file}', -y], prompt: file, timeout: 1m, limit: 9, env: [A, B_*]}}\n---\n",
		"---\nagents: {gemini: {model_flag: --yolo}, b: {command: [sh, -c, 'agent -f'], env: ['*', API_KEY]}}\nprompts: {budget: 1}\n---\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		cfg, problems := ParseConfig(configPath, src)
		users, usersProblems := ParseUserConfig(configPath, src)
		for name, a := range cfg.Agents {
			if FindBypass(append(a.Command, a.ModelFlag)) >= 0 {
				t.Errorf("agent %q of a repository drops its checks: %+v", name, a)
			}
			if diff := cmp.Diff(a, users.Agents[name]); diff != "" {
				t.Errorf("agent %q (-repository's +user's):\n%s", name, diff)
			}
		}
		for _, p := range usersProblems {
			if p.Rule == "bypass-flag" || p.Rule == "secret-env" || !slices.Contains(problems, p) {
				t.Errorf("only the user's own config has the problem %v", p)
			}
		}
		lines := strings.Count(string(src), "\n") + 1
		for _, p := range problems {
			if p.ID != "" || p.Path != configPath || p.Msg == "" || p.Rule == "" || p.Pos.Line > lines {
				t.Errorf("problem %+v in a file of %d lines", p, lines)
			}
		}
		for _, re := range cfg.Secrets {
			if re.MatchString("") {
				t.Errorf("secret %q masks everything", re)
			}
		}
		for lang := range cfg.interpreters {
			if argv, ok := cfg.Interpreter(lang); !ok || len(argv) == 0 || argv[0] == "" {
				t.Errorf("interpreter of %q is %q", lang, argv)
			}
		}
	})
}

// What stays open to agents is the user's to say.
func TestSandboxWrite(t *testing.T) {
	t.Parallel()
	src := []byte("---\nsandbox: {write: [/a, ~/b, c]}\n---\n")
	config, problems := ParseUserConfig("c.md", src)
	if want := `c.md:2:28: "c" can't be left open to agents (write an absolute path, or one that begins with "~/")`; len(problems) != 1 ||
		problems[0].Error() != want {
		t.Errorf("user's: %v", problems)
	}
	if diff := cmp.Diff([]string{"/a", "~/b", "c"}, config.SandboxWrite); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	config, problems = ParseConfig(configPath, src)
	if len(problems) != 1 || problems[0].Rule != "sandbox-open" || config.SandboxWrite != nil {
		t.Errorf("repository's: %v, %v", config.SandboxWrite, problems)
	}
}
