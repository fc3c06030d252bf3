package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// RunOptions change what a run does with what it found.
type RunOptions struct {
	Message  string // the commit's subject; the spec's title where empty
	NoCommit bool   // tick, but record no completion

	Agent    string // runs before the checks; spec.AgentOfSpec is the one that the spec names, "" none
	Attempts int    // of agent and checks, until all hold; 0 is 1
}

// attempt is one run under way.
type attempt struct {
	engine  *Engine
	project *project.Project
	spec    *spec.Spec
	begun   []git.Change     // what differed from HEAD when the run began
	before  project.Worktree // the state of that
	ev      record.Evidence
}

// Run runs the checks of the spec with this id under its lock, ticks exactly
// what held, and, when all did, commits the work and the completion. That a
// criterion did not hold is told by the evidence's Verdict; an error means that
// the run could not be done. The evidence is kept either way.
func (e *Engine) Run(ctx context.Context, specID string, opts RunOptions) (ev record.Evidence, err error) {
	release, err := e.lock(ctx, specID)
	if err != nil {
		return record.Evidence{}, err
	}
	defer func() { err = errors.Join(err, release()) }()
	a, err := e.freeze(ctx, specID, opts)
	if err != nil {
		return record.Evidence{}, err
	}
	err = a.decide(ctx, opts)
	return a.ev, errors.Join(err, a.keep(err))
}

// freeze reads everything that the run will be measured against.
func (e *Engine) freeze(ctx context.Context, specID string, opts RunOptions) (*attempt, error) {
	p, err := project.Load(e.Settings.Root)
	if err != nil {
		return nil, err
	}
	s, err := p.Set.Resolve(specID)
	if err != nil {
		return nil, err
	}
	live, err := ReadLive(p)
	if err != nil {
		return nil, err
	}
	delete(live.Facts.Running, s.ID) // the lock is ours
	if err := e.Refuse(p, s, live.Facts); err != nil {
		return nil, err
	}
	if !opts.NoCommit {
		if err := e.Git.Ready(ctx); err != nil {
			return nil, err
		}
	}
	a := &attempt{engine: e, project: p, spec: s}
	started := e.Settings.Now().UTC()
	a.ev = record.Evidence{
		ID: e.NewRunID(started), Spec: s.ID, Started: started, Digest: s.Digest(),
		Criteria: []record.Result{}, Commits: []string{}, Outside: []string{}, Agents: []record.AgentRun{},
	}
	head, err := e.Git.Head()
	if err != nil {
		return nil, err
	}
	if head.Commit != "" {
		tree, err := e.Git.Tree(head.Commit)
		if err != nil {
			return nil, err
		}
		a.ev.Commit, a.ev.Tree = string(head.Commit), string(tree)
	}
	if a.begun, err = project.ReadChanges(ctx, e.Git); err != nil {
		return nil, err
	}
	if err := committable(s, a.begun); err != nil && !opts.NoCommit {
		return nil, err
	}
	if a.before, err = project.Stamps(e.Settings.Root, a.begun); err != nil {
		return nil, err
	}
	a.ev.Dirty = a.before.Paths()
	if !opts.NoCommit {
		if err := e.ignoredTargets(s, a.before); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Refuse says why the spec can't be run now; nil where it can. It starts no
// process.
func (e *Engine) Refuse(p *project.Project, s *spec.Spec, facts spec.Live) error {
	if err := errors.Join(p.Problems[s.Path].Err(), spec.LintSpec(s, p.Config).Err(), project.BehindLinks(e.Settings.Root, s).Err()); err != nil {
		return err
	}
	state, blocks := p.Set.State(s, facts)
	if state == spec.StateCompleted {
		recorded, err := e.recorded(s)
		if err != nil {
			return err
		}
		if !recorded { // written, but never committed: it counts for nothing, so do it again
			state, blocks = unrecorded(p.Set, s, facts)
		}
	}
	if state != spec.StateReady && state != spec.StateFailed {
		return &NotReadyError{ID: s.ID, State: state, Blocks: blocks}
	}
	if len(s.Criteria) == 0 && len(p.Set.Members(s)) == 0 {
		return &NoCriteriaError{ID: s.ID, Path: s.Path}
	}
	return nil
}

// unrecorded gives the state of s as if its file did not say completed.
func unrecorded(set *spec.Set, s *spec.Spec, facts spec.Live) (spec.State, []spec.Block) {
	state, blocks := spec.StateReady, []spec.Block(nil)
	for _, d := range set.Dependencies(s) {
		if is, _ := set.State(d, facts); is != spec.StateCompleted {
			state = spec.StateBlocked
			blocks = append(blocks, spec.Block{ID: d.ID, Reason: fmt.Sprintf("dependency is %s", is)})
		}
	}
	return state, blocks
}

// recorded tells whether the spec is completed in HEAD too.
func (e *Engine) recorded(s *spec.Spec) (bool, error) {
	head, err := e.Git.Head()
	if err != nil || head.Commit == "" {
		return false, err
	}
	src, err := e.Git.ReadFile(head.Commit, s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	committed, _ := spec.Parse(s.Path, src) // its status counts, whatever else is wrong in it
	return committed.Status == spec.StatusCompleted, nil
}

// NoCriteriaError tells that nothing in a spec could decide that it is done.
type NoCriteriaError struct {
	ID   string
	Path string
}

// Error names the spec.
func (n *NoCriteriaError) Error() string {
	return fmt.Sprintf("spec %s: %s: has no acceptance criteria, so nothing can complete it", n.ID, n.Path)
}

// Hint gives the way on.
func (n *NoCriteriaError) Hint() string {
	return `add a "## Acceptance Criteria" section with a task list`
}

// decide runs the checks, ticks, and completes the spec when all is met.
func (a *attempt) decide(ctx context.Context, opts RunOptions) error {
	a.engine.Settings.Emit(record.RunStarted{Spec: a.spec.ID, Title: a.spec.Title, Criteria: len(a.spec.Criteria)})
	here := func(*spec.Check) (string, error) { return a.engine.Settings.Root, nil }
	check := func() ([]record.Result, error) {
		return a.engine.Settings.NewRunner(a.project.Config).All(ctx, here, a.spec)
	}
	var results []record.Result
	var err error
	if opts.Agent == "" {
		results, err = check()
	} else {
		results, err = a.withAgent(ctx, opts, check)
	}
	a.ev.Criteria = append(a.ev.Criteria, results...)
	switch {
	case ctx.Err() != nil:
		a.ev.Verdict = record.Stopped
		return context.Cause(ctx)
	case err != nil:
		return err
	}
	// From here on the run is short, and half of it would be worse than all.
	ctx = context.WithoutCancel(ctx)
	a.ev.Verdict, a.ev.Reason = summary(a.spec, results)
	if n := len(a.ev.Agents); n > 0 && a.ev.Agents[n-1].Result.Status != record.AgentOK {
		a.ev.Verdict, a.ev.Reason = record.Failed, fmt.Sprintf("agent %s: %s", a.ev.Agents[n-1].Result.Agent, a.ev.Agents[n-1].Result.Reason)
	}
	err = a.tick(results)
	if _, changed := errors.AsType[*changedError](err); changed {
		a.ev.Verdict, a.ev.Reason = record.Failed, err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	if err := a.outside(ctx); err != nil {
		return err
	}
	if a.ev.Verdict != record.AllHeld || opts.NoCommit {
		return nil
	}
	if err := a.complete(ctx, opts); err != nil {
		return err
	}
	a.ev.Verdict = record.Completed
	return nil
}

// summary gives the verdict that the criteria allow, before any commit, and the
// reason that their results do not show.
func summary(s *spec.Spec, results []record.Result) (verdict record.Verdict, reason string) {
	verdict = record.AllHeld
	if len(s.OddMarks) > 0 {
		mark := s.OddMarks[0]
		verdict, reason = record.Failed, fmt.Sprintf("line %d: the mark %s is neither done nor open", mark.Pos.Line, mark.Value)
	}
	for _, r := range results {
		switch {
		case r.Outcome == record.Unattested && verdict != record.Failed:
			verdict = record.Waiting
		case r.Outcome != record.Unattested && !r.Outcome.Met():
			verdict = record.Failed
		}
	}
	return verdict, reason
}

// changedError fails a run whose spec was edited while it was going: what was
// checked is no longer what the file asks for, or it tells what nobody recorded.
type changedError struct{ what string }

func (c *changedError) Error() string { return c.what + " while the run was going" }

// tick writes what held into the file as it is now, so that an edit of its
// prose during the run is kept.
func (a *attempt) tick(results []record.Result) error {
	ticks := map[int]bool{}
	for _, r := range results {
		ticks[r.Number] = r.Outcome.Met()
	}
	return a.edit(func(src []byte) ([]byte, error) { return spec.SetTicks(src, ticks) })
}

// edit changes the spec's file by f, provided that its criteria and checks are
// still those that the run was given, and that no check wrote a record into it.
func (a *attempt) edit(f func(src []byte) ([]byte, error)) error {
	err := a.engine.editSpec(a.spec.Path, func(src []byte) ([]byte, error) {
		now, problems := spec.Parse(a.spec.Path, src)
		if err := problems.Err(); err != nil {
			return nil, err
		}
		if now.Digest() != a.ev.Digest {
			return nil, &changedError{"the criteria or checks changed"}
		}
		if record := changedRecord(a.spec.Meta, now.Meta); record != "" {
			return nil, &changedError{record + " changed"}
		}
		return f(src)
	})
	if err != nil {
		return fmt.Errorf("spec %s: writing %s: %w", a.spec.ID, a.spec.Path, err)
	}
	return nil
}

// outside names the files that changed during the run and are none of the
// spec's business.
func (a *attempt) outside(ctx context.Context) error {
	after, err := project.ReadWorktree(ctx, a.engine.Git, a.engine.Settings.Root)
	if err != nil {
		return err
	}
	a.ev.Outside = slices.DeleteFunc(after.Since(a.before), func(path string) bool {
		return path == a.spec.Path || a.spec.Targets(path)
	})
	for _, path := range a.ev.Outside {
		a.engine.Settings.Emit(record.Notice{Spec: a.spec.ID, Text: "changed outside target_files, and left alone: " + path})
	}
	return nil
}

// keep records the evidence, also of a run that was stopped or broke.
func (a *attempt) keep(runErr error) error {
	if runErr != nil && a.ev.Verdict != record.Stopped {
		a.ev.Verdict, a.ev.Reason = record.Broken, record.OneLine(runErr)
	}
	a.ev.DurationMS = a.engine.Settings.Now().Sub(a.ev.Started).Milliseconds()
	history, err := a.engine.History()
	if err != nil {
		return err
	}
	err = history.Add(a.ev)
	return errors.Join(err, history.Close())
}

var _ Repository = (*git.Repo)(nil)
