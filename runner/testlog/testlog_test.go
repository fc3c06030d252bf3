package testlog

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// describe returns a report in one line.
func describe(r RunnerReport) string {
	var b strings.Builder
	b.WriteString(r.Runner)
	if !r.Ended {
		b.WriteString(", no summary")
	}
	if r.Died {
		b.WriteString(", died")
	}
	if len(r.Running) > 0 {
		fmt.Fprintf(&b, ", running %s", strings.Join(r.Running, ", "))
	}
	sep := ": "
	for _, result := range []Result{Passed, Failed, Skipped, ExpectedFailure, Rerun} {
		if n := r.Counts[result]; n > 0 {
			fmt.Fprintf(&b, "%s%d %s", sep, n, result)
			if names := r.Names(result); len(names) > 0 {
				fmt.Fprintf(&b, " (%s)", strings.Join(names, ", "))
			}
			sep = "; "
		}
	}
	if r.Broken != "" {
		fmt.Fprintf(&b, "%sbroken: %q", sep, r.Broken)
	} else if r.Counts[Passed]+r.Counts[Failed] == 0 && r.Line != "" {
		fmt.Fprintf(&b, "%snothing ran: %q", sep, r.Line)
	}
	return b.String()
}

func describeAll(t *testing.T, output string) string {
	t.Helper()
	reports, err := NewReaders().Reports(output)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range reports {
		b.WriteString(describe(r) + "\n")
	}
	return b.String()
}

// TestRunners reads what each runner printed, a file of testdata for each. A case is a file of
// that archive, and the reports that are wanted are in the next one, NAME.want.
func TestRunners(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i+1 < len(archive.Files); i += 2 {
				output, want := archive.Files[i], archive.Files[i+1]
				if want.Name != output.Name+".want" {
					t.Fatalf("%s is followed by %s", output.Name, want.Name)
				}
				t.Run(output.Name, func(t *testing.T) {
					t.Parallel()
					if diff := cmp.Diff(string(want.Data), describeAll(t, string(output.Data))); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				})
			}
		})
	}
}
