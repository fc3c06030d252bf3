package prove

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/check"
	"chant/runner/record"
	"chant/runner/testlog"
)

// passed is a run that held, with this output.
func passed(output string) check.JudgedRun {
	reports, _ := testlog.NewReaders().Reports(output) // without JUnit XML there is no error
	return check.JudgedRun{Outcome: record.Held, Observation: check.Observation{Output: output, Reports: reports}}
}

func TestTestNames(t *testing.T) {
	t.Parallel()
	const (
		goRed   = "=== RUN   TestLost\n    x_test.go:9: update lost\n--- FAIL: TestLost (0.00s)\nFAIL\nFAIL\tm\t0.004s\nFAIL\n"
		goOK    = "PASS\nok  \tm\t0.004s\n"
		goGreen = "=== RUN   TestLost\n--- PASS: TestLost (0.00s)\n" + goOK
		other   = "=== RUN   TestOther\n--- PASS: TestOther (0.00s)\n"
		cases   = "=== RUN   TestLost\n=== RUN   TestLost/a\n--- FAIL: TestLost (0.00s)\n    --- FAIL: TestLost/a (0.00s)\nFAIL\tm\t0.004s\n"
		pyRed   = "PASSED t.py::test_a\nFAILED t.py::test_b - lost\n== 1 failed, 1 passed in 0.02s ==\n"
		hint    = "GOFLAGS, which the check does not let through"
	)
	for _, tt := range []struct {
		name, red, green string
		want             record.ProofEvidence
		why              string // a part of it; "" if the pass counts
	}{
		{"no runner", "update lost\n", "", record.ByStatus, ""},
		{"go", goRed, goGreen, record.ByNames, ""},
		{"go, nothing printed", goRed, "", "", "TestLost, which failed at base, ran"},
		{"go, ended before the test", goRed, goOK, "", "TestLost, which failed at base, ran"},
		{"go, another test", goRed, other + goOK, "", "TestLost, which failed at base, ran"},
		{"go, skipped beside another", goRed, other + "--- SKIP: TestLost (0.00s)\n" + goOK, "", "TestLost, which failed at base, is not run: skipped"},
		{"go, one of two", "=== RUN   TestOther\n--- FAIL: TestOther (0.00s)\n" + goRed, goGreen, "", "TestOther, which failed at base, ran"},
		{"go, in another package", goRed, strings.ReplaceAll(goGreen, "\tm\t", "\tn\t"), "", "m.TestLost, which failed at base, ran"},
		{"go, crashed", "=== RUN   TestLost\nfatal error: concurrent map writes\nFAIL\tm\t0.004s\n", goGreen, record.ByNames, ""},
		{"go, crashed, then nothing", "=== RUN   TestLost\nfatal error: concurrent map writes\nFAIL\tm\t0.004s\n", goOK, "", "TestLost, which"},
		{"go, stopped by the clock", "=== RUN   TestLost\n", goOK, "", "TestLost, which"},
		{"go, stopped by the clock, now passed", "=== RUN   TestLost\n", goGreen, record.ByNames, ""},
		{"go, cases", cases, "=== RUN   TestLost\n--- PASS: TestLost (0.00s)\n    --- PASS: TestLost/b (0.00s)\n" + goOK, record.ByNames, ""},
		{
			"go, case skipped", cases, "=== RUN   TestLost\n--- PASS: TestLost (0.00s)\n    --- SKIP: TestLost/a (0.00s)\n" + goOK,
			"", "TestLost/a, which failed at base, is not run: skipped",
		},
		{"go, without -v", "--- FAIL: TestLost (0.00s)\nFAIL\tm\t0.004s\n", "ok  \tm\t0.004s\n", "", hint},
		{"go, crashed without -v", "fatal error: x\nFAIL\tm\t0.004s\n", "", "", "go test ran a test"},
		{"go, crashed without a name", "fatal error: x\nFAIL\tm\t0.004s\n", goGreen, record.ByCounts, ""},
		{
			"go, benchmark", "--- FAIL: BenchmarkB\nFAIL\tm\t0.004s\n",
			"BenchmarkB-2   \t       1\t       400.0 ns/op\nPASS\nok  \tm\t0.013s\n", record.ByCounts, "",
		},
		{"pytest", "=== 1 failed in 0.02s ===\n", "=== 1 passed in 0.02s ===\n", record.ByCounts, ""},
		{"pytest, ended before the test", "=== 1 failed in 0.02s ===\n", "", "", "pytest ran a test"},
		{"pytest, skipped", "=== 1 failed, 1 passed in 0.02s ===\n", "=== 1 passed, 1 skipped in 0.02s ===\n", "", "no more passed tests"},
		{"pytest, skipped beside a new one", "=== 1 failed, 1 passed in 0.02s ===\n", "=== 2 passed, 1 skipped in 0.02s ===\n", "", "more tests that were skipped"},
		{"pytest, by name", pyRed, "PASSED t.py::test_a\nPASSED t.py::test_b\n== 2 passed in 0.02s ==\n", record.ByNames, ""},
		{"pytest, the other by name", pyRed, "PASSED t.py::test_a\nXFAIL t.py::test_b\n== 1 passed, 1 xfailed in 0.02s ==\n", "", "test_b, which failed at base, is not run: expected failure"},
		{"pytest, gone", pyRed, "PASSED t.py::test_a\n== 1 passed in 0.02s ==\n", "", "test_b, which failed at base, ran"},
		{"unittest", "Ran 1 test in 0.000s\n\nFAILED (failures=1)\n", "", "", "unittest ran a test"},
		{"cargo", "\nrunning 1 test\ntest a ... FAILED\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
			"\nrunning 1 test\n", "", "cargo test ran a test"},
		{"node", "# tests 1\n# suites 0\n# pass 0\n# fail 1\n# cancelled 0\n# skipped 0\n# todo 0\n# duration_ms 9.1\n", "", "", "ran a test"},
		{"jest", "Tests:       1 failed, 1 total\n", "", "", "jest ran a test"},
		{"two runners", goRed + "=== 1 failed in 0.02s ===\n", goGreen, "", "pytest ran a test"},
		{"two runners, one passed at base", goRed + "=== 1 passed in 0.02s ===\n", goGreen + "=== 1 passed in 0.02s ===\n", record.ByNames, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			names := newTestNames()
			names.fail(passed(tt.red))
			got := names.examine(passed(tt.green))
			if tt.why == "" && (got.Outcome != record.Held || got.Why != "" || names.evidence() != tt.want) {
				t.Errorf("got %s (%s) by %q, want a pass by %q", got.Outcome, got.Why, names.evidence(), tt.want)
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
		names:    newTestNames(),
	}
	count := func(cell, output string, outcome record.Outcome) {
		run := passed(output)
		run.Outcome = outcome
		c.count(cell, run)
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

// A later stated failure may name other tests. The passes so far have to show them, too.
func TestNamesOfLaterFailures(t *testing.T) {
	t.Parallel()
	const red1, red2 = "FAILED t.py::test_a\n== 1 failed, 1 passed in 0.02s ==\n", "FAILED t.py::test_b\n== 1 failed, 1 passed in 0.02s ==\n"
	for name, tt := range map[string]struct {
		green string
		want  tally
	}{
		"seen":     {"PASSED t.py::test_a\nPASSED t.py::test_b\n== 2 passed in 0.02s ==\n", tally{record.Held: 3}},
		"not seen": {"PASSED t.py::test_a\n== 1 passed in 0.02s ==\n", tally{record.NoTest: 3}},
	} {
		c := &checkRuns{
			schedule: newSchedule(Options{}.withDefaults(), 1, false, false),
			seen:     map[string]*seen{record.CellRed: {}, record.CellGreen: {}, record.CellCausal: {}},
			names:    newTestNames(),
		}
		c.count(record.CellRed, passed(red1))
		c.count(record.CellGreen, passed(tt.green))
		c.count(record.CellGreen, passed(tt.green))
		c.count(record.CellRed, passed(red2))
		c.count(record.CellGreen, passed(tt.green))
		if diff := cmp.Diff(tt.want, c.schedule.green); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
