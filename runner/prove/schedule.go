package prove

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"chant/runner/record"
	"chant/runner/stats"
)

// maxUseless is the number of runs that tell nothing after which no more are tried.
const maxUseless = 3

// cellTime is what the runs of a cell may take together.
const cellTime = 30 * time.Minute

// withDefaults returns the options with a number wherever one is left out.
func (o Options) withDefaults() Options {
	o.Runs, o.Alpha, o.Jobs = cmp.Or(o.Runs, 5), cmp.Or(o.Alpha, 0.01), cmp.Or(o.Jobs, 1)
	o.MaxRuns = cmp.Or(o.MaxRuns, max(500, o.Runs))
	return o
}

// tally counts the runs of a cell by outcome.
type tally map[record.Outcome]int

// counted is the number of runs that are part of the statistics.
func (t tally) counted() int { return t.all() - t[record.InvalidRun] }

func (t tally) all() int {
	n := 0
	for _, runs := range t {
		n += runs
	}
	return n
}

// useless counts the runs in which the test did not come to judge anything.
func (t tally) useless() int {
	return t[record.NotStarted] + t[record.NoTest] + t[record.TimedOut] + t[record.Killed]
}

// failed counts the runs in which a test that has to pass did not, for whatever
// reason. A timeout is among them: the run did not come to pass.
func (t tally) failed() int { return t[record.NotHeld] + t[record.WrongReason] + t[record.TimedOut] }

// schedule decides, for one check of the reproduction, which cell is run next,
// until the verdict is settled. It holds only counts: it is the same whoever
// runs the cells, and in whichever order the runs end.
type schedule struct {
	opts    Options // with defaults
	repeat  int     // of the check, as its author planned it
	shared  bool    // without the fix the tree is base: red's runs count for causal
	changed bool    // head has another test, which is judged by red's rate

	red, green, causal tally
	spent              map[string]bool // cells whose time is over
}

func newSchedule(o Options, repeat int, shared, changed bool) *schedule {
	s := &schedule{
		opts: o, repeat: repeat, shared: shared, changed: changed,
		red: tally{}, green: tally{}, causal: tally{}, spent: map[string]bool{},
	}
	if shared {
		s.causal = s.red
	}
	return s
}

func (s *schedule) tally(cell string) tally {
	return map[string]tally{record.CellRed: s.red, record.CellGreen: s.green, record.CellCausal: s.causal}[cell]
}

// own lists the cells that have runs of their own, in the order of their turns.
func (s *schedule) own() []string {
	if s.shared {
		return []string{record.CellRed, record.CellGreen}
	}
	return []string{record.CellRed, record.CellGreen, record.CellCausal}
}

// next returns the cell to run: of those that need runs, the one that has had the
// fewest. None gets ahead of red, whose runs tell how many the others need. Ok is
// false if there is nothing to do before a busy cell is done.
func (s *schedule) next(busy map[string]bool) (cell string, ok bool) {
	for _, c := range s.own() {
		ahead := s.redLeft() > 0 && s.tally(c).all() > s.red.all()
		if !busy[c] && !ahead && s.left(c) > 0 && (!ok || s.tally(c).all() < s.tally(cell).all()) {
			cell, ok = c, true
		}
	}
	return cell, ok
}

// left estimates how many runs a cell still needs. 0 is exact: it needs none.
//
// Green goes on while red does: the more often red fails, the fewer runs green
// needs, and both see the same machine. Causal ends at its first stated failure:
// if the test fails once without the fix, nothing else repairs it.
func (s *schedule) left(cell string) int {
	done := s.green[record.Held]
	switch {
	case s.spent[cell], s.tally(cell)[record.InvalidRun] >= maxUseless || s.red[record.InvalidRun] >= maxUseless:
		return 0
	case cell == record.CellRed:
		return s.redLeft()
	case s.greenOver() || s.red[record.Held] == 0 && s.redLeft() == 0:
		return 0
	case cell == record.CellCausal:
		if done = s.causal.counted(); s.shared || s.causal[record.Held] > 0 || s.causal.useless() >= maxUseless {
			return 0
		}
	}
	return max(0, min(s.needed(), s.opts.MaxRuns)-done)
}

func (s *schedule) redLeft() int {
	k, n := s.red[record.Held], s.red.counted()
	most := s.opts.MaxRuns - n
	switch {
	case s.spent[record.CellRed], k >= s.opts.Runs, k > 0 && s.greenOver() && !s.changed, k == 0 && s.red.useless() >= maxUseless:
		return 0
	case k > 0:
		return max(0, min(most, int(math.Ceil(float64((s.opts.Runs-k)*n)/float64(k)))))
	}
	return max(0, min(most, max(s.opts.Runs, s.repeat)-n))
}

// greenOver tells that no further pass can change what green showed. A run that
// tells nothing is repeated, but not for ever.
func (s *schedule) greenOver() bool { return s.green.failed() > 0 || s.green.useless() >= maxUseless }

// needed is the number of runs without a failure that shows that the failure is
// gone.
func (s *schedule) needed() int {
	if s.red[record.Held] == 0 {
		return s.opts.Runs // nothing is known yet
	}
	return max(s.opts.Runs, stats.Needed(s.red[record.Held], s.red.counted(), s.opts.Alpha))
}

// finding is the result of a schedule.
type finding struct {
	verdict record.ProofVerdict
	reason  string
	needed  int // further green runs
}

func because(v record.ProofVerdict, format string, args ...any) finding {
	return finding{verdict: v, reason: fmt.Sprintf(format, args...)}
}

// finding returns the verdict of the runs so far, as far as these cells decide it.
// The reason depends on no output.
func (s *schedule) finding() finding {
	k, n, m, c, needed := s.red[record.Held], s.red.counted(), s.green[record.Held], s.causal, s.needed()
	switch {
	case max(s.red[record.InvalidRun], s.green[record.InvalidRun], c[record.InvalidRun]) >= maxUseless:
		return because(record.NotProvable, "the check changes the test files that it judges by")
	case k == 0 && n == s.red[record.NotHeld]:
		return because(record.NotReproduced, "the test passed in all of %d runs at base", n)
	case k == 0 && n == s.red[record.NotHeld]+s.red[record.NoTest]:
		return because(record.NotReproduced, "no test ran at base")
	case k == 0:
		return because(record.WrongCause, "the test fails at base, but never for the stated reason")
	case s.green.failed() > 0:
		return because(record.NotFixed, "the original test does not pass at head (it held in %d of %d runs)", m, m+s.green.failed())
	case s.green.useless() >= maxUseless:
		return because(record.Inconclusive, "%d of %d runs at head do not tell whether the original test passes there",
			s.green.useless(), s.green.counted())
	case c[record.Held] == 0 && c[record.NotHeld] < c.counted():
		return because(record.Inconclusive, "without the fix the test fails in another way, so what fixed it can't be told")
	case c[record.Held] == 0 && c.counted() < needed:
		f := because(record.Inconclusive, "without the fix the test passed in all of %d runs, which could be chance: %d more are needed",
			c.counted(), needed-c.counted())
		f.needed = needed - c.counted()
		return f
	case c[record.Held] == 0:
		return because(record.NotTheCause, "without the fix the test passed too, in all of %d runs", c.counted())
	case m < needed:
		f := because(record.Inconclusive, "%d of %d red at base against none of %d at head could be chance: %d more green runs are needed",
			k, n, m, needed-m)
		f.needed = needed - m
		return f
	}
	return because(record.Proven, "red at base in %d of %d runs, green at head in all of %d, red again without the fix", k, n, m)
}
