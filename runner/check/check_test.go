package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chant/runner/process"
	"chant/runner/record"
	"chant/runner/testlog"
	"chant/spec"
)

// bench is a Runner with the folder of its checks and the events that it emitted.
type bench struct {
	runner *Runner
	dir    string
	events []record.Event
}

// fixedTime is the only time that these tests know.
func fixedTime() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func newBench(t *testing.T) *bench {
	t.Helper()
	processes, err := process.New(fixedTime)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{dir: t.TempDir()}
	b.runner = &Runner{
		processes: processes,
		Env:       []string{"PATH=" + os.Getenv("PATH"), "FROM=outside"},
		secrets:   []string{"hunter22"},
		storeDir:  filepath.Join(t.TempDir(), "store"),
		Judge:     Judge{testlog.NewReaders()},
		now:       fixedTime,
		Emit:      func(e record.Event) { b.events = append(b.events, e) },
	}
	return b
}

// run runs one check that the only criterion of a spec owns.
func (b *bench) run(ctx context.Context, t *testing.T, attributes, script string) record.CheckResult {
	t.Helper()
	c := checkOf(t, attributes, script)
	res, err := b.runner.Run(ctx, b.dir, "002", Group{Check: c, Criteria: []spec.Criterion{{Number: 1, Text: "A", Check: c}}})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// count returns a script that runs body with its own number of runs in $n.
func count(body string) string {
	return `n=$(cat n 2>/dev/null || echo 0); n=$((n+1)); echo $n > n; ` + body
}

func TestRepeat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, attributes, body string
		outcome                record.Outcome
		runs, held             int
		exits                  []int
		output, reason         string
	}{
		{"all hold", "repeat=3", "echo run $n", record.Held, 3, 3, []int{0, 0, 0}, "run 1\n", ""},
		{"one of three misses", "repeat=3", "echo run $n; test $n != 2", record.NotHeld, 2, 1, []int{0, 1}, "run 2\n", "exit 1"},
		{"the first miss decides", "repeat=3", "echo run $n; exit $((n - 1))", record.NotHeld, 2, 1, []int{0, 1}, "run 2\n", "exit 1"},
		{"enough hold", "repeat=4 atleast=2", "echo run $n; test $((n % 2)) = 0", record.Held, 4, 2, []int{1, 0, 1, 0}, "run 2\n", ""},
		{"too few hold", "repeat=4 atleast=3", "echo run $n; test $((n % 2)) = 0", record.NotHeld, 3, 1, []int{1, 0, 1}, "run 1\n", "exit 1"},
		{"red enough", "expect=fail repeat=3 atleast=1 match=lost",
			"if test $n = 3; then echo lost; exit 1; fi", record.Held, 3, 1, []int{0, 0, 1}, "lost\n", ""},
		{"never red", "expect=fail repeat=2 atleast=1", "true", record.NotHeld, 2, 0, []int{0, 0}, "", "passed, but was expected to fail"},
		{"not started ends it", "repeat=5", "nonexistent-command-of-chant 2>/dev/null",
			record.NotStarted, 1, 0, []int{127}, "", "exit 127: a command could not be started"},
		{"timeout ends it", "repeat=5 timeout=20ms", "exec sleep 60", record.TimedOut, 1, 0, []int{-1}, "", "timed out after 20ms"},
		{"the first hit decides", "repeat=2 atleast=1", "echo run $n", record.Held, 1, 1, []int{0}, "run 1\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			res := b.run(t.Context(), t, tt.attributes, count(tt.body))
			got := []any{res.Outcome, res.Runs, res.HeldRuns, res.Exits, res.Output, res.Reason}
			want := []any{tt.outcome, tt.runs, tt.held, tt.exits, tt.output, tt.reason}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if !strings.HasPrefix(res.OutputDigest, "sha256:") {
				t.Errorf("digest %q is none", res.OutputDigest)
			}
		})
	}
}

func TestRepeatTellsProgress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t.Context(), t, "repeat=2 atleast=1", count("test $n = 2"))
	want := []record.Event{
		record.CheckStarted{Spec: "002", Criterion: 1, Text: "A", Command: count("test $n = 2") + "\n", Runs: 2, Started: fixedTime()},
		record.CheckProgress{Spec: "002", Criterion: 1, Done: 1, Runs: 2, Held: 0},
		record.CheckProgress{Spec: "002", Criterion: 1, Done: 2, Runs: 2, Held: 1},
	}
	if diff := cmp.Diff(want, b.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestRunInterrupted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.runner.Emit = func(e record.Event) {
		if p, ok := e.(record.CheckProgress); ok && p.Done == 2 {
			cancel()
		}
	}
	res := b.run(ctx, t, "repeat=9 atleast=8", count("test $n != 1"))
	if res.Outcome != record.Interrupted || res.Runs != 3 || res.HeldRuns != 1 {
		t.Errorf("got %s after %d runs, %d held; want it interrupted in the third", res.Outcome, res.Runs, res.HeldRuns)
	}
}

func TestRunEnvironment(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := os.Mkdir(filepath.Join(b.dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.runner.config, _ = spec.ParseConfig("c", []byte("---\nsecrets: ['id-[0-9]+']\n---\n"))
	res := b.run(t.Context(), t, `dir=sub env.A="1 2" env.FROM=check`, `echo "$A $FROM $(basename "$PWD") hunter22 id-77"; printf '\377'`)
	if want := "1 2 check sub *** ***\n\uFFFD"; res.Output != want {
		t.Errorf("output %q, want %q", res.Output, want)
	}
}

func TestRunRefusesFolders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := os.WriteFile(filepath.Join(b.dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(b.dir, "out")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"missing", "file", "out"} {
		res := b.run(t.Context(), t, "expect=fail dir="+dir, "false")
		if res.Outcome != record.NotStarted || res.Runs != 0 || !strings.Contains(res.Reason, "dir="+dir) {
			t.Errorf("dir=%s: %s after %d runs: %q", dir, res.Outcome, res.Runs, res.Reason)
		}
	}
	if len(b.events) > 0 {
		t.Errorf("a check that can't start emitted %v", b.events)
	}
}

func TestRunWithoutInterpreter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.runner.config, _ = spec.ParseConfig("c", []byte("---\ninterpreters: {zz: [chant-no-such-program]}\n---\n"))
	for _, lang := range []string{"fortran", "zz"} {
		c := &spec.Check{Lang: lang, Dir: ".", Repeat: 1, AtLeast: 1}
		_, err := b.runner.Run(t.Context(), b.dir, "002", Group{Check: c, Criteria: []spec.Criterion{{Number: 1}}})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", lang)) {
			t.Errorf("%s: got error %v, want one that names it", lang, err)
		}
	}
}

const family = `# T

## Acceptance Criteria

- [ ] One
  ` + "```sh check\n  true\n  ```" + `
  - [ ] One and a half
- [ ] A person's
- [ ] Two
  ` + "```sh check\n  true\n  ```" + `
  - [ ] Two and a half
    ` + "```sh check\n    true\n    ```" + `
    - [ ] Two and three quarters
`

func TestUnits(t *testing.T) {
	t.Parallel()
	s := specOf(t, family)
	var got [][]int
	for _, u := range Groups(s) {
		var numbers []int
		for _, c := range u.Criteria {
			if c.Check != u.Check {
				t.Errorf("criterion %d is in the group of another check", c.Number)
			}
			numbers = append(numbers, c.Number)
		}
		got = append(got, numbers)
	}
	if diff := cmp.Diff([][]int{{1, 2}, {4}, {5, 6}}, got); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
}

func TestAllDecidesInOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := specOf(t, strings.Replace(family, "  true", "  false", 1))
	results, err := b.runner.All(t.Context(), func(*spec.Check) (string, error) { return b.dir, nil }, s)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		got = append(got, fmt.Sprintf("%d %s", r.Number, r.Outcome))
	}
	want := []string{"1 not_held", "2 not_held", "3 unattested", "4 held", "5 held", "6 held"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if results[0].Check != results[1].Check || results[3].Check == results[4].Check {
		t.Error("criteria share a result exactly where they share a check")
	}
}

func TestAllStopsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	emit := b.runner.Emit
	b.runner.Emit = func(e record.Event) {
		if _, ok := e.(record.CriterionDone); ok {
			cancel()
		}
		emit(e)
	}
	results, err := b.runner.All(ctx, func(*spec.Check) (string, error) { return b.dir, nil }, specOf(t, family))
	if err != nil && !errors.Is(err, context.Canceled) || len(results) != 2 {
		t.Errorf("got %d results, error %v; want the two of the first check", len(results), err)
	}
}

func TestAllWithoutATree(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	where := func(*spec.Check) (string, error) { return "", &NoTreeError{Reason: "no tree"} }
	results, err := b.runner.All(t.Context(), where, specOf(t, family))
	if err != nil {
		t.Fatal(err)
	}
	if r := results[0]; r.Outcome != record.NotStarted || r.Check.Runs != 0 || r.Reason != "no tree" {
		t.Errorf("got %+v, want a check that could not be started", r)
	}
}

// feed writes text to a matcher in pieces of these sizes, in turn.
func feed(re *regexp.Regexp, text []byte, sizes []int) bool {
	m := newMatcher(re)
	for i := 0; len(text) > 0; i++ {
		n := min(sizes[i%len(sizes)], len(text))
		if _, err := m.Write(text[:n]); err != nil {
			return false
		}
		text = text[n:]
	}
	return m.close()
}

func TestMatcherIsMatch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		re := regexp.MustCompile(rapid.SampledFrom([]string{
			"ab", "a.b", "(?s)a.b", "^a", "b$", "(?m)^b$", `\bab\b`, "a*$", "", "é", "\uFFFD", "[^a-z]{3}", `\x{FFFD}a`, "a|^$",
		}).Draw(t, "expression"))
		piece := rapid.SampledFrom([]string{"a", "b", "ab", "\n", "é", "\xff", "\xc3", "\xa9", "\xf0\x9f", " ", "\x00"})
		pieces := rapid.SliceOf(piece).Draw(t, "text")
		sizes := rapid.SliceOfN(rapid.IntRange(1, 5), 1, 4).Draw(t, "sizes")
		text := []byte(strings.Join(pieces, ""))
		if got, want := feed(re, text, sizes), re.Match(text); got != want {
			t.Fatalf("%q in %q: %v, want %v", re, text, got, want)
		}
	})
}

func TestMatcherWithoutExpression(t *testing.T) {
	t.Parallel()
	if feed(nil, []byte("text"), []int{1}) {
		t.Error("no expression matched")
	}
}

// A stream of any length must leave no more behind than a short one.
//
//nolint:paralleltest // it counts allocations, and those of other tests too
func TestMatcherHoldsNothing(t *testing.T) {
	piece := []byte(strings.Repeat("no match in here\n", 4096))
	m := newMatcher(regexp.MustCompile("lost.*found"))
	allocated := testing.AllocsPerRun(50, func() {
		if _, err := m.Write(piece); err != nil {
			t.Error(err)
		}
	})
	if allocated > 20 {
		t.Errorf("each piece of %d bytes costs %v allocations", len(piece), allocated)
	}
	if _, err := m.Write([]byte("lost and found")); err != nil {
		t.Error(err)
	}
	if !m.close() {
		t.Error("the end of the stream was not looked at")
	}
}

func TestInside(t *testing.T) {
	t.Parallel()
	root := lay(t, map[string]string{"sub/file": ""})
	if err := os.Symlink(t.TempDir(), filepath.Join(root, "out")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ dir, want, wantErr string }{
		{".", root, ""},
		{"sub", filepath.Join(root, "sub"), ""},
		{"sub/file", "", "dir=sub/file is not a folder"},
		{"nosuch", "", "dir=nosuch: no such file or directory"},
		{"out", "", "dir=out: path escapes from parent"},
	} {
		got, err := Inside(root, tt.dir)
		if got != tt.want || err == nil && tt.wantErr != "" || err != nil && err.Error() != tt.wantErr {
			t.Errorf("Inside(%q) = %q, %v, want %q, %q", tt.dir, got, err, tt.want, tt.wantErr)
		}
	}
}

func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
