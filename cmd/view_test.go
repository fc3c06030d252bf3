package cmd

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"chant/runner/record"
)

// events are the events of a run with a criterion of each kind.
func events() []record.Event {
	return []record.Event{
		record.RunStarted{Spec: "002", Title: "Reproduce \x1b[2J", Criteria: 3},
		record.CheckStarted{Spec: "002", Criterion: 1, Text: "Holds", Command: "one\ntwo\r\n", Runs: 20, Started: fixedTime()},
		record.CheckProgress{Spec: "002", Criterion: 1, Done: 7, Runs: 20, Held: 7},
		record.CriterionDone{Spec: "002", Result: record.Result{
			Number: 1, Text: "Holds", Outcome: record.Held,
			Check: &record.CheckResult{Planned: 20, Runs: 20, HeldRuns: 20, ExpectFail: true, DurationMS: 1540, Output: "unseen\n"},
		}},
		record.CheckStarted{Spec: "002", Criterion: 2, Text: "Fails", Command: "false", Runs: 1, Started: fixedTime()},
		record.CriterionDone{Spec: "002", Result: record.Result{
			Number: 2, Text: "Fails", Outcome: record.NotHeld, Reason: "exit 1",
			Check: &record.CheckResult{Planned: 1, Runs: 1, Output: "a\r\n\x1b]0;t\x07b\n\n"},
		}},
		record.CriterionDone{Spec: "002", Result: record.Result{Number: 3, Text: "Seen", Manual: true, Outcome: record.Unattested}},
		record.CriterionDone{Spec: "002", Result: record.Result{Number: 4, Text: "Vouched", Manual: true, Outcome: record.Attested}},
		record.CriterionDone{Spec: "002", Result: record.Result{
			Number: 5, Text: "Elsewhere", Outcome: record.NotStarted, Reason: "no tree",
			Check: &record.CheckResult{Planned: 1, Outcome: record.NotStarted},
		}},
		record.Notice{Spec: "002", Text: "changed outside"},
	}
}

const wantView = `run 002 Reproduce ^[[2J
  ✓ 1. Holds — failed as expected 20/20, 1.5s
  ✗ 2. Fails — passed 0/1, 0.0s: exit 1
      | a
      | ^[]0;t^Gb
  ○ 3. Seen — waiting for an attestation
  ✓ 4. Vouched — attested
  ✗ 5. Elsewhere — no tree
  ! changed outside
`

func TestViewOffTerminal(t *testing.T) {
	t.Parallel()
	for verbose, want := range map[bool]string{
		false: wantView,
		true: strings.NewReplacer(
			"^[[2J\n", "^[[2J\n    $ one\n    $ two\n", "1.5s\n", "1.5s\n    $ false\n").Replace(wantView),
	} {
		var b strings.Builder
		v := (&App{Now: fixedTime}).newView(newScreen(&b, nil), "run", verbose)
		for _, e := range events() {
			v.event(e)
		}
		if err := v.close(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("verbose %v (-want +got):\n%s", verbose, diff)
		}
	}
}

// terminal returns what a terminal shows after it has received a text: of each
// line the last version.
func terminal(sent string) (lines []string, live string) {
	all := strings.Split(sent, "\n")
	for i, line := range all {
		shown := strings.Split(line, clearLine)
		all[i] = ansi.Strip(shown[len(shown)-1])
	}
	return all[:len(all)-1], all[len(all)-1]
}

func TestViewOnTerminal(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	s := newScreen(&b, colours())
	s.width = 30
	// Not from newView: the test draws by itself, and no clock does.
	v := &view{verb: "run", s: s, stop: make(chan struct{}), now: func() time.Time { return fixedTime().Add(1500 * time.Millisecond) }}
	for i, want := range []string{
		"", "  ▶ 1. Holds 0/20, 1.5s", "  ▶ 1. Holds 7/20, 1.5s", "", "  ▶ 2. Fails 1.5s", "", "", "", "", "",
	} {
		v.event(events()[i])
		if _, live := terminal(b.String()); live != want {
			t.Errorf("after event %d the live line is %q, want %q", i, live, want)
		}
	}
	if err := v.close(); err != nil {
		t.Fatal(err)
	}
	lines, live := terminal(b.String())
	if diff := cmp.Diff(strings.Split(strings.TrimSuffix(wantView, "\n"), "\n"), lines); diff != "" || live != "" {
		t.Errorf("lines (-want +got), live %q:\n%s", live, diff)
	}
}

func TestLiveLineFits(t *testing.T) {
	t.Parallel()
	for width := 1; width < 60; width++ {
		var b strings.Builder
		s := newScreen(&b, colours())
		s.width = width
		v := &view{s: s, now: fixedTime}
		v.event(record.CheckStarted{Criterion: 12, Text: "世界 a long criterion \x1b[2J", Runs: 100, Started: fixedTime()})
		if _, live := terminal(b.String()); ansi.StringWidth(live) > width || strings.Contains(live, "\n") {
			t.Errorf("%q is wider than %d", live, width)
		}
	}
}

func TestShowOutputKeepsTheEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ output, want string }{
		{"", ""},
		{"\n\n", ""},
		{"a\n\nb\n", "      | a\n      |\n      | b\n"},
		{"1\n2\n3\n4\n5", "      | … 2 lines before\n      | 3\n      | 4\n      | 5\n"},
		{"1\n[… 9 bytes left out …]\n2\n3\n4\n", "      | … more before\n      | 2\n      | 3\n      | 4\n"},
		{"1\n2\n3\n4\n", "      | … 1 line before\n      | 2\n      | 3\n      | 4\n"},
	} {
		var b strings.Builder
		showOutput(newScreen(&b, nil), tt.output, 3)
		if b.String() != tt.want {
			t.Errorf("%q: got %q, want %q", tt.output, b.String(), tt.want)
		}
	}
}
