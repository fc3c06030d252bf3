package prove

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"chant/runner/check"
	"chant/runner/process"
	"chant/runner/record"
	"chant/spec"
)

// matrix is the runs of one check of the reproduction.
type matrix struct {
	check.Group
	*schedule
	command process.Command   // but for the folder
	seen    map[string]*seen  // by cell
	witness *witness          // nil before the first stated failure
	early   []check.JudgedRun // green's runs from before it
	found   finding
}

// seen is what is worth showing of a cell's runs.
type seen struct {
	held, missed *check.JudgedRun // the first of each
	took         time.Duration
}

func (s *seen) add(end check.JudgedRun) {
	s.took += end.Observation.Result.Duration
	switch {
	case end.Outcome == record.Held:
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
	end  check.JudgedRun
	err  error
}

// matrix runs red, green and causal by turns until the check's verdict is
// settled; later is the number of checks that are still to come.
func (p *proving) matrix(ctx context.Context, u check.Group, later int) (*matrix, error) {
	m := &matrix{
		Group:    u,
		schedule: newSchedule(p.effort, u.Check.Repeat, p.red.id == p.causal.id),
		seen:     map[string]*seen{record.CellRed: {}, record.CellGreen: {}, record.CellCausal: {}},
	}
	m.changed = !p.out.Intact.Same
	if m.shared {
		m.seen[record.CellCausal] = m.seen[record.CellRed]
	}
	var err error
	if m.command, err = p.command(u.Check); err != nil {
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
	release, err := p.checker.Admit(ctx, m.Check)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, release()) }()
	jobs := max(1, p.opts.Jobs)
	if m.Check.Exclusive {
		jobs = 1
	}
	cells, done := make(chan string), make(chan single)
	defer close(cells)
	for range jobs { // kept from run to run, as a new goroutine's stack would have to grow
		go func() {
			for cell := range cells {
				end, err := p.run(ctx, cell, m.Check, m.command)
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
		if one.err != nil || one.end.Outcome == record.Interrupted {
			failure = errors.Join(failure, one.err)
			continue
		}
		m.count(one.cell, one.end, p.checker.Judge)
		p.runs++
		p.took += one.end.Observation.Result.Duration
		p.tell(m, one.cell, later)
	}
	_, more = m.next(busy)
	return more && failure == nil, failure
}

// count adds a run to its cell. The first stated failure tells what a pass has
// to show; the passes from before it are counted again by that.
func (m *matrix) count(cell string, end check.JudgedRun, j check.Judge) {
	if cell == record.CellGreen {
		if end = m.witness.examine(end); m.witness == nil {
			m.early = append(m.early, end)
		}
	}
	m.tally(cell)[end.Outcome]++
	m.seen[cell].add(end)
	if cell != record.CellRed || end.Outcome != record.Held || m.witness != nil {
		return
	}
	m.witness = newWitness(j, end)
	early := m.early
	m.early, *m.seen[record.CellGreen] = nil, seen{}
	clear(m.green)
	for _, end := range early {
		m.count(record.CellGreen, end, j)
	}
}

// tell tells how far the proof is.
func (p *proving) tell(m *matrix, cell string, later int) {
	left := later * (2*p.effort.runs + 1) // as if they were certain
	for _, c := range m.own() {
		left += m.left(c)
	}
	runs := m.tally(cell).all()
	progress := record.ProofProgress{
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
	case record.CellRed:
		return p.red
	case record.CellGreen:
		return p.green
	case record.CellCausal:
		return p.causal
	}
	return p.head.layout
}

// command says how the check is run in any of the trees, with all that its many
// runs have in common: a PATH can be long.
func (p *proving) command(c *spec.Check) (process.Command, error) {
	command, err := p.checker.Command(p.reproduction.ID, c)
	if err != nil {
		return command, err
	}
	command.Env = withGoFlags(command.Env, uncached, telling)    // also where the check sets GOFLAGS itself
	command.Path, _ = process.Look(command.Argv[0], command.Env) // the run that can't be started says why
	return command, nil
}

// alone asks for leave and runs the check once.
func (p *proving) alone(ctx context.Context, cell string, c *spec.Check, command process.Command) (end check.JudgedRun, err error) {
	release, err := p.checker.Admit(ctx, c)
	if err != nil {
		return end, err
	}
	defer func() { err = errors.Join(err, release()) }()
	return p.run(ctx, cell, c, command)
}

// run runs the check once in the tree of a cell, for callers that have leave to.
// A run that changed the test is invalid: what it judged by is not known.
func (p *proving) run(ctx context.Context, cell string, c *spec.Check, command process.Command) (end check.JudgedRun, err error) {
	at := p.places[p.layout(cell).folder]
	if err := at.restore(); err != nil {
		return end, err
	}
	if command.Dir, err = check.Inside(at.dir, c.Dir); err != nil {
		end.Outcome, end.Why = record.NotStarted, record.OneLine(err)
		return end, nil
	}
	if end.Observation, err = p.checker.Once(ctx, p.reproduction.ID, c, command, true); err != nil {
		return end, err
	}
	end.Outcome, end.Why = cellOutcome(p.checker.Judge, cell, c, end.Observation)
	if path := at.tampered(); path != "" && end.Outcome != record.Interrupted {
		end.Outcome, end.Why = record.InvalidRun, "the run changed the test file "+path
	}
	return end, nil
}

// cell decides what a run means in a cell. In red and causal, not held is a
// pass. In the others held is a pass, not held the stated failure, and any
// other failure has the wrong reason.
func cellOutcome(j check.Judge, cell string, c *spec.Check, o check.Observation) (record.Outcome, string) {
	outcome, why := j.Outcome(c, o)
	if cell == record.CellRed || cell == record.CellCausal {
		if outcome == record.NotHeld && o.Result.Exit != 0 {
			return record.WrongReason, why
		}
		return outcome, why
	}
	if outcome == record.Held {
		return record.NotHeld, "fails for the stated reason"
	}
	outcome, why = j.Outcome(toPass(c), o)
	if outcome == record.NotHeld {
		return record.WrongReason, why
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
	if !m.changed || m.red[record.Held] == 0 {
		return m.found, nil
	}
	if err := p.export(ctx, p.head.layout); err != nil {
		return m.found, err
	}
	var last check.JudgedRun
	wanted := min(m.needed(), m.maxRuns)
	for n := 0; n < wanted && (n == 0 || last.Outcome == record.Held); n++ {
		p.Settings.Emit(record.ProofProgress{Reproduction: p.reproduction.ID, Fix: p.fix.ID, Cell: record.CellIntact, Done: n, Planned: wanted, Left: wanted - n})
		var err error
		if last, err = p.alone(ctx, record.CellIntact, m.Check, m.command); err != nil {
			return m.found, err
		}
		if ctx.Err() != nil {
			return m.found, context.Cause(ctx)
		}
		runs[last.Outcome]++
		p.changed.add(last)
	}
	switch v := m.found.verdict; {
	case v == record.NotFixed && last.Outcome == record.Held && wanted == m.needed():
		return finding{verdict: record.Weakened, reason: "the original test does not pass at head, the changed one does"}, nil
	case (v == record.Proven || v == record.Inconclusive) && last.Outcome != record.Held:
		return finding{verdict: record.NotFixed, reason: "the original test passes at head, the changed one does not: " + last.Why}, nil
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
		res, err := p.checker.Run(ctx, at.dir, p.reproduction.ID, command(script))
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case res.Outcome != record.Held:
			return fmt.Errorf("setting up an exported tree by %q: %s: %s", script, res.Reason, lastLine(res.Output))
		}
	}
	return nil
}
