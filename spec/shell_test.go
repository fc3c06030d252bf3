package spec

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shellOf lints a check with a script, and returns the warnings without the path.
func shellOf(t *testing.T, lang, script string) []string {
	t.Helper()
	src := "## Acceptance Criteria\n\n- [ ] x\n  ```" + lang + " check\n  " + strings.ReplaceAll(script, "\n", "\n  ") + "\n  ```\n"
	s, problems := Parse("x.md", []byte(src))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, p := range lintShell(s) {
		if p.Severity != Warning {
			t.Errorf("%v is no warning", p)
		}
		got = append(got, strings.TrimPrefix(p.Error(), "spec x: x.md:"))
	}
	return got
}

// TestShellAsTheShells runs scripts in which the command false stands for one that
// should hold. If the shell does not notice that it fails, lint has to warn, and only
// then.
func TestShellAsTheShells(t *testing.T) {
	t.Parallel()
	for lang, scripts := range map[string][]string{
		"sh": {
			"false", "false\ntrue", "false; true", "! true", "! true\ntrue", "false && true", "false && true\ntrue",
			"true && false", "false || false\ntrue", "false || true", "false || echo failed", "false || exit 0\ntrue",
			"false || { echo failed; }\ntrue", "false || { echo failed; exit 1; }\ntrue", "false || exit\ntrue", "false && true || true",
			"false | true", "false | true\ntrue", "true | false", "echo x | grep -q y", "false | cat | cat",
			"X=$(false)\ntrue", "export X=$(false)\ntrue", "readonly X=$(false)", "X=$(false) Y=$(true)",
			"X=$(false)$(true)", "X=$(false) true", "X=$(false; true)", "X=`false`\ntrue", "echo $(false)", "test x$(false) = x",
			"cat <<END\n$(false)\nEND", "for x in $(false); do true; done", "case $(false) in *) ;; esac", "echo \"$(pwd)\"; false",
			"set +e\nfalse\ntrue", "set +o errexit\nfalse\ntrue", "set -u\nfalse\ntrue", "trap 'exit 0' EXIT\nfalse", "trap true EXIT\nfalse",
			"trap 'rm -f none' 0\nfalse", "f() { exit 0; }\ntrap f EXIT\nfalse", "false &", "false &\nwait", "false &\nwait $!",
			"for x in 1 2; do false; done", "for x in 1 2; do test $x = 2 && true; done", "for x in 1 2; do ! true; done; true",
			"while false; do true; done; false", "if false; then true; fi", "if false; then true; else false; fi", "if true; then exit 1; fi",
			"if false\ntrue; then true; else exit 1; fi", "{ false; true; }", "{ false; true; } && true", "(false; true) || exit 1",
			"(false; true)", "(false && true)\ntrue", "{ false && true; }\ntrue", "! { true; false; }\ntrue", "f() { false; true; }\nf",
			"f() { false; true; }\nf && true", "f() { false && true; }\nf\ntrue", "case x in x) false; true ;; esac",
			"case x in x) false && true ;; esac\ntrue", "sh -c 'false; true'", "sh -ec 'false; true'",
			"find /dev/null -exec false \\;", "find /dev/null -exec false {} +", "exit 1", "true; exit 1", "if ! true; then exit 1; fi; false",
			"if ! false; then exit 1; fi", "until true; do true; done; false",
		},
		"bash": {
			"false | true", "false | true\ntrue", "set +o pipefail\nfalse | true", "X=$(false; true)", "shopt -s inherit_errexit\nX=$(false; true)",
			"declare X=$(false)", "f() { local X=$(false); }\nf", "cat <(false)", "[[ x$(false) = x ]]", "[[ a = b ]]\ntrue",
			"time false\ntrue", "coproc false; true", "X=$(false)\ntrue",
		},
	} {
		argv, _ := Config{}.Interpreter(lang)
		if _, err := exec.LookPath(argv[0]); err != nil {
			t.Logf("no %s here", argv[0])
			continue
		}
		for _, script := range scripts {
			err := exec.CommandContext(t.Context(), argv[0], append(argv[1:], script)...).Run()
			if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
				t.Fatal(err)
			}
			if warned := len(shellOf(t, lang, script)) > 0; warned != (err == nil) {
				t.Errorf("%s: %q: exit %v, warnings %q", lang, script, err, shellOf(t, lang, script))
			}
		}
	}
}

func TestShellWarnings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, lang, script string
		want               []string
	}{
		{"negated", "sh", "! grep -n debugger a.js\ntest -s a.js", []string{
			`5:3: a failure of "! grep -n debugger a.js" goes unnoticed: the shell goes on after a negated command (write if …; then exit 1; fi)`}},
		{"exported", "sh", "é=1; export V=$(make)\ntrue", []string{
			`5:17: a failure of "$(make)" goes unnoticed: a command in an argument does not end the script ` +
				`(assign the output to a variable before, on a line of its own)`}},
		{"each command of a pipeline", "sh", "make | tee log | tail", []string{
			`5:3: a failure of "make" goes unnoticed: only the last command of a pipeline counts (use bash instead of sh, or a file between the commands)`,
			`5:10: a failure of "tee log" goes unnoticed: only the last command of a pipeline counts ` +
				`(use bash instead of sh, or a file between the commands)`}},
		{"a pipeline with pipefail", "sh", "set -o pipefail\nmake | tail", nil},
		{"each job, and one wait", "sh", "a &\nwait $!\nb &\nwait $!", nil},
		{"bash in sh", "sh", "[[ -s a ]] && x=(1 2)\necho <(true)", []string{
			`5:3: a failure of "[[ -s a ]]" goes unnoticed: the shell goes on after the first part of a list with && ` +
				`(write the commands on lines of their own)`,
			`6:8: a failure of "<(true)" goes unnoticed: a command in an argument does not end the script (use a file instead)`}},
		{"no shell", "sh", "true\nif", []string{"6:3: sh can't read the script: `if` must be followed by a statement list"}},
		{"another language", "python", "! false\ntrue", nil},
		{"long", "sh", strings.Repeat("true\n", scriptLimit/4), []string{
			"4:3: the script is too long to be examined (more than 16 KiB) (put it into a file of its own)"}},
	} {
		if diff := cmp.Diff(tt.want, shellOf(t, tt.lang, tt.script)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// FuzzShell lints any script.
func FuzzShell(f *testing.F) {
	for _, script := range []string{"! a\nb", "a | b", "x=$(a; b) c", "f() { a; }; f &", "case $x in a) b;; esac", "cat <<E\n$(a)\nE\n", "trap \"$x\" EXIT"} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		for _, lang := range []string{"sh", "bash"} {
			s := &Spec{Criteria: []Criterion{{Check: &Check{Lang: lang, Script: script, Pos: Pos{1, 1}}}}}
			for _, p := range lintShell(s) {
				if p.Pos.Line < 1 || p.Pos.Column < 1 || p.Pos.Line > 2+strings.Count(script, "\n") {
					t.Errorf("%q: %v", script, p)
				}
			}
		}
	})
}
