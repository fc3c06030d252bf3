package demo_test

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"chant/cmd/demo"
	"chant/spec"
)

// runs is the largest number of runs of a check here. The demo itself runs each
// check as often as its repeat says.
const runs = 5

// TestChecksDecideEachPhase writes the files of one phase after the other. Before
// them the checks of the phase must not hold, after them they must, and the
// at=head checks must still hold at the end.
func TestChecksDecideEachPhase(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command some twenty times")
	}
	t.Parallel()
	dir := t.TempDir()
	writeAll(t, dir, demo.Base())
	mustRun(t, dir, "go vet ./... && go test ./...")

	// What a phase must not break rather than bring about: it holds from the start.
	guards := map[string]bool{"The test is byte for byte the one that the root cause document names": true}
	for _, step := range demo.Steps() {
		checks := checksOf(t, step.Spec)
		for _, c := range checks {
			if held, output := decide(t, dir, c.Check); held && !guards[c.Text] {
				t.Errorf("%s: holds before the phase: %s\n%s", step.Spec, c.Text, output)
			}
		}
		writeAll(t, dir, step.Files)
		for _, c := range checks {
			for range min(c.Check.Repeat, runs) {
				if held, output := decide(t, dir, c.Check); !held {
					t.Fatalf("%s: does not hold after the phase: %s\n%s", step.Spec, c.Text, output)
				}
			}
		}
	}

	for _, step := range demo.Steps() {
		for _, c := range checksOf(t, step.Spec) {
			if c.Check.At != spec.AtHead {
				continue
			}
			if held, output := decide(t, dir, c.Check); !held {
				t.Errorf("%s: does not hold at the end: %s\n%s", step.Spec, c.Text, output)
			}
		}
	}
}

// TestChecksFindMistakes writes the phases up to the named one, then edits a
// file as a careless person would; the criterion must not hold any more.
func TestChecksFindMistakes(t *testing.T) {
	t.Parallel()
	const (
		comprehension = ".chant/research/issue-42-comprehension.md"
		test          = "tests/regression/issue_42_test.go"
		rootCause     = ".chant/research/issue-42-root-cause.md"
		impact        = ".chant/research/issue-42-impact.md"
		pullRequest   = ".chant/research/issue-42-pull-request.md"
	)
	lies := []struct {
		name      string
		spec      string
		criterion int
		file      string
		old, new  string
	}{
		{"a section is missing", "001-comprehension", 1, comprehension, "## Expected\n", ""},
		{"a section is empty", "001-comprehension", 1, comprehension, "## Expected\n", "## Expected\n\n## More\n"},
		{"a guess cannot be tested", "001-comprehension", 2, comprehension, "Look at how a value reaches its file", ""},
		{"two guesses are not enough", "001-comprehension", 2, comprehension, "| H3 ", "| - "},
		{"the test does not compile", "002-reproduction", 1, test, "store.Open", "store.Opened"},
		{"the test does not compile, so it fails", "002-reproduction", 3, test, "store.Open", "store.Opened"},
		{"the test sleeps", "002-reproduction", 2, test, "synctest.Wait()", "time.Sleep(1)"},
		{"the test passes on the bug", "002-reproduction", 3, test, `"email", "phone"} {`, `"email"} {`},
		{"the test fails for another reason", "002-reproduction", 3, test, `"email":"old"`, `"email":old`},
		{"two causes are confirmed", "003-root-cause", 1, rootCause, "torn | Ruled out", "torn | Confirmed"},
		{"a guess is left open", "003-root-cause", 1, rootCause, "torn | Ruled out", "torn | Unlikely"},
		{"a quoted line is another", "003-root-cause", 2, rootCause, "store.go:53", "store.go:54"},
		{"a quoted file is not there", "003-root-cause", 2, rootCause, "store/store.go:53", "store/lock.go:53"},
		{"nothing is quoted", "003-root-cause", 2, rootCause, "| `store/", "| store: `"},
		{"the options are missing", "003-root-cause", 3, rootCause, "## Options\n", ""},
		{"the test was changed", "003-root-cause", 4, test, `"new"`, `"newer"`},
		{"a listed place is not there", "004-impact-map", 1, impact, "func SetEmail(", "func SetMail("},
		{"a caller is missing", "004-impact-map", 2, impact, "profile/profile.go", "profile/other.go"},
		{"the fix does not lock", "005-fix", 1, "store/store.go", "\tdefer s.lock()()\n\told", "\told"},
		{"the fix breaks another test", "005-fix", 2, "store/store.go", "err = ErrNotFound", "err = nil"},
		{"the test was made to pass", "005-fix", 3, test, `"email", "phone"} {`, `"email"} {`},
		{"a section is missing", "006-upstream-pr", 1, pullRequest, "## Not covered\n", ""},
		{"the issue stays open", "006-upstream-pr", 2, pullRequest, "Fixes #42", "See #42"},
		{"the test is not named", "006-upstream-pr", 2, pullRequest, "issue_42_test.go", "a_test.go"},
	}
	for _, lie := range lies {
		t.Run(lie.spec+"/"+lie.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeUpTo(t, dir, lie.spec)
			replaceAll(t, filepath.Join(dir, lie.file), lie.old, lie.new)
			for _, c := range checksOf(t, lie.spec) {
				if c.Number != lie.criterion {
					continue
				}
				if testing.Short() && strings.HasPrefix(c.Check.Script, "go ") {
					t.Skip("runs the go command")
				}
				if held, output := decide(t, dir, c.Check); held {
					t.Errorf("holds: %s\n%s", c.Text, output)
				}
			}
		})
	}
}

// TestVariantsPassTheirTests shows why the fix phase asks for a proof: the tests pass.
func TestVariantsPassTheirTests(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the go command")
	}
	for name, variant := range map[string]demo.Variant{"tampered": demo.Tampered(), "unrelated": demo.Unrelated()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeUpTo(t, dir, "004-impact-map")
			if variant.Meanwhile != nil {
				writeAll(t, dir, variant.Meanwhile.Files)
			}
			writeAll(t, dir, variant.Fix.Files)
			for _, c := range checksOf(t, variant.Fix.Spec)[:2] {
				if held, output := decide(t, dir, c.Check); !held {
					t.Errorf("does not hold: %s\n%s", c.Text, output)
				}
			}
		})
	}
}

func TestGoFilesAreFormatted(t *testing.T) {
	t.Parallel()
	layers := [][]demo.File{demo.Base()}
	for _, step := range append(demo.Steps(), demo.Tampered().Fix, demo.Unrelated().Fix) {
		layers = append(layers, step.Files)
	}
	for _, layer := range layers {
		for _, f := range layer {
			if filepath.Ext(f.Name) != ".go" {
				continue
			}
			if want, err := format.Source(f.Data); err != nil || !bytes.Equal(f.Data, want) {
				t.Errorf("%s is not formatted by gofmt (%v)", f.Name, err)
			}
		}
	}
}

// checksOf returns the criteria of a spec that have a check, except checks that
// run chant: tests/script tests the whole demo.
func checksOf(t *testing.T, id string) []spec.Criterion {
	t.Helper()
	var checks []spec.Criterion
	for _, c := range parse(t, id).Criteria {
		if !c.Manual() && !strings.HasPrefix(c.Check.Script, "chant ") {
			checks = append(checks, c)
		}
	}
	return checks
}

// decide runs a check once. It supports the attributes that the demo uses.
func decide(t *testing.T, dir string, c *spec.Check) (held bool, output string) {
	t.Helper()
	output, exit := run(t, dir, c.Script)
	if c.Match != nil && !c.Match.MatchString(output) {
		return false, output
	}
	return (exit != 0) == c.ExpectFail, output
}

func mustRun(t *testing.T, dir, script string) {
	t.Helper()
	if output, exit := run(t, dir, script); exit != 0 {
		t.Fatalf("%s: exit %d\n%s", script, exit, output)
	}
}

func run(t *testing.T, dir, script string) (output string, exit int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off",
		"GIT_CONFIG_GLOBAL="+filepath.Join(dir, "no-git-config"), "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("starting sh: %v", err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func writeUpTo(t *testing.T, dir, id string) {
	t.Helper()
	writeAll(t, dir, demo.Base())
	for _, step := range demo.Steps() {
		writeAll(t, dir, step.Files)
		if step.Spec == id {
			return
		}
	}
	t.Fatalf("no step %s", id)
}

// writeAll writes files below dir, over existing ones.
func writeAll(t *testing.T, dir string, files []demo.File) {
	t.Helper()
	for _, f := range files {
		write(t, filepath.Join(dir, filepath.FromSlash(f.Name)), f.Data)
	}
}

// replaceAll edits a file; the old text must be there.
func replaceAll(t *testing.T, name, old, replacement string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.ReplaceAll(string(data), old, replacement)
	if edited == string(data) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	write(t, name, []byte(edited))
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
