package testlog

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkListener reads an output of ten thousand lines, as a long test run prints it.
func BenchmarkListener(b *testing.B) {
	var output strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&output, "2026-01-02T03:04:05Z INFO request %d of the server took 12 ms (status 200)\n", i)
	}
	readers := NewReaders()
	b.SetBytes(int64(output.Len()))
	for b.Loop() {
		if reports, _ := readers.Reports(output.String()); len(reports) > 0 {
			b.Fatal(reports)
		}
	}
}
