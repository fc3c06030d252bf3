package prove

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/record"
)

// drive runs a schedule to its end, with the outcomes that run returns, and
// returns the order of the cells.
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

// A cell whose time is over gets no more runs.
func TestScheduleTimeIsOver(t *testing.T) {
	t.Parallel()
	for cell, needed := range map[string]int{record.CellRed: 0, record.CellGreen: 2, record.CellCausal: 0} {
		s := newSchedule(Options{}.withDefaults(), 1, false, false)
		drive(t, s, func(which string, n int) record.Outcome {
			s.spent[cell] = s.spent[cell] || which == cell && n == 3
			return record.Held
		})
		if got := s.finding(); got.needed != needed || (got.verdict == record.Proven) != (needed == 0) {
			t.Errorf("%s: got %+v, want %d more runs", cell, got, needed)
		}
		if s.spent[cell] && s.tally(cell).all() > 3 {
			t.Errorf("%s: ran %d times", cell, s.tally(cell).all())
		}
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
		red, green, causal string // counts
		needed             int
	}{
		{"certain", 1, 200, false, always(record.Held, record.Held, record.Held), record.Proven, "5 held", "5 held", "1 held", 0},
		{"one tree", 20, 200, true, always(record.Held, record.Held, record.Held), record.Proven, "5 held", "5 held", "5 held", 0},
		{"one of three", 10, 200, false, every(3, record.Held, record.NotHeld),
			record.Proven, "10 not_held 5 held", "20 held", "1 held 2 not_held", 0},
		{"one of three, few runs", 10, 18, false, every(3, record.Held, record.NotHeld),
			record.Inconclusive, "10 not_held 5 held", "18 held", "1 held 2 not_held", 2},
		{"one of fifty", 10, 120, true, every(50, record.Held, record.NotHeld), record.NotReproduced, "10 not_held", "5 held", "10 not_held", 0},
		{"not fixed", 1, 200, false, always(record.Held, record.NotHeld, record.Held), record.NotFixed, "1 held", "1 not_held", "", 0},
		{"broken at head", 1, 200, false, always(record.Held, record.NotStarted, record.Held),
			record.Inconclusive, "3 held", "3 not_started", "1 held", 0},
		{"no test at head", 1, 200, true, always(record.Held, record.NoTest, record.Held),
			record.Inconclusive, "3 held", "3 no_test_ran", "3 held", 0},
		{"hangs at head", 1, 200, false, always(record.Held, record.TimedOut, record.Held), record.NotFixed, "1 held", "1 timed_out", "", 0},
		{"killed twice", 1, 200, true, greenAt(map[int]record.Outcome{1: record.Killed, 4: record.Killed}),
			record.Proven, "5 held", "2 killed 5 held", "5 held", 0},
		{"killed, then failed", 1, 200, true, greenAt(map[int]record.Outcome{1: record.Killed, 2: record.NotHeld}),
			record.NotFixed, "2 held", "1 killed 1 not_held", "2 held", 0},
		{"not reproduced", 1, 200, false, always(record.NotHeld, record.Held, record.NotHeld),
			record.NotReproduced, "5 not_held", "4 held", "4 not_held", 0},
		{"no test at base", 1, 200, true, always(record.NoTest, record.Held, record.NoTest),
			record.NotReproduced, "3 no_test_ran", "2 held", "3 no_test_ran", 0},
		{"wrong reason", 1, 200, true, always(record.WrongReason, record.Held, record.WrongReason),
			record.WrongCause, "5 wrong_reason", "4 held", "5 wrong_reason", 0},
		{"unbuilt base", 1, 200, true, always(record.NotStarted, record.Held, record.NotStarted),
			record.WrongCause, "3 not_started", "2 held", "3 not_started", 0},
		{"not the cause", 1, 200, false, always(record.Held, record.Held, record.NotHeld),
			record.NotTheCause, "5 held", "5 held", "5 not_held", 0},
		{"unbuilt without the fix", 1, 200, false, always(record.Held, record.Held, record.NotStarted),
			record.Inconclusive, "5 held", "5 held", "3 not_started", 0},
		{"fails otherwise without the fix", 1, 200, false, always(record.Held, record.Held, record.WrongReason),
			record.Inconclusive, "5 held", "5 held", "5 wrong_reason", 0},
		{"changes its test", 1, 200, false, always(record.InvalidRun, record.Held, record.Held),
			record.NotProvable, "3 invalid_run", "2 held", "1 held", 0},
		{"changes its test at head", 1, 200, false, always(record.Held, record.InvalidRun, record.Held),
			record.NotProvable, "5 held", "3 invalid_run", "1 held", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSchedule(Options{MaxRuns: tt.maxRuns}.withDefaults(), tt.repeat, tt.shared, false)
			drive(t, s, tt.run)
			f := s.finding()
			if f.verdict != tt.verdict || f.needed != tt.needed || f.reason == "" {
				t.Errorf("got %+v, want %s with %d needed", f, tt.verdict, tt.needed)
			}
			if diff := cmp.Diff([]string{tt.red, tt.green, tt.causal}, []string{counts(s.red), counts(s.green), counts(s.causal)}); diff != "" {
				t.Errorf("runs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScheduleAlternates(t *testing.T) {
	t.Parallel()
	s := newSchedule(Options{}.withDefaults(), 1, false, false)
	got := strings.Join(drive(t, s, always(record.Held, record.Held, record.Held)), " ")
	if want := "red green causal red green red green red green red green"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestScheduleInParallel(t *testing.T) {
	t.Parallel()
	s := newSchedule(Options{}.withDefaults(), 1, false, false)
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
	s := newSchedule(Options{Runs: 12}.withDefaults(), 1, true, false)
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
		s := newSchedule(Options{}.withDefaults(), 100, random.IntN(2) == 0, false)
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
