package testlog

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readGo reads an output, and returns what was written to rest.
func readGo(t *testing.T, pieces ...string) (*Verbose, string) {
	t.Helper()
	var rest bytes.Buffer
	v := NewVerbose(VerboseEvent(), &rest)
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

// The outputs are those of go 1.26.
func TestVerbose(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", longLine)
	for _, tt := range []struct {
		name, output              string
		failures, passed, skipped string // names
		rest                      string
	}{
		{"passed", "=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\nok  \tm/a\t0.003s\n", "", "TestA", "", "PASS\nok  \tm/a\t0.003s\n"},
		{"failed", "=== RUN   TestA\n    a_test.go:3: lost\n--- FAIL: TestA (12.50s)\nFAIL\n",
			"TestA", "", "", "    a_test.go:3: lost\n--- FAIL: TestA (12.50s)\nFAIL\n"},
		{"failed, without -v", "--- FAIL: TestA (0.00s)\nFAIL\tm/a\t0.003s\n", "TestA", "", "", "--- FAIL: TestA (0.00s)\nFAIL\tm/a\t0.003s\n"},
		{"skipped", "=== RUN   TestA\n    a_test.go:3: no\n--- SKIP: TestA (0.00s)\n", "", "", "TestA", "    a_test.go:3: no\n"},
		{"subtests", "=== RUN   TestA\n=== RUN   TestA/x_y\n=== NAME  TestA\n    a.go:1: z\n--- FAIL: TestA (0.00s)\n" +
			"    --- FAIL: TestA/x_y (0.00s)\n    --- SKIP: TestA/z (0.00s)\n",
			"TestA TestA/x_y", "", "TestA/z", "    a.go:1: z\n--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/x_y (0.00s)\n"},
		{"no newline", "=== RUN   TestA\nfoo--- PASS: TestA (0.00s)\n", "", "TestA", "", "foo"},
		{"died", "=== RUN   TestA\n=== PAUSE TestA\n=== RUN   TestB\n=== CONT  TestC\nfatal error: all goroutines are asleep\nFAIL\tm/a\t0.1s\n",
			"TestB TestC", "", "", "fatal error: all goroutines are asleep\nFAIL\tm/a\t0.1s\n"},
		{"cut short", "=== RUN   TestA", "TestA", "", "", ""},
		{"crlf", "=== RUN   TestA\r\n--- PASS: TestA (0.00s)\r\n", "", "TestA", "", ""},
		{"long line", long + "y\n=== RUN   TestA\n", "TestA", "", "", long + "y\n"},
		{"two packages", "--- PASS: TestA (0.00s)\nok  \tm/a\t0.1s\n--- SKIP: TestA (0.00s)\nok  \tm/b\t0.1s\n",
			"", "TestA", "TestA", "ok  \tm/a\t0.1s\nok  \tm/b\t0.1s\n"},
		{"prose", "=== RUN and go\n--- PASS: all of them\n=== FAIL: x\n", "", "", "", "=== RUN and go\n--- PASS: all of them\n=== FAIL: x\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			names := func(set map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(set)), " ") }
			v, rest := readGo(t, tt.output)
			got := []string{strings.Join(v.Failures(), " "), names(v.Passed), names(v.Skipped), rest}
			want := []string{tt.failures, tt.passed, tt.skipped, tt.rest}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("failures, passed, skipped, rest (-want +got):\n%s", diff)
			}
			v, rest = readGo(t, strings.Split(tt.output, "")...)
			got = []string{strings.Join(v.Failures(), " "), names(v.Passed), names(v.Skipped), rest}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("by the byte (-want +got):\n%s", diff)
			}
		})
	}
}
