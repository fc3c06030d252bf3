package prove

import (
	"context"
	"errors"
	"slices"
	"time"

	"chant/runner/check"
	"chant/runner/process"
	"chant/runner/record"
	"chant/spec"
)

// checkRuns are the runs of one check of the reproduction.
type checkRuns struct {
	group    check.Group
	schedule *schedule
	command  process.Command  // without the folder
	plain    process.Command  // likewise, without asking test runners for more
	seen     map[string]*seen // by cell
	names    *testNames
	early    []check.JudgedRun // green's runs from before the first stated failure
	found    finding
}

// seen is what a reader gets to see of a cell's runs.
type seen struct {
	held, missed *check.JudgedRun // the first of each
	took         time.Duration
}

func (s *seen) add(run check.JudgedRun) {
	s.took += run.Observation.Result.Duration
	first := &s.missed
	if run.Outcome == record.Held {
		first = &s.held
	}
	if *first == nil {
		*first = &run
	}
}

// cellRun is a finished run of a cell.
type cellRun struct {
	cell string
	run  check.JudgedRun
	err  error
}

// runCheck runs red, green and causal in turn until the check's verdict is
// settled. Later is the number of checks that follow.
func (p *proving) runCheck(ctx context.Context, group check.Group, later int) (*checkRuns, error) {
	c := &checkRuns{
		group:    group,
		schedule: newSchedule(p.opts, group.Check.Repeat, p.red == p.causal, p.rewrote()),
		seen:     map[string]*seen{record.CellRed: {}, record.CellGreen: {}, record.CellCausal: {}},
		names:    newTestNames(),
	}
	if c.schedule.shared {
		c.seen[record.CellCausal] = c.seen[record.CellRed]
	}
	var err error
	if c.plain, err = p.command(group.Check); err != nil {
		return nil, err
	}
	c.command = asking(c.plain)
	p.showProgress(c, record.CellRed, later)
	if err := p.begin(ctx, c); err != nil {
		return nil, err
	}
	for more := true; more && err == nil; {
		if more, err = p.runBatch(ctx, c, later); ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if more {
			<-time.NewTimer(batchPause).C
		}
	}
	c.found = c.schedule.finding()
	return c, err
}

// Many runs share one permission to run checks, as asking for it takes longer
// than a short check. The pauses let in a check of another process that runs
// alone: storage.LockWait tries every few milliseconds.
const (
	batchLength = time.Second
	batchPause  = 20 * time.Millisecond
)

// runBatch runs cells in turn for a while. More tells that there is more to run.
func (p *proving) runBatch(ctx context.Context, c *checkRuns, later int) (more bool, err error) {
	release, err := p.checker.Admit(ctx, c.group.Check)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, release()) }()
	jobs := p.opts.Jobs
	if c.group.Check.Exclusive {
		jobs = 1
	}
	done := make(chan cellRun)
	busy := map[string]bool{}
	var failure error
	for began := p.prover.Settings.Now(); ; {
		for failure == nil && ctx.Err() == nil && len(busy) < jobs && p.prover.Settings.Now().Sub(began) < batchLength {
			cell, ok := c.schedule.next(busy)
			if !ok {
				break
			}
			busy[cell] = true
			p.showProgress(c, cell, later)
			go func() {
				run, err := p.runOnce(ctx, cell, p.tree(cell), c.group.Check, c.command)
				done <- cellRun{cell, run, err}
			}()
		}
		if len(busy) == 0 {
			break
		}
		one := <-done
		delete(busy, one.cell)
		if one.err != nil {
			failure = errors.Join(failure, one.err)
			continue
		}
		p.count(c, one.cell, one.run)
		p.showProgress(c, one.cell, later)
	}
	_, more = c.schedule.next(busy)
	return more && failure == nil, failure
}

// count adds a run to its cell. A stated failure tells what a pass has to show; the
// passes from before it are then judged by that, too.
func (c *checkRuns) count(cell string, run check.JudgedRun) {
	first := c.names.red == nil
	if cell == record.CellGreen {
		if run = c.names.examine(run); first {
			c.early = append(c.early, run)
		}
	}
	c.schedule.tally(cell)[run.Outcome]++
	c.seen[cell].add(run)
	c.schedule.spent[cell] = c.seen[cell].took >= cellTime
	if cell != record.CellRed || run.Outcome != record.Held {
		return
	}
	missing := c.names.fail(run)
	switch green := c.schedule.green; {
	case first:
		early := c.early
		c.early, *c.seen[record.CellGreen] = nil, seen{}
		clear(green)
		for _, run := range early {
			c.count(record.CellGreen, run)
		}
	case missing != "":
		green[record.NoTest] += green[record.Held]
		delete(green, record.Held)
		s := c.seen[record.CellGreen]
		s.held.Outcome, s.held.Why = record.NoTest, missing
		s.held, s.missed = nil, s.held
	}
}

// showProgress emits how far the proof is.
func (p *proving) showProgress(c *checkRuns, cell string, later int) {
	left := later * (2*p.opts.Runs + 1) // as if the bug showed in every run
	for _, name := range c.schedule.own() {
		left += c.schedule.left(name)
	}
	progress := p.progress(cell, c.schedule.tally(cell).all(), c.schedule.left(cell))
	if progress.Left = left; p.runs > 0 {
		progress.Estimate = p.took / time.Duration(p.runs) * time.Duration(left) / time.Duration(p.opts.Jobs)
	}
	p.prover.Settings.Emit(progress)
}

func (p *proving) progress(cell string, done, left int) record.ProofProgress {
	return record.ProofProgress{
		Reproduction: p.pair.reproduction.ID, Fix: p.pair.fix.ID, Cell: cell, Done: done, Planned: done + left, Left: left,
	}
}

// tree returns the tree of a cell.
func (p *proving) tree(cell string) *treeSpec {
	return map[string]*treeSpec{
		record.CellRed: p.red, record.CellGreen: p.green, record.CellCausal: p.causal,
		record.CellIntact: p.head.tree, record.CellKept: p.head.tree,
	}[cell]
}

// command returns what the many runs of the check have in common: to build the
// environment and to look the program up in a long PATH takes time.
func (p *proving) command(c *spec.Check) (process.Command, error) {
	command, err := p.checker.Command(p.pair.reproduction.ID, c)
	if err != nil {
		return command, err
	}
	command.Env = withGoFlags(command.Env, uncached)             // also where the check sets GOFLAGS itself
	command.Path, _ = process.Look(command.Argv[0], command.Env) // the run that can't be started says why
	return command, nil
}

// runAlone asks for the permission to run checks and runs the check once.
func (p *proving) runAlone(
	ctx context.Context, cell string, tree *treeSpec, c *spec.Check, command process.Command,
) (run check.JudgedRun, err error) {
	release, err := p.checker.Admit(ctx, c)
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, release()) }()
	return p.runOnce(ctx, cell, tree, c, command)
}

// runOnce runs the check once in a tree and judges it as a run of a cell, for callers
// with the permission to. A run that changed the test is invalid: nobody knows what it
// was judged by. A run that ctx ended is an error.
func (p *proving) runOnce(
	ctx context.Context, cell string, tree *treeSpec, c *spec.Check, command process.Command,
) (run check.JudgedRun, err error) {
	at := p.checkouts.open[tree]
	if err := at.files.Restore(); err != nil {
		return run, err
	}
	if command.Dir, err = check.Inside(at.checkout.Dir(), c.Dir); err != nil {
		run.Outcome, run.Why = record.NotStarted, record.OneLine(err)
		return run, nil
	}
	if run.Observation, err = p.checker.Once(ctx, p.pair.reproduction.ID, c, command, true); err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return run, err
	}
	run.Outcome, run.Why = cellOutcome(p.checker.Judge, cell, c, run.Observation)
	changed := at.files.Changed()
	if i := slices.IndexFunc(changed, p.isTest); i >= 0 {
		run.Outcome, run.Why = record.InvalidRun, "the run changed the test file "+changed[i]
	}
	return run, nil
}

// cellOutcome decides what a run means in a cell. In red and causal, not held is
// a pass. In the others held is a pass, not held is the stated failure, and any
// other failure has the wrong reason.
func cellOutcome(j check.Judge, cell string, c *spec.Check, o check.Observation) (record.Outcome, string) {
	outcome, why := j.Outcome(c, o)
	failed := o.Result.Exit != 0
	if cell != record.CellRed && cell != record.CellCausal {
		if outcome == record.Held {
			return record.NotHeld, "fails for the stated reason"
		}
		pass := *c // the same command as a check that has to pass
		pass.ExpectFail, pass.MatchTimeout = false, false
		pass.Exit, pass.Match, pass.NoMatch = nil, nil, nil
		outcome, why = j.Outcome(&pass, o)
		failed = true
	}
	if failed && outcome == record.NotHeld {
		return record.WrongReason, why
	}
	return outcome, why
}
