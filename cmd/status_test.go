package cmd

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/record"
	"chant/spec"
)

func TestShowBoard(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	showBoard(newScreen(&b, nil), boardRows(board(t)))
	if diff := cmp.Diff(wantBoard, b.String()); diff != "" {
		t.Errorf("board (-want +got):\n%s", diff)
	}
}

const wantBoard = `✓  001  completed  ■□  1/2  2026-01-01T00:00:00Z
✗  002  failed     ■□  1/2  criterion 2: Two: exit 1
·  003  blocked        0/0  waiting for 002 (failed)
✗  004  invalid        0/0  spec 004: .chant/specs/004.md:2:1: invalid YAML: did not find expected node content
▶  005  running        0/0  process 7 on here since 2026-01-02T03:04:05Z
·  006  paused         0/0

6 specs, 1 completed, 1 running, 1 failed, 1 blocked, 1 paused, 1 invalid
`

func TestStatusRowJSON(t *testing.T) {
	t.Parallel()
	rows := boardRows(board(t))
	var b strings.Builder
	if err := writeJSON(&b, rows[1]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantRow, b.String()); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

const wantRow = `{
  "id": "002",
  "title": "Reproduce",
  "type": "code",
  "phase": "reproduction",
  "status": "pending",
  "state": "failed",
  "blocked_by": [],
  "reasons": [],
  "depends_on": [
    "001"
  ],
  "target_files": [
    "a/**"
  ],
  "criteria": {
    "total": 2,
    "ticked": 1,
    "manual": 1
  },
  "path": ".chant/specs/002.md",
  "archived": false,
  "completed_at": null,
  "commits": [],
  "error": "",
  "approval": null,
  "skipped": null,
  "running": null,
  "last_run": {
    "id": "r1",
    "started": "2026-01-02T03:04:05Z",
    "verdict": "failed",
    "reason": "",
    "missed": [
      {
        "number": 2,
        "text": "Two",
        "outcome": "not_held",
        "reason": "exit 1"
      }
    ]
  },
  "interrupted": null,
  "left": null,
  "unrecorded": false
}
`

// No list in the JSON is null.
func TestRowsHoldNoNullLists(t *testing.T) {
	t.Parallel()
	for _, row := range boardRows(board(t)) {
		text, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"blocked_by", "reasons", "depends_on", "target_files", "commits"} {
			if _, ok := fields[name].([]any); !ok {
				t.Errorf("%s of %s is %v", name, row.ID, fields[name])
			}
		}
	}
}

func TestLastWords(t *testing.T) {
	t.Parallel()
	for want, last := range map[string]*lastRun{
		"Title": nil,
		"waiting for a person to attest criterion 2: Seen (chant attest 002 2 -m NOTE)": {Verdict: record.Waiting,
			Missed: []missed{{2, "Seen", record.Unattested, ""}}},
		"criterion 1: Works: exit 1": {Verdict: record.Failed,
			Missed: []missed{{1, "Works", record.NotHeld, "exit 1"}, {2, "Seen", record.Unattested, ""}}},
		"criterion 1: Works: no test ran": {Verdict: record.Failed, Missed: []missed{{1, "Works", record.NoTest, ""}}},
		"the last run was interrupted":    {Verdict: record.Stopped},
		"disk full":                       {Verdict: record.Broken, Reason: "disk full"},
	} {
		row := statusRow{specJSON: specJSON{ID: "002", Title: "Title"}, LastRun: last}
		if got := lastRunText(row); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	held := statusRow{specJSON: specJSON{Title: "Title"}, LastRun: &lastRun{Verdict: record.AllHeld}}
	if got := lastRunText(held); got != "Title" {
		t.Errorf("after a run that held: %q", got)
	}
}

func TestGauge(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]criteriaJSON{
		"":           {},
		"□":          {Total: 1},
		"■■□":        {Total: 3, Ticked: 2},
		"■■■■■■■■■□": {Total: 400, Ticked: 399},
		"■■■■■■■■■■": {Total: 400, Ticked: 400},
	} {
		if got := gauge(c); got != want {
			t.Errorf("%+v: got %q, want %q", c, got, want)
		}
	}
}

// Every state has a word in the tally, so that the counts add up.
func TestTallyAddsUp(t *testing.T) {
	t.Parallel()
	states := []spec.State{
		spec.StateReady, spec.StateBlocked, spec.StateRunning, spec.StateFailed, spec.StateCompleted,
		spec.StateCancelled, spec.StatePaused, spec.StateNeedsAttention, spec.StateInvalid,
	}
	var rows []statusRow
	for _, s := range states {
		rows = append(rows, statusRow{specJSON: specJSON{State: s}})
	}
	got := tally(rows)
	for _, s := range states {
		if !strings.Contains(got, fmt.Sprintf("1 %s", strings.ReplaceAll(string(s), "_", " "))) {
			t.Errorf("%s is missing in %q", s, got)
		}
	}
	if !strings.HasPrefix(got, "9 specs, ") || tally(rows[:1]) != "1 spec, 1 ready" {
		t.Errorf("got %q and %q", got, tally(rows[:1]))
	}
}
