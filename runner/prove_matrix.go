package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"chant/runner/process"
	"chant/spec"
)

// matrix is the runs of one check of the reproduction.
type matrix struct {
	unit
	*schedule
	command process.Command  // but for the folder
	seen    map[string]*seen // by cell
	witness *witness         // nil before the first stated failure
	early   []ending         // green's runs from before it
	found   finding
}

// seen is what is worth showing of a cell's runs.
type seen struct {
	held, missed *ending // the first of each
	took         time.Duration
}

func (s *seen) add(end ending) {
	s.took += end.result.Duration
	switch {
	case end.outcome == Held:
		if s.held == nil {
			s.held = &end
		}
	case s.missed == nil:
		s.missed = &end
	}
}

// single is one run, done.
type single struct {
	cell string
	end  ending
	err  error
}

// matrix runs red, green and causal by turns until the check's verdict is
// settled; later is the number of checks that are still to come.
func (p *proving) matrix(ctx context.Context, u unit, later int) (*matrix, error) {
	m := &matrix{
		unit:     u,
		schedule: newSchedule(p.effort, u.check.Repeat, p.red.id == p.causal.id),
		seen:     map[string]*seen{CellRed: {}, CellGreen: {}, CellCausal: {}},
	}
	m.changed = !p.out.Intact.Same
	if m.shared {
		m.seen[CellCausal] = m.seen[CellRed]
	}
	var err error
	if m.command, err = p.command(u.check); err != nil {
		return nil, err
	}
	for more := true; more && err == nil; {
		if more, err = p.stint(ctx, m, later); ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if more {
			<-time.NewTimer(stintPause).C
		}
	}
	m.found = m.finding()
	return m, err
}

// One leave to run checks lasts for many runs, as asking for it costs more than
// a short check's start. The pauses let in a check of another process that has
// to be alone: storage.LockWait looks every few milliseconds.
const (
	stintLength = time.Second
	stintPause  = 20 * time.Millisecond
)

// stint runs cells by turns for a while; more tells that there is more to run.
func (p *proving) stint(ctx context.Context, m *matrix, later int) (more bool, err error) {
	release, err := p.checker.admit(ctx, m.check)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, release()) }()
	jobs := max(1, p.opts.Jobs)
	if m.check.Exclusive {
		jobs = 1
	}
	cells, done := make(chan string), make(chan single)
	defer close(cells)
	for range jobs { // kept from run to run, as a new goroutine's stack would have to grow
		go func() {
			for cell := range cells {
				end, err := p.run(ctx, cell, m.check, m.command)
				done <- single{cell, end, err}
			}
		}()
	}
	busy := map[string]bool{}
	var failure error
	for began := p.Settings.Now(); ; {
		for failure == nil && ctx.Err() == nil && len(busy) < jobs && p.Settings.Now().Sub(began) < stintLength {
			cell, ok := m.next(busy)
			if !ok {
				break
			}
			busy[cell] = true
			p.tell(m, cell, later)
			cells <- cell
		}
		if len(busy) == 0 {
			break
		}
		one := <-done
		delete(busy, one.cell)
		if one.err != nil || one.end.outcome == Interrupted {
			failure = errors.Join(failure, one.err)
			continue
		}
		m.count(one.cell, one.end, p.checker.judge)
		p.runs++
		p.took += one.end.result.Duration
		p.tell(m, one.cell, later)
	}
	_, more = m.next(busy)
	return more && failure == nil, failure
}

// count adds a run to its cell. The first stated failure tells what a pass has
// to show; the passes from before it are counted again by that.
func (m *matrix) count(cell string, end ending, j judge) {
	if cell == CellGreen {
		if end = m.witness.examine(end); m.witness == nil {
			m.early = append(m.early, end)
		}
	}
	m.tally(cell)[end.outcome]++
	m.seen[cell].add(end)
	if cell != CellRed || end.outcome != Held || m.witness != nil {
		return
	}
	m.witness = newWitness(j, end)
	early := m.early
	m.early, *m.seen[CellGreen] = nil, seen{}
	clear(m.green)
	for _, end := range early {
		m.count(CellGreen, end, j)
	}
}

// tell tells how far the proof is.
func (p *proving) tell(m *matrix, cell string, later int) {
	left := later * (2*p.effort.runs + 1) // as if they were certain
	for _, c := range m.own() {
		left += m.left(c)
	}
	runs := m.tally(cell).all()
	progress := ProofProgress{
		Reproduction: p.reproduction.ID, Fix: p.fix.ID, Cell: cell,
		Done: runs, Planned: runs + m.left(cell), Left: left,
	}
	if p.runs > 0 {
		progress.Estimate = p.took / time.Duration(p.runs) * time.Duration(left) / time.Duration(max(1, p.opts.Jobs))
	}
	p.Settings.Emit(progress)
}

// layout gives the tree of a cell.
func (p *proving) layout(cell string) layout {
	switch cell {
	case CellRed:
		return p.red
	case CellGreen:
		return p.green
	case CellCausal:
		return p.causal
	}
	return p.head.layout
}

// command says how the check is run in any of the trees, with all that its many
// runs have in common: a PATH can be long.
func (p *proving) command(c *spec.Check) (process.Command, error) {
	command, err := p.checker.command(p.reproduction.ID, c)
	if err != nil {
		return command, err
	}
	command.Env = withGoFlags(command.Env, uncached, telling)    // also where the check sets GOFLAGS itself
	command.Path, _ = process.Look(command.Argv[0], command.Env) // the run that can't be started says why
	return command, nil
}

// alone asks for leave and runs the check once.
func (p *proving) alone(ctx context.Context, cell string, c *spec.Check, command process.Command) (end ending, err error) {
	release, err := p.checker.admit(ctx, c)
	if err != nil {
		return end, err
	}
	defer func() { err = errors.Join(err, release()) }()
	return p.run(ctx, cell, c, command)
}

// run runs the check once in the tree of a cell, for callers that have leave to.
// A run that changed the test is invalid: what it judged by is not known.
func (p *proving) run(ctx context.Context, cell string, c *spec.Check, command process.Command) (end ending, err error) {
	at := p.places[p.layout(cell).folder]
	if err := at.restore(); err != nil {
		return end, err
	}
	if command.Dir, err = inside(at.dir, c.Dir); err != nil {
		end.outcome, end.why = NotStarted, oneLine(err)
		return end, nil
	}
	if end.observation, err = p.checker.once(ctx, p.reproduction.ID, c, command, true); err != nil {
		return end, err
	}
	end.outcome, end.why = cellOutcome(p.checker.judge, cell, c, end.observation)
	if path := at.tampered(); path != "" && end.outcome != Interrupted {
		end.outcome, end.why = InvalidRun, "the run changed the test file "+path
	}
	return end, nil
}

// cell decides what a run means in a cell. In red and causal, not held is a
// pass. In the others held is a pass, not held the stated failure, and any
// other failure has the wrong reason.
func cellOutcome(j judge, cell string, c *spec.Check, o observation) (Outcome, string) {
	outcome, why := j.outcome(c, o)
	if cell == CellRed || cell == CellCausal {
		if outcome == NotHeld && o.result.Exit != 0 {
			return WrongReason, why
		}
		return outcome, why
	}
	if outcome == Held {
		return NotHeld, "fails for the stated reason"
	}
	outcome, why = j.outcome(toPass(c), o)
	if outcome == NotHeld {
		return WrongReason, why
	}
	return outcome, why
}

// toPass gives the same command as a check that has to pass.
func toPass(c *spec.Check) *spec.Check {
	pass := *c
	pass.ExpectFail, pass.MatchTimeout = false, false
	pass.Exit, pass.Match, pass.NoMatch = nil, nil, nil
	return &pass
}

// rewritten runs the test as head has it, where that is another one, as often as
// green has to be, and gives the verdict with what that told. Fewer passes could
// be chance, and accuse nobody of having weakened it.
func (p *proving) rewritten(ctx context.Context, m *matrix, runs tally) (finding, error) {
	if !m.changed || m.red[Held] == 0 {
		return m.found, nil
	}
	if err := p.export(ctx, p.head.layout); err != nil {
		return m.found, err
	}
	var last ending
	wanted := min(m.needed(), m.maxRuns)
	for n := 0; n < wanted && (n == 0 || last.outcome == Held); n++ {
		p.Settings.Emit(ProofProgress{Reproduction: p.reproduction.ID, Fix: p.fix.ID, Cell: CellIntact, Done: n, Planned: wanted, Left: wanted - n})
		var err error
		if last, err = p.alone(ctx, CellIntact, m.check, m.command); err != nil {
			return m.found, err
		}
		if ctx.Err() != nil {
			return m.found, context.Cause(ctx)
		}
		runs[last.outcome]++
		p.changed.add(last)
	}
	switch v := m.found.verdict; {
	case v == NotFixed && last.outcome == Held && wanted == m.needed():
		return finding{verdict: Weakened, reason: "the original test does not pass at head, the changed one does"}, nil
	case (v == Proven || v == Inconclusive) && last.outcome != Held:
		return finding{verdict: NotFixed, reason: "the original test passes at head, the changed one does not: " + last.why}, nil
	}
	return m.found, nil
}

// export makes places of the layouts whose folder is none yet.
func (p *proving) export(ctx context.Context, layouts ...layout) error {
	guard := slices.Concat(p.tests, p.fixed, changedPaths(p.base.tree, p.head.tree, p.isTest))
	slices.Sort(guard)
	guard = slices.Compact(guard)
	made := make([]*place, len(layouts))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, l := range layouts {
		if p.places[l.folder] != nil || slices.ContainsFunc(layouts[:i], func(other layout) bool { return other.folder == l.folder }) {
			continue
		}
		group.Go(func() error {
			dir := filepath.Join(p.temp, l.folder)
			if err := os.Mkdir(dir, 0o777); err != nil {
				return fmt.Errorf("making a folder for an exported tree: %w", err)
			}
			var err error
			made[i], err = newPlace(groupCtx, p.Git, dir, l, guard, p.isTest)
			return err
		})
	}
	err := group.Wait()
	for i, at := range made {
		if at != nil {
			p.places[layouts[i].folder] = at
		}
	}
	for _, at := range made {
		if err == nil && at != nil {
			err = p.furnish(ctx, at)
		}
	}
	return err
}

// furnish makes a place ready for checks, as the config says.
func (p *proving) furnish(ctx context.Context, at *place) error {
	if err := at.link(p.Settings.Root, p.project.Config.Link); err != nil {
		return err
	}
	for _, script := range p.project.Config.Setup {
		res, err := p.checker.run(ctx, at.dir, p.reproduction.ID, command(script))
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case res.Outcome != Held:
			return fmt.Errorf("setting up an exported tree by %q: %s: %s", script, res.Reason, lastLine(res.Output))
		}
	}
	return nil
}
