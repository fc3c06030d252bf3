package cmd

import (
	"os"
	"slices"
	"strings"
	"testing"

	"chant/spec"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The README's example is a spec without problems.
func TestReadmeSpec(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(readme(t), "````markdown\n")
	example, _, found := strings.Cut(rest, "````\n")
	if !found {
		t.Fatal("the README shows no spec")
	}
	path := ".chant/specs/002-reproduction.md"
	s, problems := spec.Parse(path, []byte(example))
	first, firstProblems := spec.Parse(".chant/specs/001-comprehension.md", []byte("- [ ] x\n"))
	set := spec.NewSet([]*spec.Spec{first, s})
	known := spec.Inspect(set, spec.Config{}, map[string]spec.Problems{path: problems, first.Path: firstProblems})
	for _, p := range spec.Lint(set, known) {
		if p.Path == path {
			t.Error(p)
		}
	}
	if len(s.Criteria) != 3 || s.Criteria[1].Check == nil || !s.Criteria[2].Manual() {
		t.Errorf("criteria: %+v", s.Criteria)
	}
}

// The README names every command, every flag of the commands with flags of
// their own, and every attribute of a check.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	text := readme(t)
	app := &App{Dir: t.TempDir()}
	for _, c := range app.root().Commands() {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		if !strings.Contains(text, "`"+c.Name()) {
			t.Errorf("the README does not name the command %s", c.Name())
		}
	}
	for _, name := range []string{"run", "verify", "prove"} {
		c, _, err := app.root().Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		for flag := range strings.FieldsSeq(c.LocalFlags().FlagUsages()) {
			long, ok := strings.CutPrefix(flag, "--")
			if ok && !slices.Contains([]string{"message", "verbose", "directory"}, long) && !strings.Contains(text, flag) {
				t.Errorf("the README does not name the flag --%s of %s", long, name)
			}
		}
	}
}

// Every command line in the README is that of an existing command.
func TestReadmeSession(t *testing.T) {
	t.Parallel()
	app := &App{Dir: t.TempDir()}
	seen := 0
	for line := range strings.Lines(readme(t)) {
		typed, ok := strings.CutPrefix(line, "$ chant ")
		if !ok {
			continue
		}
		seen++
		if _, _, err := app.root().Find(strings.Fields(typed)); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	if seen == 0 {
		t.Error("the README shows no session")
	}
}
