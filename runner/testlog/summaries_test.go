package testlog

import (
	"strings"
	"testing"
)

// The outputs are those of go 1.26, pytest 9.2, Python 3.11 and 3.12, cargo
// 1.95, node 20.20, jest 29 and vitest 3, cut to the lines that matter.
func TestSummaries(t *testing.T) {
	t.Parallel()
	const bar = "=============================="
	for _, tt := range []struct {
		name, output string
		want         string // the runner that tested nothing; "" where something was, or nobody spoke
	}{
		{"go plain", "ok  \tm/a\t0.004s\n", ""},
		{"go local", "PASS\nok  \tm/a\t0.004s\n", ""},
		{"go cover", "ok  \tm/a\t0.007s\tcoverage: 50.0% of statements\n", ""},
		{"go cover none", "ok  \tm/a\t0.007s\tcoverage: [no statements]\n?   \tm/none\t[no test files]\n", ""},
		{"go verbose", "=== RUN   TestA\n--- PASS: TestA (0.00s)\n    --- PASS: TestA/x (0.00s)\nPASS\nok  \tm/a\t0.003s\n", ""},
		{"go bench", "BenchmarkB-2   \t       1\t       400.0 ns/op\nPASS\nok  \tm/b\t0.013s\n", ""},
		{"go no match", "ok  \tm/a\t0.004s [no tests to run]\n", "go test"},
		{"go no match verbose", "testing: warning: no tests to run\nPASS\nok  \tm/a\t0.005s [no tests to run]\n", "go test"},
		{"go no match cover", "ok  \tm/a\t0.004s\tcoverage: [no statements] [no tests to run]\n", "go test"},
		{"go cached", "ok  \tm/a\t(cached)\n", "go test"},
		{"go cached cover", "ok  \tm/a\t(cached)\tcoverage: [no statements]\n", "go test"},
		{"go cached replay", "=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\nok  \tm/a\t(cached)\n", "go test"},
		{"go cached crlf", "ok  \tm/a\t(cached)\r\n", "go test"},
		{"go no files", "?   \tm/none\t[no test files]\n", "go test"},
		{"go skipped", "=== RUN   TestS\n    s_test.go:3: no\n--- SKIP: TestS (0.00s)\nPASS\nok  \tm/skip\t0.004s\n", "go test"},
		{"go some skipped", "--- PASS: TestA (0.00s)\n--- SKIP: TestS (0.00s)\nPASS\nok  \tm/skip\t0.004s\n", ""},
		{"go subtests skipped", "--- PASS: TestA (0.00s)\n    --- SKIP: TestA/x (0.00s)\nPASS\nok  \tm/a\t0.1s\n", ""},
		{"go passed without a newline, and skipped", "foo--- PASS: TestA (0.00s)\n--- SKIP: TestS (0.00s)\nPASS\nok  \tm/a\t0.1s\n", ""},
		{"go one cached, one run", "ok  \tm/a\t(cached)\nok  \tm/b\t0.1s\n", ""},
		{"go one skipped, one run", "--- SKIP: TestS (0.00s)\nPASS\nok  \tm/s\t0.1s\n--- PASS: TestA (0.00s)\nPASS\nok  \tm/a\t0.1s\n", ""},
		{"go one skipped, one replayed",
			"--- SKIP: TestS (0.00s)\nPASS\nok  \tm/s\t0.1s\n--- PASS: TestA (0.00s)\nPASS\nok  \tm/a\t(cached)\n", "go test"},
		{"go one replayed, one skipped",
			"--- PASS: TestA (0.00s)\nPASS\nok  \tm/a\t(cached)\n--- SKIP: TestS (0.00s)\nPASS\nok  \tm/s\t0.1s\n", "go test"},
		{"go binary", "--- PASS: TestA (0.00s)\nPASS\n", ""},
		{"go binary empty", "testing: warning: no tests to run\nPASS\n", "go test"},
		{"go binary skipped", "--- SKIP: TestS (0.00s)\nPASS\n", "go test"},
		{"go failed", "--- FAIL: TestF (0.00s)\nFAIL\nFAIL\tm/f\t0.003s\nok  \tm/a\t(cached)\nFAIL\n", ""},
		{"go panicked", "panic: boom\n\ngoroutine 1 [running]:\nFAIL\tm/f\t0.003s\nok  \tm/a\t(cached)\nFAIL\n", ""},
		{"go json is not read", `{"Action":"output","Package":"m/a","Output":"ok  \tm/a\t0.003s [no tests to run]\n"}` + "\n", ""},

		{"pytest", bar + " 1 passed in 0.02s " + bar + "\n", ""},
		{"pytest quiet", ".    [100%]\n1 passed in 0.02s\n", ""},
		{"pytest long", "3 passed, 1 skipped in 61.20s (0:01:01)\n", ""},
		{"pytest mixed", "=== 1 failed, 1 passed, 1 skipped, 1 xfailed in 0.03s ===\n", ""},
		{"pytest xfailed", "1 xfailed in 0.03s\n", "pytest"},
		{"pytest skipped", bar + " 1 skipped in 0.01s " + bar + "\n", "pytest"},
		{"pytest skipped quiet", "s    [100%]\n1 skipped, 2 warnings in 0.01s\n", "pytest"},
		{"pytest deselected", "=== 4 deselected in 0.01s ===\n", "pytest"},
		{"pytest none", "=== no tests ran in 0.00s ===\nERROR: file or directory not found: x\n", "pytest"},

		{"unittest", ".\n------\nRan 1 test in 0.000s\n\nOK\n", ""},
		{"unittest some skipped", "Ran 2 tests in 0.000s\n\nOK (skipped=1)\n", ""},
		{"unittest failed", "Ran 2 tests in 0.001s\n\nFAILED (failures=1, skipped=1)\n", ""},
		{"unittest expected failure", "Ran 2 tests in 0.000s\n\nOK (skipped=1, expected failures=1)\n", "unittest"},
		{"unittest skipped", "s\n------\nRan 1 test in 0.000s\n\nOK (skipped=1)\n", "unittest"},
		{"unittest class skipped", "Ran 0 tests in 0.000s\n\nOK (skipped=1)\n", "unittest"},
		{"unittest none", "Ran 0 tests in 0.000s\n\nOK\n", "unittest"},
		{"unittest none 3.12", "Ran 0 tests in 0.000s\n\nNO TESTS RAN\n", "unittest"},
		{"unittest skipped 3.12", "Ran 2 tests in 0.000s\n\nNO TESTS RAN (skipped=2)\n", "unittest"},

		{"cargo", "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.00s\n", ""},
		{"cargo failed", "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.61s\n", ""},
		{"cargo none",
			"running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.00s\n", "cargo test"},
		{"cargo ignored", "test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s\n", "cargo test"},
		{"cargo and doc tests", "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n" +
			"\n   Doc-tests rs\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n", ""},

		{"node tap", "1..4\n# tests 4\n# suites 0\n# pass 1\n# fail 0\n# cancelled 0\n# skipped 3\n# todo 0\n", ""},
		{"node spec", "ℹ tests 4\nℹ suites 0\nℹ pass 1\nℹ fail 0\n", ""},
		{"node failed", "# tests 1\n# suites 0\n# pass 0\n# fail 1\n", ""},
		{"node skipped", "# tests 1\n# suites 0\n# pass 0\n# fail 0\n# cancelled 0\n# skipped 1\n", "node --test"},
		{"node skipped spec", "ℹ tests 1\nℹ suites 0\nℹ pass 0\nℹ fail 0\nℹ skipped 1\n", "node --test"},
		{"node none", "1..0\n# tests 0\n# suites 0\n# pass 0\n# fail 0\n", "TAP"},

		{"jest", "Tests:       1 passed, 1 total\n", ""},
		{"jest mixed", "Tests:       1 failed, 2 skipped, 1 passed, 4 total\n", ""},
		{"jest failed", "Tests:       1 failed, 1 skipped, 2 total\n", ""},
		{"jest skipped", "Test Suites: 1 skipped, 0 of 1 total\nTests:       2 skipped, 1 todo, 3 total\n", "jest"},
		{"jest none", "No tests found, exiting with code 0\n", "jest"},
		{"vitest", " Test Files  1 passed (1)\n      Tests  1 passed | 1 skipped (2)\n", ""},
		{"vitest failed", "      Tests  1 failed | 1 skipped (2)\n", ""},
		{"vitest skipped", " Test Files  1 skipped (1)\n      Tests  1 skipped (1)\n", "vitest"},
		{"vitest none", "No test files found, exiting with code 0\n", "vitest"},

		{"silence", "", ""},
		{"cached in prose", "(cached)\nusing result (cached)\nok (cached)\n", ""},
		{"quoted go line", "it printed: ok  \tm/a\t(cached)\n", ""},
		{"skipped in prose", "12 skipped in 3s\nTests: 3 skipped\nTests skipped\n", ""},
		{"none in prose", "no tests ran\nNo tests found\nno test files\n[no tests to run]\n", ""},
		{"comments", "# pass 0 arguments\n#tests 0\n", ""},
		{"ran in prose", "Ran 0 tests in total\nRan 1 test\nOK (skipped=1)\n", ""},
		{"one runner idle, another not", "ok  \tm/a\t(cached)\n1 passed in 0.02s\n", "go test"},
		{"two runners idle", "1 skipped in 0.01s\nok  \tm/a\t(cached)\n", "pytest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reports, err := NewReaders().Reports(tt.output)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, r := range reports {
				if r.Ended && r.Counts[Passed]+r.Counts[Failed] == 0 && got == "" {
					got = r.Runner
					if r.Line == "" || strings.Contains(r.Line, "\n") {
						t.Errorf("%q does not show one line as the reason", r.Line)
					}
				}
			}
			if got != tt.want {
				t.Errorf("%q tested nothing, want %q: %v", got, tt.want, reports)
			}
		})
	}
}
