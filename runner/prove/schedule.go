package prove

import (
	"fmt"
	"math"

	"chant/runner/stats"
	"chant/runner/record"
)

const (
	defaultRuns    = 5    // stated failures of red, and passes of green, at the least
	defaultMaxRuns = 200  // of one cell
	defaultAlpha   = 0.01 // the chance that is left to a fix without effect
	futile         = 3    // runs that tell nothing, after which another will not either
)

// effort says how hard a proof tries.
type effort struct {
	runs    int // stated failures of red, and passes of green, at the least
	maxRuns int // of one cell
	alpha   float64
}

func (o ProveOptions) effort() effort {
	e := effort{runs: o.Runs, maxRuns: o.MaxRuns, alpha: o.Alpha}
	if e.runs == 0 {
		e.runs = defaultRuns
	}
	if e.maxRuns == 0 {
		e.maxRuns = max(defaultMaxRuns, e.runs)
	}
	if e.alpha == 0 {
		e.alpha = defaultAlpha
	}
	return e
}

// tally counts the runs of a cell by outcome.
type tally map[record.Outcome]int

// counted is the number of runs that are part of the statistics.
func (t tally) counted() int {
	n := 0
	for outcome, runs := range t {
		if outcome != record.InvalidRun {
			n += runs
		}
	}
	return n
}

func (t tally) all() int { return t.counted() + t[record.InvalidRun] }

// unfit counts the runs in which the test did not come to judge anything.
func (t tally) unfit() int {
	return t[record.NotStarted] + t[record.NoTest] + t[record.TimedOut] + t[record.Killed]
}

// missed tells whether a run that counts did not hold.
func (t tally) missed() bool { return t[record.Held] < t.counted() }

// failed counts the runs in which a test that has to pass did not, for whatever
// reason. One that the clock stopped is among them: it never came to pass.
func (t tally) failed() int { return t[record.NotHeld] + t[record.WrongReason] + t[record.TimedOut] }

// schedule decides, for one check of the reproduction, which cell is to be run
// next, until its verdict is settled. It holds nothing but counts: it is the
// same whoever runs the cells, and in whichever order the runs end.
type schedule struct {
	effort
	repeat  int  // of the check, as its author planned it
	shared  bool // without the fix the tree is base: red's runs are causal's too
	changed bool // head has another test: red's rate is what that is judged by

	red, green, causal tally
}

func newSchedule(e effort, repeat int, shared bool) *schedule {
	s := &schedule{effort: e, repeat: repeat, shared: shared, red: tally{}, green: tally{}, causal: tally{}}
	if shared {
		s.causal = s.red
	}
	return s
}

func (s *schedule) tally(cell string) tally {
	switch cell {
	case record.CellRed:
		return s.red
	case record.CellGreen:
		return s.green
	}
	return s.causal
}

// own lists the cells that have runs of their own, in the order in which they
// take turns.
func (s *schedule) own() []string {
	if s.shared {
		return []string{record.CellRed, record.CellGreen}
	}
	return []string{record.CellRed, record.CellGreen, record.CellCausal}
}

// next gives the cell to run; of several that want runs, the one that has had
// the fewest. None gets ahead of red, whose runs tell how many the others need.
// ok is false where there is nothing to do before a busy cell is done.
func (s *schedule) next(busy map[string]bool) (cell string, ok bool) {
	for _, c := range s.own() {
		ahead := s.redLeft() > 0 && s.tally(c).all() > s.red.all()
		if !busy[c] && !ahead && s.left(c) > 0 && (!ok || s.tally(c).all() < s.tally(cell).all()) {
			cell, ok = c, true
		}
	}
	return cell, ok
}

// left estimates how many runs a cell still wants, by what is known now; 0 is
// no estimate: it wants none.
func (s *schedule) left(cell string) int {
	if s.tally(cell)[record.InvalidRun] >= futile || s.red[record.InvalidRun] >= futile {
		return 0
	}
	switch cell {
	case record.CellRed:
		return s.redLeft()
	case record.CellGreen:
		return s.greenLeft()
	}
	return s.causalLeft()
}

func (s *schedule) redLeft() int {
	k, n := s.red[record.Held], s.red.counted()
	budget := s.maxRuns - n
	switch {
	case k >= s.runs || s.greenOver() && k > 0 && !s.changed:
		return 0
	case k > 0:
		return max(0, min(budget, int(math.Ceil(float64((s.runs-k)*n)/float64(k)))))
	case s.red.unfit() >= futile:
		return 0
	}
	return max(0, min(budget, max(s.runs, s.repeat)-n))
}

// greenLeft goes on while red does: the more often red fails, the fewer runs
// green needs, and both see the same machine.
func (s *schedule) greenLeft() int {
	if s.greenOver() || s.red[record.Held] == 0 && s.redLeft() == 0 {
		return 0
	}
	return max(0, min(s.needed(), s.maxRuns)-s.green[record.Held])
}

// greenOver tells that no further pass can mend what green showed. A run that
// tells nothing is repeated, as long as there is hope that another does.
func (s *schedule) greenOver() bool { return s.green.failed() > 0 || s.green.unfit() >= futile }

// causalLeft ends at the first stated failure: what fails once without the fix
// is not mended by something else.
func (s *schedule) causalLeft() int {
	c := s.causal
	if s.shared || c[record.Held] > 0 || c.unfit() >= futile || s.greenOver() || s.red[record.Held] == 0 && s.redLeft() == 0 {
		return 0
	}
	return max(0, min(s.needed(), s.maxRuns)-c.counted())
}

// needed is the number of runs without a failure that says that the failure is
// gone.
func (s *schedule) needed() int {
	if s.red[record.Held] == 0 {
		return s.runs // nothing is known yet
	}
	return max(s.runs, stats.Needed(s.red[record.Held], s.red.counted(), s.alpha))
}

// finding is what a schedule came to.
type finding struct {
	verdict record.ProofVerdict
	reason  string
	needed  int // further green runs
}

// finding gives the verdict of the runs so far, as far as these cells decide
// it. The words say nothing of any output.
func (s *schedule) finding() finding {
	k, n, m := s.red[record.Held], s.red.counted(), s.green[record.Held]
	switch {
	case s.red[record.InvalidRun] >= futile || s.green[record.InvalidRun] >= futile || s.causal[record.InvalidRun] >= futile:
		return finding{verdict: record.NotProvable, reason: "the check changes the test files that it judges by"}
	case k == 0 && n == s.red[record.NotHeld]:
		return finding{verdict: record.NotReproduced, reason: fmt.Sprintf("the test passed in all of %d runs at base", n)}
	case k == 0 && n == s.red[record.NotHeld]+s.red[record.NoTest]:
		return finding{verdict: record.NotReproduced, reason: "no test ran at base"}
	case k == 0:
		return finding{verdict: record.WrongCause, reason: "the test fails at base, but never for the stated reason"}
	case s.green.failed() > 0:
		return finding{verdict: record.NotFixed, reason: fmt.Sprintf("the original test does not pass at head (it held in %d of %d runs)", m, m+s.green.failed())}
	case s.green.unfit() >= futile:
		return finding{verdict: record.Inconclusive, reason: fmt.Sprintf("%d of %d runs at head do not tell whether the original test passes there", s.green.unfit(), s.green.counted())}
	}
	if f, settled := s.cause(); settled {
		return f
	}
	if missing := s.needed() - m; missing > 0 {
		return finding{record.Inconclusive, fmt.Sprintf("%d of %d red at base against none of %d at head could be chance: %d more green runs are needed", k, n, m, missing), missing}
	}
	return finding{verdict: record.Proven, reason: fmt.Sprintf("red at base in %d of %d runs, green at head in all of %d, red again without the fix", k, n, m)}
}

// cause tells what the runs without the fix say against it; settled is false
// where they say nothing.
func (s *schedule) cause() (f finding, settled bool) {
	c := s.causal
	switch {
	case c[record.Held] > 0:
		return finding{}, false
	case c[record.NotHeld] < c.counted():
		return finding{verdict: record.Inconclusive, reason: "without the fix the test fails in another way, so what fixed it can't be told"}, true
	case c.counted() < s.needed():
		missing := s.needed() - c.counted()
		return finding{record.Inconclusive, fmt.Sprintf("without the fix the test passed in all of %d runs, which could be chance: %d more are needed", c.counted(), missing), missing}, true
	}
	return finding{verdict: record.NotTheCause, reason: fmt.Sprintf("without the fix the test passed too, in all of %d runs", c.counted())}, true
}
