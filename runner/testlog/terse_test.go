package testlog

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// terse reads an output, and returns what was written to rest.
func terse(t *testing.T, pieces ...string) string {
	t.Helper()
	var rest bytes.Buffer
	w := NewTerse(VerboseEvent(), &rest)
	for _, piece := range pieces {
		if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("wrote %d of %d bytes, error %v", n, len(piece), err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return rest.String()
}

// The outputs are those of go 1.26.
func TestTerse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", longLine)
	for _, tt := range []struct {
		name, output, rest string
	}{
		{"passed", "=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\nok  \tm/a\t0.003s\n", "PASS\nok  \tm/a\t0.003s\n"},
		{"failed", "=== RUN   TestA\n    a_test.go:3: lost\n--- FAIL: TestA (12.50s)\nFAIL\n",
			"    a_test.go:3: lost\n--- FAIL: TestA (12.50s)\nFAIL\n"},
		{"failed, without -v", "--- FAIL: TestA (0.00s)\nFAIL\tm/a\t0.003s\n", "--- FAIL: TestA (0.00s)\nFAIL\tm/a\t0.003s\n"},
		{"skipped", "=== RUN   TestA\n    a_test.go:3: no\n--- SKIP: TestA (0.00s)\n", "    a_test.go:3: no\n"},
		{"subtests", "=== RUN   TestA\n=== RUN   TestA/x_y\n=== NAME  TestA\n    a.go:1: z\n--- FAIL: TestA (0.00s)\n" +
			"    --- FAIL: TestA/x_y (0.00s)\n    --- SKIP: TestA/z (0.00s)\n",
			"    a.go:1: z\n--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/x_y (0.00s)\n"},
		{"no newline", "=== RUN   TestA\nfoo--- PASS: TestA (0.00s)\n", "foo"},
		{"died", "=== RUN   TestA\n=== PAUSE TestA\n=== RUN   TestB\n=== CONT  TestC\nfatal error: all goroutines are asleep\nFAIL\tm/a\t0.1s\n",
			"fatal error: all goroutines are asleep\nFAIL\tm/a\t0.1s\n"},
		{"cut short", "=== RUN   TestA", ""},
		{"crlf", "=== RUN   TestA\r\n--- PASS: TestA (0.00s)\r\n", ""},
		{"long line", long + "y\n=== RUN   TestA\n", long + "y\n"},
		{"two packages", "--- PASS: TestA (0.00s)\nok  \tm/a\t0.1s\n--- SKIP: TestA (0.00s)\nok  \tm/b\t0.1s\n",
			"ok  \tm/a\t0.1s\nok  \tm/b\t0.1s\n"},
		{"prose", "=== RUN and go\n--- PASS: all of them\n=== FAIL: x\n", "=== RUN and go\n--- PASS: all of them\n=== FAIL: x\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.rest, terse(t, tt.output)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.rest, terse(t, strings.Split(tt.output, "")...)); diff != "" {
				t.Errorf("by the byte (-want +got):\n%s", diff)
			}
		})
	}
}
