package prove

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/check"
	"chant/runner/record"
	"chant/runner/testlog"
)

// passed is a run that held, with this output.
func passed(t *testing.T, output string) check.JudgedRun {
	t.Helper()
	tests, _ := tellGo(t, output)
	return check.JudgedRun{Outcome: record.Held, Observation: check.Observation{Output: output, Tests: tests}}
}

func TestTestNames(t *testing.T) {
	t.Parallel()
	const (
		goRed   = "=== RUN   TestLost\n    x_test.go:9: update lost\n--- FAIL: TestLost (0.00s)\nFAIL\nFAIL\tm\t0.004s\nFAIL\n"
		goOK    = "PASS\nok  \tm\t0.004s\n"
		goGreen = "=== RUN   TestLost\n--- PASS: TestLost (0.00s)\n" + goOK
		other   = "=== RUN   TestOther\n--- PASS: TestOther (0.00s)\n"
		cases   = "=== RUN   TestLost\n=== RUN   TestLost/a\n--- FAIL: TestLost (0.00s)\n    --- FAIL: TestLost/a (0.00s)\nFAIL\tm\t0.004s\n"
		hint    = "GOFLAGS, which the check does not let through"
	)
	for _, tt := range []struct {
		name, red, green string
		why              string // a part of it; "" if the pass counts
	}{
		{"no runner", "update lost\n", "", ""},
		{"go", goRed, goGreen, ""},
		{"go, nothing printed", goRed, "", "TestLost, which failed at base, ran"},
		{"go, ended before the test", goRed, goOK, "TestLost, which failed at base, ran"},
		{"go, another test", goRed, other + goOK, "TestLost, which failed at base, ran"},
		{"go, skipped beside another", goRed, other + "--- SKIP: TestLost (0.00s)\n" + goOK, "TestLost, which failed at base, was skipped"},
		{"go, one of two", "--- FAIL: TestOther (0.00s)\n" + goRed, goGreen, "TestOther, which failed at base, ran"},
		{"go, crashed", "=== RUN   TestLost\nfatal error: concurrent map writes\nFAIL\tm\t0.004s\n", goGreen, ""},
		{"go, crashed, then nothing", "=== RUN   TestLost\nfatal error: concurrent map writes\nFAIL\tm\t0.004s\n", goOK, "TestLost, which"},
		{"go, stopped by the clock", "=== RUN   TestLost\n", goOK, "TestLost, which"},
		{"go, cases", cases, "=== RUN   TestLost\n--- PASS: TestLost (0.00s)\n    --- PASS: TestLost/b (0.00s)\n" + goOK, ""},
		{
			"go, case skipped", cases, "--- PASS: TestLost (0.00s)\n    --- SKIP: TestLost/a (0.00s)\n" + goOK,
			"TestLost/a, which failed at base, was skipped",
		},
		{"go, without -v", "--- FAIL: TestLost (0.00s)\nFAIL\tm\t0.004s\n", "ok  \tm\t0.004s\n", hint},
		{"go, crashed without -v", "fatal error: x\nFAIL\tm\t0.004s\n", "", "go test ran a test"},
		{"go, crashed without a name", "fatal error: x\nFAIL\tm\t0.004s\n", goGreen, ""},
		{
			"go, benchmark", "--- FAIL: BenchmarkB\nFAIL\tm\t0.004s\n",
			"BenchmarkB-2   \t       1\t       400.0 ns/op\nPASS\nok  \tm\t0.013s\n", "",
		},
		{"pytest", "=== 1 failed in 0.02s ===\n", "=== 1 passed in 0.02s ===\n", ""},
		{"pytest, ended before the test", "=== 1 failed in 0.02s ===\n", "", "pytest ran a test"},
		{"unittest", "Ran 1 test in 0.000s\n\nFAILED (failures=1)\n", "", "unittest ran a test"},
		{"cargo", "test result: FAILED. 0 passed; 1 failed; 0 ignored;\n", "\nrunning 1 test\n", "cargo test ran a test"},
		{"node", "# tests 1\n# pass 0\n# fail 1\n", "", "node --test ran a test"},
		{"jest", "Tests:       1 failed, 1 total\n", "", "jest ran a test"},
		{"vitest", "      Tests  1 failed (1)\r\n", "", "vitest ran a test"},
		{"two runners", goRed + "1 failed in 0.02s\n", goGreen, "pytest ran a test"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			names := newTestNames(check.Judge{Runners: testlog.NewReaders()}, passed(t, tt.red))
			got := names.examine(passed(t, tt.green))
			if tt.why == "" && (got.Outcome != record.Held || got.Why != "") {
				t.Errorf("got %s (%s), want a pass", got.Outcome, got.Why)
			}
			if tt.why != "" && (got.Outcome != record.NoTest || !strings.Contains(got.Why, tt.why)) {
				t.Errorf("got %s (%s), want no test (…%s…)", got.Outcome, got.Why, tt.why)
			}
		})
	}
}

// If a bug is rare, green passes before red fails for the first time. What red then
// shows counts for these passes, too.
func TestNamesAreKnownLate(t *testing.T) {
	t.Parallel()
	c := &checkRuns{
		schedule: newSchedule(Options{}.withDefaults(), 1, false, false),
		seen:     map[string]*seen{record.CellRed: {}, record.CellGreen: {}, record.CellCausal: {}},
	}
	count := func(cell, output string, outcome record.Outcome) {
		run := passed(t, output)
		run.Outcome = outcome
		c.count(cell, run, check.Judge{Runners: testlog.NewReaders()})
	}
	count(record.CellRed, "1 passed in 0.02s\n", record.NotHeld)
	count(record.CellGreen, "", record.Held)
	count(record.CellGreen, "1 passed in 0.02s\n", record.Held)
	count(record.CellGreen, "", record.Killed)
	if diff := cmp.Diff(tally{record.Held: 2, record.Killed: 1}, c.schedule.green); diff != "" {
		t.Errorf("before the first failure (-want +got):\n%s", diff)
	}
	count(record.CellRed, "1 failed in 0.02s\n", record.Held)
	count(record.CellGreen, "", record.Held)
	if diff := cmp.Diff(tally{record.Held: 1, record.NoTest: 2, record.Killed: 1}, c.schedule.green); diff != "" {
		t.Errorf("after it (-want +got):\n%s", diff)
	}
	s := c.seen[record.CellGreen]
	if s.held == nil || s.held.Observation.Output == "" || s.missed == nil || s.missed.Outcome != record.NoTest {
		t.Errorf("shown are %+v and %+v, want the pass that counts and the one that does not", s.held, s.missed)
	}
}

func tellGo(t *testing.T, pieces ...string) (*testlog.Verbose, string) {
	t.Helper()
	var rest bytes.Buffer
	v := testlog.NewVerbose(testlog.VerboseEvent(), &rest)
	for _, piece := range pieces {
		if n, err := v.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("wrote %d of %d bytes, error %v", n, len(piece), err)
		}
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	return v, rest.String()
}
