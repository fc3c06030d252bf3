package record

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/storage"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	h, err := OpenHistory(t.TempDir(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if last, err := h.Last(); err != nil || len(last) > 0 {
		t.Errorf("a new history has %v, error %v", last, err)
	}
	whole := Evidence{
		ID: "20260102T030405.000001Z-7", Spec: "002", Started: fixedTime(), DurationMS: 5, Commit: "c", Tree: "t", Dirty: []string{"a"},
		Digest: "d", Verdict: Failed, Reason: "r", Commits: []string{}, Outside: []string{"z"},
		Criteria: []Result{
			{Number: 1, Text: "A", Line: 9, Outcome: NotHeld, Reason: "exit 1", Check: &CheckResult{
				Lang: "sh", Command: "false\n", Outcome: NotHeld, Exits: []int{1},
			}},
			{Number: 2, Text: "B", Line: 12, Manual: true, Outcome: Unattested},
		},
	}
	for _, ev := range []Evidence{
		whole,
		{ID: "20251231T235959.999999Z-9", Spec: "002"},
		{ID: "20260102T030405.000000Z-8", Spec: "002"},
		{ID: "20260101T000000.000000Z-1", Spec: "002.1"},
		{ID: "20270101T000000.000000Z-1", Spec: "00"},
	} {
		if err := h.Add(ev); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := h.Runs("002")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"20251231T235959.999999Z-9", "20260102T030405.000000Z-8", "20260102T030405.000001Z-7"}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Errorf("runs, oldest first (-want +got):\n%s", diff)
	}
	last, err := h.Last()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole, last["002"]); diff != "" {
		t.Errorf("the newest run (-want +got):\n%s", diff)
	}
	if len(last) != 3 || last["002.1"].ID != "20260101T000000.000000Z-1" {
		t.Errorf("the newest of each is %v", last)
	}
	if _, err := h.Get("002", "nope"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a missing run: got error %v", err)
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]CheckResult{
		"failed as expected 20/20": {HeldRuns: 20, Planned: 20, ExpectFail: true},
		"passed 0/1":               {Planned: 1},
		"passed 3/4 (9 planned)":   {HeldRuns: 3, Runs: 4, Planned: 9},
	} {
		if got := c.Tally(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func fixedTime() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
