package prove

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/record"
)

// drive runs a schedule to its end, with the outcomes that run gives, and tells
// the order of the cells.
func drive(t *testing.T, s *schedule, run func(cell string, n int) record.Outcome) []string {
	t.Helper()
	var order []string
	for {
		cell, ok := s.next(nil)
		if !ok {
			return order
		}
		if len(order) > 10_000 {
			t.Fatal("the schedule does not end")
		}
		order = append(order, cell)
		s.tally(cell)[run(cell, s.tally(cell).all()+1)]++
	}
}

// always gives each cell one outcome.
func always(red, green, causal record.Outcome) func(string, int) record.Outcome {
	return func(cell string, _ int) record.Outcome {
		return map[string]record.Outcome{record.CellRed: red, record.CellGreen: green, record.CellCausal: causal}[cell]
	}
}

func TestScheduleVerdicts(t *testing.T) {
	t.Parallel()
	every := func(n int, red, otherwise record.Outcome) func(string, int) record.Outcome {
		return func(cell string, run int) record.Outcome {
			switch {
			case cell == record.CellGreen:
				return record.Held
			case run%n == 0:
				return red
			}
			return otherwise
		}
	}
	greenAt := func(runs map[int]record.Outcome) func(string, int) record.Outcome {
		return func(cell string, run int) record.Outcome {
			if outcome, ok := runs[run]; ok && cell == record.CellGreen {
				return outcome
			}
			return record.Held
		}
	}
	for _, tt := range []struct {
		name               string
		repeat, maxRuns    int
		shared             bool
		run                func(string, int) record.Outcome
		verdict            record.ProofVerdict
		red, green, causal tally
		needed             int
	}{
		{"certain", 1, 200, false, always(record.Held, record.Held, record.Held), record.Proven, tally{record.Held: 5}, tally{record.Held: 5}, tally{record.Held: 1}, 0},
		{"one tree", 20, 200, true, always(record.Held, record.Held, record.Held), record.Proven, tally{record.Held: 5}, tally{record.Held: 5}, tally{record.Held: 5}, 0},
		{"one of three", 10, 200, false, every(3, record.Held, record.NotHeld), record.Proven, tally{record.Held: 5, record.NotHeld: 10}, tally{record.Held: 20}, tally{record.Held: 1, record.NotHeld: 2}, 0},
		{"one of three, few runs", 10, 18, false, every(3, record.Held, record.NotHeld), record.Inconclusive, tally{record.Held: 5, record.NotHeld: 10}, tally{record.Held: 18}, tally{record.Held: 1, record.NotHeld: 2}, 2},
		{"one of fifty", 10, 120, true, every(50, record.Held, record.NotHeld), record.NotReproduced, tally{record.NotHeld: 10}, tally{record.Held: 5}, tally{record.NotHeld: 10}, 0},
		{"not fixed", 1, 200, false, always(record.Held, record.NotHeld, record.Held), record.NotFixed, tally{record.Held: 1}, tally{record.NotHeld: 1}, tally{}, 0},
		{"broken at head", 1, 200, false, always(record.Held, record.NotStarted, record.Held), record.Inconclusive, tally{record.Held: 3}, tally{record.NotStarted: 3}, tally{record.Held: 1}, 0},
		{"no test at head", 1, 200, true, always(record.Held, record.NoTest, record.Held), record.Inconclusive, tally{record.Held: 3}, tally{record.NoTest: 3}, tally{record.Held: 3}, 0},
		{"hangs at head", 1, 200, false, always(record.Held, record.TimedOut, record.Held), record.NotFixed, tally{record.Held: 1}, tally{record.TimedOut: 1}, tally{}, 0},
		{"killed twice", 1, 200, true, greenAt(map[int]record.Outcome{1: record.Killed, 4: record.Killed}), record.Proven, tally{record.Held: 5}, tally{record.Held: 5, record.Killed: 2}, tally{record.Held: 5}, 0},
		{"killed, then failed", 1, 200, true, greenAt(map[int]record.Outcome{1: record.Killed, 2: record.NotHeld}), record.NotFixed, tally{record.Held: 2}, tally{record.Killed: 1, record.NotHeld: 1}, tally{record.Held: 2}, 0},
		{"not reproduced", 1, 200, false, always(record.NotHeld, record.Held, record.NotHeld), record.NotReproduced, tally{record.NotHeld: 5}, tally{record.Held: 4}, tally{record.NotHeld: 4}, 0},
		{"no test at base", 1, 200, true, always(record.NoTest, record.Held, record.NoTest), record.NotReproduced, tally{record.NoTest: 3}, tally{record.Held: 2}, tally{record.NoTest: 3}, 0},
		{"wrong reason", 1, 200, true, always(record.WrongReason, record.Held, record.WrongReason), record.WrongCause, tally{record.WrongReason: 5}, tally{record.Held: 4}, tally{record.WrongReason: 5}, 0},
		{"unbuilt base", 1, 200, true, always(record.NotStarted, record.Held, record.NotStarted), record.WrongCause, tally{record.NotStarted: 3}, tally{record.Held: 2}, tally{record.NotStarted: 3}, 0},
		{"not the cause", 1, 200, false, always(record.Held, record.Held, record.NotHeld), record.NotTheCause, tally{record.Held: 5}, tally{record.Held: 5}, tally{record.NotHeld: 5}, 0},
		{"unbuilt without the fix", 1, 200, false, always(record.Held, record.Held, record.NotStarted), record.Inconclusive, tally{record.Held: 5}, tally{record.Held: 5}, tally{record.NotStarted: 3}, 0},
		{"fails otherwise without the fix", 1, 200, false, always(record.Held, record.Held, record.WrongReason), record.Inconclusive, tally{record.Held: 5}, tally{record.Held: 5}, tally{record.WrongReason: 5}, 0},
		{"changes its test", 1, 200, false, always(record.InvalidRun, record.Held, record.Held), record.NotProvable, tally{record.InvalidRun: 3}, tally{record.Held: 2}, tally{record.Held: 1}, 0},
		{"changes its test at head", 1, 200, false, always(record.Held, record.InvalidRun, record.Held), record.NotProvable, tally{record.Held: 5}, tally{record.InvalidRun: 3}, tally{record.Held: 1}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSchedule(ProveOptions{MaxRuns: tt.maxRuns}.effort(), tt.repeat, tt.shared)
			drive(t, s, tt.run)
			f := s.finding()
			if f.verdict != tt.verdict || f.needed != tt.needed || f.reason == "" {
				t.Errorf("got %+v, want %s with %d needed", f, tt.verdict, tt.needed)
			}
			if diff := cmp.Diff([]tally{tt.red, tt.green, tt.causal}, []tally{s.red, s.green, s.causal}); diff != "" {
				t.Errorf("runs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScheduleAlternates(t *testing.T) {
	t.Parallel()
	s := newSchedule(ProveOptions{}.effort(), 1, false)
	got := strings.Join(drive(t, s, always(record.Held, record.Held, record.Held)), " ")
	if want := "red green causal red green red green red green red green"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestScheduleSideBySide(t *testing.T) {
	t.Parallel()
	s := newSchedule(ProveOptions{}.effort(), 1, false)
	busy := map[string]bool{}
	var got []string
	for {
		cell, ok := s.next(busy)
		if !ok {
			break
		}
		busy[cell] = true
		got = append(got, cell)
	}
	if diff := cmp.Diff([]string{record.CellRed, record.CellGreen, record.CellCausal}, got); diff != "" {
		t.Errorf("at one time (-want +got):\n%s", diff)
	}
}

func TestScheduleAsksForMoreRuns(t *testing.T) {
	t.Parallel()
	s := newSchedule(ProveOptions{Runs: 12}.effort(), 1, true)
	drive(t, s, always(record.Held, record.Held, record.Held))
	if s.red[record.Held] != 12 || s.green[record.Held] != 12 {
		t.Errorf("got %d red and %d green, want 12 of each", s.red[record.Held], s.green[record.Held])
	}
}

// TestSimulation tries the whole procedure on a thousand bugs. The share of
// fixes without effect that pass is what the procedure promises to bound.
func TestSimulation(t *testing.T) {
	t.Parallel()
	const bugs = 1000
	random := rand.New(rand.NewPCG(42, 5))
	verdicts := map[bool]map[record.ProofVerdict]int{true: {}, false: {}} // by whether the fix works
	of := map[bool]int{}
	for range bugs {
		rate := 0.02 + 0.98*random.Float64()
		if random.IntN(2) == 0 {
			rate = 0.02 + 0.18*random.Float64() // the hard half
		}
		works := random.IntN(2) == 0
		s := newSchedule(ProveOptions{}.effort(), 100, random.IntN(2) == 0)
		drive(t, s, func(cell string, _ int) record.Outcome {
			fails := random.Float64() < rate && (cell != record.CellGreen || !works)
			if fails == (cell == record.CellGreen) {
				return record.NotHeld
			}
			return record.Held
		})
		verdicts[works][s.finding().verdict]++
		of[works]++
	}
	share := func(works bool, v record.ProofVerdict) float64 {
		return float64(verdicts[works][v]) / float64(of[works])
	}
	t.Logf("of %d fixes without effect %.2f %% were proven: %v", of[false], 100*share(false, record.Proven), verdicts[false])
	t.Logf("of %d true fixes %.1f %% were left inconclusive: %v", of[true], 100*share(true, record.Inconclusive), verdicts[true])
	if share(false, record.Proven) > 0.01 {
		t.Error("more than 1 % of the fixes without effect were proven")
	}
	if share(true, record.Proven) < 0.8 {
		t.Error("less than four fifths of the true fixes were proven")
	}
}
