package check

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"chant/runner/process"
	"chant/runner/record"
	"chant/runner/testlog"
	"chant/spec"
)

// specOf reads a spec that has to be free of errors.
func specOf(t *testing.T, text string) *spec.Spec {
	t.Helper()
	s, problems := spec.Parse(".chant/specs/002-reproduction.md", []byte(text))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

// checkOf returns a check with these attributes and this script.
func checkOf(t *testing.T, attributes, script string) *spec.Check {
	t.Helper()
	s := specOf(t, fmt.Sprintf("# T\n\n## Acceptance Criteria\n\n- [ ] A\n  ```sh check %s\n  %s\n  ```\n", attributes, script))
	return s.Criteria[0].Check
}

// observe returns the observation of a run with this result and output.
func observe(c *spec.Check, result process.Result, output string) Observation {
	return Observation{
		Result: result, Output: output,
		matched:  c.Match != nil && c.Match.MatchString(output),
		unwanted: c.NoMatch != nil && c.NoMatch.MatchString(output),
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	exit := func(code int) process.Result { return process.Result{Exit: code} }
	var (
		timedOut  = process.Result{Exit: -1, Signal: syscall.SIGTERM, TimedOut: true}
		killed    = process.Result{Exit: -1, Signal: syscall.SIGSEGV}
		cancelled = process.Result{Exit: -1, Cancelled: true, Err: errors.New("and more")}
		broken    = process.Result{Exit: -1, Err: errors.Join(errors.New("one"), errors.New("two"))}
	)
	for _, tt := range []struct {
		attributes string
		result     process.Result
		output     string
		want       record.Outcome
		why        string
	}{
		{"", exit(0), "", record.Held, ""},
		{"", exit(1), "", record.NotHeld, "exit 1"},
		{"", exit(128), "", record.NotHeld, "exit 128"},
		{"", exit(160), "", record.NotHeld, "exit 160"},
		{"expect=pass", exit(0), "", record.Held, ""},
		{"expect=fail", exit(0), "", record.NotHeld, "passed, but was expected to fail"},
		{"expect=fail", exit(1), "", record.Held, ""},
		{"expect=fail", exit(255), "", record.Held, ""},

		// What never is an expected failure.
		{"expect=fail", exit(126), "", record.NotStarted, "exit 126: a command could not be started"},
		{"expect=fail", exit(127), "", record.NotStarted, "exit 127: a command could not be started"},
		{"expect=fail match=x", exit(127), "x", record.NotStarted, "exit 127: a command could not be started"},
		{"expect=fail", exit(137), "", record.Killed, "exit 137: a command was killed by signal: killed"},
		{"expect=fail match=x", exit(139), "x", record.Killed, "exit 139: a command was killed by signal: segmentation fault"},
		{"expect=fail", killed, "", record.Killed, "killed by signal: segmentation fault"},
		{"expect=fail", timedOut, "", record.TimedOut, "timed out after 10m0s"},
		{"expect=fail match=x timeout=3s", timedOut, "x", record.TimedOut, "timed out after 3s"},
		{"expect=fail", broken, "", record.NotStarted, "one; two"},
		{"expect=fail", cancelled, "", record.Interrupted, "interrupted"},
		{"", exit(127), "", record.NotStarted, "exit 127: a command could not be started"},
		{"", exit(143), "", record.Killed, "exit 143: a command was killed by signal: terminated"},
		{"", timedOut, "", record.TimedOut, "timed out after 10m0s"},

		// A timeout that is wanted.
		{"expect=fail match-timeout", timedOut, "", record.Held, ""},
		{"expect=fail match-timeout", exit(1), "", record.Held, ""},
		{"expect=fail match-timeout", exit(0), "", record.NotHeld, "passed, but was expected to fail"},
		{"expect=fail match-timeout match=waiting", timedOut, "waiting\n", record.Held, ""},
		{"expect=fail match-timeout match=waiting", timedOut, "", record.WrongReason, `the output does not match "waiting"`},
		{"expect=fail match-timeout", killed, "", record.Killed, "killed by signal: segmentation fault"},

		// An exact code.
		{"exit=3", exit(3), "", record.Held, ""},
		{"exit=3", exit(0), "", record.NotHeld, "exit 0, want 3"},
		{"exit=0", exit(1), "", record.NotHeld, "exit 1, want 0"},
		{"exit=127", exit(127), "", record.Held, ""},
		{"exit=130", exit(130), "", record.Held, ""},
		{"exit=1", exit(127), "", record.NotStarted, "exit 127: a command could not be started"},
		{"exit=1", killed, "", record.Killed, "killed by signal: segmentation fault"},
		{"exit=3 match=x", exit(3), "y", record.NotHeld, `the output does not match "x"`},

		// The output.
		{`match="upd.te lost"`, exit(0), "an update lost\n", record.Held, ""},
		{"match=x", exit(0), "y", record.NotHeld, `the output does not match "x"`},
		{"match=x", exit(1), "x", record.NotHeld, "exit 1"},
		{"nomatch=x", exit(0), "y", record.Held, ""},
		{"nomatch=x", exit(0), "x", record.NotHeld, `the output matches "x", but must not`},
		{"match=a nomatch=b", exit(0), "ab", record.NotHeld, `the output matches "b", but must not`},
		{"expect=fail match=x", exit(1), "x", record.Held, ""},
		{"expect=fail match=x", exit(1), "y", record.WrongReason, `the output does not match "x"`},
		{"expect=fail nomatch=x", exit(1), "x", record.WrongReason, `the output matches "x", but must not`},

		// What test runners say.
		{"", exit(0), "ok  \tm/a\t(cached)\n", record.NoTest, "go test tested nothing: ok  \tm/a\t(cached)"},
		{"exit=0 match=ok", exit(0), "ok  \tm/a\t(cached)\n", record.NoTest, "go test tested nothing: ok  \tm/a\t(cached)"},
		{"expect=fail", exit(0), "ok  \tm\t0.1s [no tests to run]\n", record.NoTest, "go test tested nothing: ok  \tm\t0.1s [no tests to run]"},
		{"expect=fail", exit(5), "=== 4 deselected in 0.01s ===\n", record.NoTest, "pytest tested nothing: === 4 deselected in 0.01s ==="},
		{"expect=fail", exit(1), "FAIL\tm/a [build failed]\n", record.NotStarted, "could not build: FAIL\tm/a [build failed]"},
		{"exit=1", exit(1), "FAIL\tm/a [build failed]\r\n", record.NotStarted, "could not build: FAIL\tm/a [build failed]"},
		{"", exit(1), "FAIL\tm/a [setup failed]\n", record.NotStarted, "could not build: FAIL\tm/a [setup failed]"},
		{"expect=fail match=undefined", exit(1), "x.go:1: undefined: y\nFAIL\tm/a [build failed]\n", record.Held, ""},
		{"expect=fail match=lost", exit(1), "x.go:1: undefined: y\nFAIL\tm/a [build failed]\n",
			record.NotStarted, "could not build: FAIL\tm/a [build failed]"},
		{"expect=fail match=lost", exit(1), "ok  \tm/a\t(cached)\nupdate lost\n", record.Held, ""},
		{"expect=fail", exit(1), "ok  \tm/a\t(cached)\n--- FAIL: TestB (0.00s)\nFAIL\nFAIL\tm/b\t0.1s\n", record.Held, ""},

		// Each runner speaks for itself.
		{"", exit(0), "20 passed in 0.31s\n1 skipped in 0.01s\n", record.NoTest, "pytest tested nothing: 1 skipped in 0.01s"},
		{"", exit(1), "1 failed in 0.31s\n1 skipped in 0.01s\n", record.NotHeld, "exit 1"},
		{"", exit(0), "--- FAIL: TestB (0.00s)\nFAIL\nFAIL\tm/b\t0.1s\nFAIL\n",
			record.NotHeld, "go test: a test failed, but the command ended with 0: m/b.TestB"},
		{"", exit(0), "FAIL\tm/a [build failed]\nFAIL\n",
			record.NotHeld, "could not build, but the command ended with 0: FAIL\tm/a [build failed]"},
		{"exit=1", exit(1), "--- FAIL: TestB (0.00s)\nFAIL\nFAIL\tm/b\t0.1s\nFAIL\n", record.Held, ""},
		{"", exit(0), "1 passed, 1 rerun in 0.01s\n", record.NotHeld, "pytest: a test failed, and was run again"},
		{"", exit(0), "t.py::test_a RERUN [100%]\nt.py::test_a PASSED [100%]\n== 1 passed, 1 rerun in 0.01s ==\n",
			record.NotHeld, "pytest: a test failed, and was run again: t.py::test_a"},
		{"", exit(0), "x   [100%]\n1 xfailed in 0.01s\n", record.NoTest, "pytest tested nothing: 1 xfailed in 0.01s"},
		{"", exit(0), "t.py::test_s SKIPPED (later) [ 50%]\nt.py::test_a PASSED [100%]\n== 1 passed, 1 skipped in 0.01s ==\n",
			record.Held, "pytest: 1 skipped: t.py::test_s"},
		{"", exit(0), "running 1 test\nrunning 1 test\n", record.Held, ""},
		{"", exit(0), "     Running unittests src/lib.rs (target/debug/deps/x-1)\n\nrunning 1 test\n",
			record.NotHeld, "cargo test ended in the middle, with exit 0"},

		// A failure that is expected is that of a test.
		{"expect=fail", exit(1), "1 passed in 0.01s\n", record.WrongReason, "the command failed, but no test did (pytest: 1 passed)"},
		{"expect=fail match=lost", exit(1), "1 passed in 0.01s\nlost\n", record.Held, ""},
		{"expect=fail", exit(1), "1 passed in 0.01s\n1 failed in 0.01s\n", record.Held, ""},
		{"expect=fail", exit(2), "ERROR t.py\n!!! Interrupted: 1 error during collection !!!\n1 error in 0.09s\n",
			record.NotStarted, "could not build: !!! Interrupted: 1 error during collection !!!"},
		{"expect=fail", exit(1), "     Running unittests src/lib.rs (target/debug/deps/x-1)\n\nrunning 1 test\n", record.Held, ""},
		{"exit=3", exit(3), "1 passed in 0.01s\n", record.Held, ""},

		// What a script or a test prints is not a summary.
		{"", exit(0), "not ok 1 - a\n", record.Held, ""},
		{"", exit(0), "--- FAIL: TestB (0.00s)\n", record.Held, ""},
		{"", exit(0), "running 0 tests\nTests: 3 failed\n1 failed\nFAIL\nFAILED (failures=1)\n", record.Held, ""},
		{"", exit(0), "error: could not compile `x` (lib) due to 1 previous error\n", record.Held, ""},
		{"", exit(0), "=== RUN   TestA\n1 failed in 0.01s\n--- PASS: TestA (0.00s)\nPASS\nok  \tm\t0.1s\n", record.Held, ""},
		{"", exit(0), "== test session starts ==\n1..2\nnot ok 1\nok 2\n== 1 passed in 0.01s ==\n", record.Held, ""},
	} {
		t.Run(fmt.Sprintf("%s/%d/%s", tt.attributes, tt.result.Exit, tt.want), func(t *testing.T) {
			t.Parallel()
			c := checkOf(t, tt.attributes, "true")
			j := Judge{testlog.NewReaders()}
			got, why := j.Outcome(c, observe(c, tt.result, tt.output))
			if got != tt.want || why != tt.why {
				t.Errorf("got %s (%q), want %s (%q)", got, why, tt.want, tt.why)
			}
		})
	}
}

func TestOutcomeMet(t *testing.T) {
	t.Parallel()
	for _, o := range []record.Outcome{
		record.NotHeld, record.WrongReason, record.NoTest, record.NotStarted, record.Killed, record.TimedOut,
		record.Interrupted, record.Unattested, "",
	} {
		if o.Met() {
			t.Errorf("%q ticks a box", o)
		}
	}
	if !record.Held.Met() || !record.Attested.Met() {
		t.Error("held or attested does not tick a box")
	}
}
