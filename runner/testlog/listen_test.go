package testlog

import (
	"strings"
	"testing"
)

// TestReports reads what no one runner prints by itself: several runners, a test that prints
// what a runner prints, and words that only look alike.
func TestReports(t *testing.T) {
	t.Parallel()
	const (
		goFails  = "=== RUN   TestA\n%s--- FAIL: TestA (0.00s)\nFAIL\nFAIL\tm\t0.1s\nFAIL\n"
		goPasses = "=== RUN   TestA\n%s--- PASS: TestA (0.00s)\nPASS\nok  \tm\t0.1s\n"
		session  = "=== test session starts ===\n%s=== 1 passed in 0.01s ===\n"
	)
	inside := func(outer, text string) string { return strings.Replace(outer, "%s", text, 1) }
	for _, tt := range []struct {
		name, output, want string
	}{
		{"nothing", "", ""},
		{"two of one kind", "20 passed in 0.31s\n1 skipped in 0.01s\n",
			"pytest: 20 passed\npytest: 1 skipped; nothing ran: \"1 skipped in 0.01s\"\n"},
		{"two kinds", "ok  \tm/a\t0.1s\n  2 passing (3ms)\n  1 failing\n", "go test: 1 passed\nmocha: 2 passed; 1 failed\n"},
		{"go packages are one", "?   \tm/none\t[no test files]\nok  \tm/a\t0.1s\nok  \tm/b\t0.1s [no tests to run]\n", "go test: 1 passed\n"},
		{"a go package again", "ok  \tm/a\t0.1s\nok  \tm/a\t0.1s [no tests to run]\n",
			"go test: 1 passed\ngo test: nothing ran: \"ok  \\tm/a\\t0.1s [no tests to run]\"\n"},
		{"go, another, go", "ok  \tm/a\t0.1s\n1 passed in 0.01s\nok  \tm/b\t(cached)\n",
			"go test: 1 passed\npytest: 1 passed\ngo test: nothing ran: \"ok  \\tm/b\\t(cached)\"\n"},
		{"cargo twice", "    Finished `test` profile target(s) in 0.1s\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured;\n" +
			"    Finished `test` profile target(s) in 0.1s\ntest result: ok. 0 passed; 0 failed; 1 ignored; 0 measured;\n",
			"cargo test: 1 passed\ncargo test: 1 skipped; nothing ran: \"test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured;\"\n"},

		{"pytest in a go test", inside(goPasses, "1 failed in 0.01s\n"), "go test: 1 passed (m.TestA)\n"},
		{"go test in a go test", inside(goPasses, "    --- FAIL: TestB (0.00s)\n"), "go test: 1 passed (m.TestA)\n"},
		{"go test in pytest", inside(session, "--- FAIL: TestA (0.00s)\nFAIL\tm\t0.1s\n"), "pytest: 1 passed\n"},
		{"pytest in pytest", inside(session, inside(session, "")), "pytest: 1 passed\n"},
		{"TAP in pytest", inside(session, "1..2\nok 1\nnot ok 2\n"), "pytest: 1 passed\n"},
		{"a runner that died, then another", "=== test session starts ===\n=== RUN   TestA\n--- PASS: TestA (0.00s)\nok  \tm\t0.1s\n",
			"pytest, no summary, died\ngo test: 1 passed (m.TestA)\n"},
		{"a crash in a go test", "=== RUN   TestA\nfatal error: all goroutines are asleep\nFAIL\tm\t0.1s\n", "go test: 1 failed (m.TestA)\n"},
		{"a real failure, and a test that prints a pass", inside(goFails, "1 passed in 0.01s\n"), "go test: 1 failed (m.TestA)\n"},

		{"TAP 14", "TAP version 14\n1..2\n    # Subtest: inner\n    ok 1 - a # SKIP no\n    1..1\nok 1 - outer\nnot ok 2 - b # TODO later\n",
			"TAP: 2 skipped (outer > a, outer); 1 expected failure (b); nothing ran: \"1..2\"\n"},
		{"TAP, cut short", "1..3\nok 1 - a\n", "TAP, no summary, died: 1 passed (a)\n"},
		{"TAP, plan at the end", "ok 1 - a\nnot ok 2 - b\n1..2\n", "TAP: 1 passed (a); 1 failed (b)\n"},
		{"TAP, given up", "1..3\nok 1 - a\nBail out! no database\n", "TAP: 1 passed (a); 1 failed\n"},
		{"flaky", "test_a failed (1 runs remaining out of 2).\n1 passed in 0.01s\n", "pytest: 1 passed; 1 rerun (test_a)\n"},

		{"no summary", "not ok 1 - a\n--- FAIL: TestA (0.00s)\n[  FAILED  ] A.B (0 ms)\n  1 failing\n✖ a (1ms)\n",
			"go test, no summary: 1 failed (TestA)\n"},
		{"in words", "1 failed\nTests: 3 failed\nRan 3 tests\n3 of 4 tests failed in 2.1s\nFAIL\nPASS\nDONE 3 things in 0.1s\n1..3\n", ""},
		{"a range, then words", "1..3\nok then\nnot ok at all\n", ""},
		{"a tester of somebody's own", "running 3 tests\n3 tests, 1 failures\n2 tests, 1 failure\n5 examples, 1 failure\nTests: 1 failed, 3 total\n", ""},
		{"cargo with another harness", "     Running tests/my.rs (target/debug/deps/my-1)\nall scenarios are fine\n", ""},
		{"JSON of somebody's own", "{\"action\":\"start\",\"package\":\"x\"}\n{\"Package\":\"x\",\"Level\":\"info\"}\n", ""},
		{"only a version", "PHPUnit 9.6.7 by Sebastian Bergmann and contributors.\n", ""},
		{"quoted", "> 1 failed in 0.01s\n  1 failed in 0.01s\n\"1..0\"\n# FAIL\tm\t0.1s\n", ""},
		{"unicode and escapes", "\x1b[1m\x1b[31m1 failed\x1b[0m, 1 passed in 0.01s\x1b[0m\r\n", "pytest: 1 passed; 1 failed\n"},
		{"written over", "running 1 of 2\r1 failed in 0.01s\n", "pytest: 1 failed\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := describeAll(t, tt.output); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestListenerInPieces(t *testing.T) {
	t.Parallel()
	l := NewReaders().Listen()
	output := strings.Repeat("x", 3*longLine) + "\n" + strings.Repeat(".", 200) + "\n1 failed in 0.01s"
	for piece := range strings.SplitSeq(output, "") {
		if n, err := l.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("wrote %d of %d bytes, error %v", n, len(piece), err)
		}
	}
	if got := l.Reports(); len(got) != 1 || describe(got[0]) != "pytest: 1 failed" {
		t.Errorf("got %v", got)
	}
}

// FuzzReports says what holds for any output: there are no counts below zero, no named result
// is lost, and pieces do not matter.
func FuzzReports(f *testing.F) {
	for _, seed := range []string{
		"1..2\nok 1\n", "=== RUN   A\n--- PASS: A (0.00s)\nok  \tm\t0.1s\n", "Ran 1 test in 0.000s\n\nFAILED (failures=2)\n",
		"{\"Action\":\"pass\",\"Package\":\"m\",\"Test\":\"A\"}\n", "Tests: 1, Assertions: 1, Failures: 3.\n",
		"0% tests passed, 3 tests failed out of 2\n\t 1 - a (Skipped)\n", "DONE 2 runs, 1 tests, 3 failures in 0.1s\n",
	} {
		f.Add(seed)
	}
	readers := NewReaders()
	f.Fuzz(func(t *testing.T, output string) {
		whole, _ := readers.Reports(output)
		l := readers.Listen()
		for i := range len(output) {
			_, _ = l.Write([]byte(output[i : i+1]))
		}
		pieces := l.Reports()
		if len(whole) != len(pieces) {
			t.Fatalf("%d reports, in pieces %d", len(whole), len(pieces))
		}
		for i, r := range whole {
			if describe(r) != describe(pieces[i]) {
				t.Errorf("got %s, in pieces %s", describe(r), describe(pieces[i]))
			}
			for result, n := range r.Counts {
				if n < 0 || result != Passed && n < len(r.Names(result)) {
					t.Errorf("%d %s, of which %d have names", n, result, len(r.Names(result)))
				}
			}
		}
	})
}
