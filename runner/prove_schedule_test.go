package runner

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// drive runs a schedule to its end, with the outcomes that run gives, and tells
// the order of the cells.
func drive(t *testing.T, s *schedule, run func(cell string, n int) Outcome) []string {
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
func always(red, green, causal Outcome) func(string, int) Outcome {
	return func(cell string, _ int) Outcome {
		return map[string]Outcome{CellRed: red, CellGreen: green, CellCausal: causal}[cell]
	}
}

func TestScheduleVerdicts(t *testing.T) {
	t.Parallel()
	every := func(n int, red, otherwise Outcome) func(string, int) Outcome {
		return func(cell string, run int) Outcome {
			switch {
			case cell == CellGreen:
				return Held
			case run%n == 0:
				return red
			}
			return otherwise
		}
	}
	greenAt := func(runs map[int]Outcome) func(string, int) Outcome {
		return func(cell string, run int) Outcome {
			if outcome, ok := runs[run]; ok && cell == CellGreen {
				return outcome
			}
			return Held
		}
	}
	for _, tt := range []struct {
		name               string
		repeat, maxRuns    int
		shared             bool
		run                func(string, int) Outcome
		verdict            ProofVerdict
		red, green, causal tally
		needed             int
	}{
		{"certain", 1, 200, false, always(Held, Held, Held), Proven, tally{Held: 5}, tally{Held: 5}, tally{Held: 1}, 0},
		{"one tree", 20, 200, true, always(Held, Held, Held), Proven, tally{Held: 5}, tally{Held: 5}, tally{Held: 5}, 0},
		{"one of three", 10, 200, false, every(3, Held, NotHeld), Proven, tally{Held: 5, NotHeld: 10}, tally{Held: 20}, tally{Held: 1, NotHeld: 2}, 0},
		{"one of three, few runs", 10, 18, false, every(3, Held, NotHeld), Inconclusive, tally{Held: 5, NotHeld: 10}, tally{Held: 18}, tally{Held: 1, NotHeld: 2}, 2},
		{"one of fifty", 10, 120, true, every(50, Held, NotHeld), NotReproduced, tally{NotHeld: 10}, tally{Held: 5}, tally{NotHeld: 10}, 0},
		{"not fixed", 1, 200, false, always(Held, NotHeld, Held), NotFixed, tally{Held: 1}, tally{NotHeld: 1}, tally{}, 0},
		{"broken at head", 1, 200, false, always(Held, NotStarted, Held), Inconclusive, tally{Held: 3}, tally{NotStarted: 3}, tally{Held: 1}, 0},
		{"no test at head", 1, 200, true, always(Held, NoTest, Held), Inconclusive, tally{Held: 3}, tally{NoTest: 3}, tally{Held: 3}, 0},
		{"hangs at head", 1, 200, false, always(Held, TimedOut, Held), NotFixed, tally{Held: 1}, tally{TimedOut: 1}, tally{}, 0},
		{"killed twice", 1, 200, true, greenAt(map[int]Outcome{1: Killed, 4: Killed}), Proven, tally{Held: 5}, tally{Held: 5, Killed: 2}, tally{Held: 5}, 0},
		{"killed, then failed", 1, 200, true, greenAt(map[int]Outcome{1: Killed, 2: NotHeld}), NotFixed, tally{Held: 2}, tally{Killed: 1, NotHeld: 1}, tally{Held: 2}, 0},
		{"not reproduced", 1, 200, false, always(NotHeld, Held, NotHeld), NotReproduced, tally{NotHeld: 5}, tally{Held: 4}, tally{NotHeld: 4}, 0},
		{"no test at base", 1, 200, true, always(NoTest, Held, NoTest), NotReproduced, tally{NoTest: 3}, tally{Held: 2}, tally{NoTest: 3}, 0},
		{"wrong reason", 1, 200, true, always(WrongReason, Held, WrongReason), WrongCause, tally{WrongReason: 5}, tally{Held: 4}, tally{WrongReason: 5}, 0},
		{"unbuilt base", 1, 200, true, always(NotStarted, Held, NotStarted), WrongCause, tally{NotStarted: 3}, tally{Held: 2}, tally{NotStarted: 3}, 0},
		{"not the cause", 1, 200, false, always(Held, Held, NotHeld), NotTheCause, tally{Held: 5}, tally{Held: 5}, tally{NotHeld: 5}, 0},
		{"unbuilt without the fix", 1, 200, false, always(Held, Held, NotStarted), Inconclusive, tally{Held: 5}, tally{Held: 5}, tally{NotStarted: 3}, 0},
		{"fails otherwise without the fix", 1, 200, false, always(Held, Held, WrongReason), Inconclusive, tally{Held: 5}, tally{Held: 5}, tally{WrongReason: 5}, 0},
		{"changes its test", 1, 200, false, always(InvalidRun, Held, Held), NotProvable, tally{InvalidRun: 3}, tally{Held: 2}, tally{Held: 1}, 0},
		{"changes its test at head", 1, 200, false, always(Held, InvalidRun, Held), NotProvable, tally{Held: 5}, tally{InvalidRun: 3}, tally{Held: 1}, 0},
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
	got := strings.Join(drive(t, s, always(Held, Held, Held)), " ")
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
	if diff := cmp.Diff([]string{CellRed, CellGreen, CellCausal}, got); diff != "" {
		t.Errorf("at one time (-want +got):\n%s", diff)
	}
}

func TestScheduleAsksForMoreRuns(t *testing.T) {
	t.Parallel()
	s := newSchedule(ProveOptions{Runs: 12}.effort(), 1, true)
	drive(t, s, always(Held, Held, Held))
	if s.red[Held] != 12 || s.green[Held] != 12 {
		t.Errorf("got %d red and %d green, want 12 of each", s.red[Held], s.green[Held])
	}
}

// TestSimulation tries the whole procedure on a thousand bugs. The share of
// fixes without effect that pass is what the procedure promises to bound.
func TestSimulation(t *testing.T) {
	t.Parallel()
	const bugs = 1000
	random := rand.New(rand.NewPCG(42, 5))
	verdicts := map[bool]map[ProofVerdict]int{true: {}, false: {}} // by whether the fix works
	of := map[bool]int{}
	for range bugs {
		rate := 0.02 + 0.98*random.Float64()
		if random.IntN(2) == 0 {
			rate = 0.02 + 0.18*random.Float64() // the hard half
		}
		works := random.IntN(2) == 0
		s := newSchedule(ProveOptions{}.effort(), 100, random.IntN(2) == 0)
		drive(t, s, func(cell string, _ int) Outcome {
			fails := random.Float64() < rate && (cell != CellGreen || !works)
			if fails == (cell == CellGreen) {
				return NotHeld
			}
			return Held
		})
		verdicts[works][s.finding().verdict]++
		of[works]++
	}
	share := func(works bool, v ProofVerdict) float64 { return float64(verdicts[works][v]) / float64(of[works]) }
	t.Logf("of %d fixes without effect %.2f %% were proven: %v", of[false], 100*share(false, Proven), verdicts[false])
	t.Logf("of %d true fixes %.1f %% were left inconclusive: %v", of[true], 100*share(true, Inconclusive), verdicts[true])
	if share(false, Proven) > 0.01 {
		t.Error("more than 1 % of the fixes without effect were proven")
	}
	if share(true, Proven) < 0.8 {
		t.Error("less than four fifths of the true fixes were proven")
	}
}
