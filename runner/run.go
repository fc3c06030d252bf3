package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"chant/runner/check"
	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// RunOptions are the options of a run.
type RunOptions struct {
	Message  string // the commit's subject; the spec's title where empty
	NoCommit bool   // tick, but record no completion
	SignOff  bool   // the commits say who signs them off, as by git commit --signoff

	Agent    string // runs before the checks; spec.AgentOfSpec means the spec's own, "" none
	Attempts int    // of agent and checks, until all criteria hold; 0 means 1
	Open     bool   // the agent and its checks run in no sandbox
	Resume   bool   // the agent goes on with what an interrupted run left
}

// attempt is the state of one run.
type attempt struct {
	engine    *Engine
	settings  check.Settings // for checks: the engine's, or those of a sandbox
	link      []string       // paths of the user's work tree that checkouts get a symlink to
	project   *project.Project
	spec      *spec.Spec
	candidate candidate        // as it was before the checks ran
	before    project.Worktree // the state of all that differed from HEAD then
	sealed    *sealed          // what the checks have seen in a checkout; nil where they ran in none
	signer    string           // for Signed-off-by; "" if nobody is to sign off
	ev        record.Evidence
	left      record.Left // what an earlier run left
	// wrap returns how git is started in checkouts of what an agent wrote.
	wrap    func(path string, argv []string) (string, []string)
	cleanUp func() error // removes what was made for the run
}

// Run runs the checks of the spec with this id under its lock, ticks exactly the criteria
// that held and, if all did, commits the work and the completion. An error means that the
// run could not be completed; a criterion that did not hold is not an error. The evidence
// is stored in both cases.
func (e *Engine) Run(ctx context.Context, specID string, opts RunOptions) (ev record.Evidence, err error) {
	release, err := e.lock(ctx, specID)
	if err != nil {
		return record.Evidence{}, err
	}
	defer func() { err = errors.Join(err, release()) }()
	a, err := e.prepare(ctx, specID, opts)
	if err != nil {
		return record.Evidence{}, err
	}
	if err := a.begin(); err != nil {
		return record.Evidence{}, err
	}
	err = errors.Join(a.decide(ctx, opts), a.cleanUp())
	return a.ev, errors.Join(err, a.end(err))
}

// prepare reads the spec and the state of the project, and refuses a spec that can't be run.
func (e *Engine) prepare(ctx context.Context, specID string, opts RunOptions) (*attempt, error) {
	p, err := project.Load(e.Settings.Root)
	if err != nil {
		return nil, err
	}
	s, err := p.Set.Resolve(specID)
	if err != nil {
		return nil, err
	}
	live, err := ReadLive(ctx, p, e.Git)
	if err != nil {
		return nil, err
	}
	delete(live.Facts.Running, s.ID) // this process holds the lock
	if err := e.Refuse(p, s, live.Facts); err != nil {
		return nil, err
	}
	if !opts.NoCommit {
		if err := e.Git.Ready(ctx); err != nil {
			return nil, err
		}
	}
	if begun, ok := live.Interrupted[s.ID]; ok {
		e.Settings.Emit(record.Notice{Spec: s.ID, Text: fmt.Sprintf("run %s was interrupted; this run starts again", begun.Run)})
	}
	a := &attempt{
		engine: e, settings: e.Settings, link: p.Config.Link, project: p, spec: s,
		left: live.Left[s.ID], cleanUp: func() error { return nil },
	}
	if opts.SignOff && !opts.NoCommit {
		if a.signer, err = e.Git.Identity(ctx); err != nil {
			return nil, err
		}
	}
	started := e.Settings.Now().UTC()
	a.ev = record.Evidence{
		ID: e.NewRunID(started), Spec: s.ID, Started: started, Digest: s.Digest(), Criteria: []record.Result{},
		Commits: []string{}, Outside: []string{}, Extra: []string{}, Agents: []record.AgentRun{},
	}
	return a, a.measure(ctx, opts)
}

// measure records the state of HEAD and the work tree before any check runs.
func (a *attempt) measure(ctx context.Context, opts RunOptions) (err error) {
	e := a.engine
	if a.candidate, err = a.readCandidate(ctx); err != nil {
		return err
	}
	if head := a.candidate.head; head.Commit != "" {
		tree, err := e.Git.Tree(head.Commit)
		if err != nil {
			return err
		}
		a.ev.Commit, a.ev.Tree = string(head.Commit), string(tree)
	}
	if a.before, err = project.ReadWorktree(ctx, e.Git, e.Settings.Root); err != nil {
		return err
	}
	a.ev.Dirty = a.before.Paths()
	if opts.NoCommit {
		return nil
	}
	a.ev.Extra = append(a.ev.Extra, a.candidate.extra...)
	if err := e.ignoredTargets(a.spec, a.candidate); err != nil {
		return err
	}
	if err := a.committable(); err != nil {
		return err
	}
	unmatched, err := a.unmatched(ctx, a.candidate)
	for _, item := range unmatched {
		a.notice("target_files: nothing matches " + item.Value + didYouMean(item.Value, a.candidate.extra))
	}
	return err
}

// committable returns an error if git can't commit a target file or the spec.
func (a *attempt) committable() error {
	for _, at := range a.candidate.nested {
		return usage("remove it from target_files, or let git ignore it",
			"spec %s: the target file %s is a repository of its own", a.spec.ID, at)
	}
	if _, changed := a.before[a.spec.Path]; changed || a.candidate.head.Commit == "" {
		return nil
	}
	entry, err := a.engine.Git.Entry(a.candidate.head.Commit, a.spec.Path)
	if err == nil && entry == "" {
		err = usage("git check-ignore -v "+a.spec.Path+" shows why",
			"spec %s: git ignores %s, so its completion can't be committed", a.spec.ID, a.spec.Path)
	}
	return err
}

// Refuse returns an error if the spec can't be run now. It starts no process.
func (e *Engine) Refuse(p *project.Project, s *spec.Spec, facts spec.Live) error {
	edits, links := spec.LintEdits(s), project.BehindLinks(e.Settings.Root, s)
	if err := errors.Join(p.Problems[s.Path].Err(), edits.Err(), links.Err()); err != nil {
		return err
	}
	state, blocks := p.Set.State(s, facts)
	if state != spec.StateReady && state != spec.StateFailed {
		return &NotReadyError{ID: s.ID, State: state, Blocks: blocks}
	}
	if len(s.Criteria) == 0 && len(p.Set.Members(s)) == 0 {
		return fmt.Errorf("spec %s: %s: %w", s.ID, s.Path, ErrNoCriteria)
	}
	return nil
}

// ErrNoCriteria is returned for a spec without criteria, which no run could complete.
var ErrNoCriteria = errors.New(`has no acceptance criteria (add a "## Acceptance Criteria" section with a task list)`)

// decide runs the checks, ticks what held, and completes the spec if all criteria are met.
func (a *attempt) decide(ctx context.Context, opts RunOptions) error {
	a.engine.Settings.Emit(record.RunStarted{Spec: a.spec.ID, Title: a.spec.Title, Criteria: len(a.spec.Criteria)})
	results, err := a.check(ctx, opts)
	a.ev.Criteria = append(a.ev.Criteria, results...)
	if err != nil || ctx.Err() != nil {
		return a.orStopped(ctx, err)
	}
	a.ev.Verdict = summary(results)
	if a.agents() {
		a.judgeAgent()
	}
	if err := a.outside(ctx); err != nil {
		return err
	}
	if a.ev.Verdict == record.AllHeld && !opts.NoCommit {
		if err = a.complete(ctx, opts); err != nil || a.ev.Verdict == record.Completed {
			return a.orStopped(ctx, a.orChanged(err))
		}
	}
	return a.orChanged(a.tick())
}

// check runs the agent, if there is one, and the checks.
func (a *attempt) check(ctx context.Context, opts RunOptions) ([]record.Result, error) {
	if opts.Agent != "" {
		return a.withAgent(ctx, opts)
	}
	here := func(*spec.Check) (string, error) { return a.engine.Settings.Root, nil }
	return a.engine.Settings.NewRunner(a.project.Config).All(ctx, here, a.spec)
}

// judgeAgent fails the run if its agent failed, or if the agent's work conflicts with the
// user's.
func (a *attempt) judgeAgent() {
	last := a.ev.Agents[len(a.ev.Agents)-1]
	switch {
	case last.Result.Status != record.AgentOK:
		a.fail(fmt.Sprintf("agent %s: %s", last.Result.Agent, last.Result.Reason))
	case len(last.Refused) > 0:
		a.fail("target files that can't come back from the agent: " + record.Some(last.Refused))
	case len(last.Conflicts) > 0:
		a.fail("changed in the work tree while the agent ran: " + record.Some(last.Conflicts))
	}
}

// orStopped returns the cause of an interruption, or err if there was none.
func (a *attempt) orStopped(ctx context.Context, err error) error {
	if ctx.Err() == nil || a.ev.Verdict == record.Completed {
		return err
	}
	a.ev.Verdict = record.Stopped
	return context.Cause(ctx)
}

// orChanged turns a changedError into a failed run.
func (a *attempt) orChanged(err error) error {
	if _, changed := errors.AsType[*changedError](err); changed {
		a.fail(err.Error())
		return nil
	}
	return err
}

// summary returns the verdict by the results of the criteria.
func summary(results []record.Result) record.Verdict {
	verdict := record.AllHeld
	for _, r := range results {
		switch {
		case r.Outcome == record.Unattested && verdict != record.Failed:
			verdict = record.Waiting
		case r.Outcome != record.Unattested && !r.Outcome.Met():
			verdict = record.Failed
		}
	}
	return verdict
}

// changedError is returned if the spec's criteria, checks or records changed during the run.
type changedError struct{ what string }

func (c *changedError) Error() string { return c.what + " during the run" }

// tick ticks what held in the spec's current file, so that edits of its text during the run
// survive.
func (a *attempt) tick() error {
	return a.edit(func(src []byte) ([]byte, error) { return spec.SetTicks(src, ticksOf(a.ev.Criteria)) })
}

func ticksOf(results []record.Result) map[int]bool {
	ticks := map[int]bool{}
	for _, r := range results {
		ticks[r.Number] = r.Outcome.Met()
	}
	return ticks
}

// edit changes the spec's file with f. It returns a changedError if the criteria, checks or
// records in it are not those that the run began with.
func (a *attempt) edit(f func(src []byte) ([]byte, error)) error {
	err := a.engine.editSpec(a.spec.Path, func(src []byte) ([]byte, error) {
		now, problems := spec.Parse(a.spec.Path, src)
		if err := problems.Err(); err != nil {
			return nil, err
		}
		if now.Digest() != a.ev.Digest {
			return nil, &changedError{"the criteria or checks changed"}
		}
		if record := project.ChangedRecord(a.spec.Meta, now.Meta); record != "" {
			return nil, &changedError{record + " changed"}
		}
		return f(src)
	})
	if err != nil {
		return fmt.Errorf("spec %s: writing %s: %w", a.spec.ID, a.spec.Path, err)
	}
	return nil
}

// outside records the files outside of target_files that changed during the run.
func (a *attempt) outside(ctx context.Context) error {
	after, err := project.ReadWorktree(ctx, a.engine.Git, a.engine.Settings.Root)
	if err != nil {
		return err
	}
	a.ev.Outside = slices.DeleteFunc(after.Since(a.before), func(path string) bool {
		return path == a.spec.Path || a.spec.Targets(path)
	})
	for _, path := range a.ev.Outside {
		a.notice("changed outside target_files, and left alone: " + path)
	}
	return nil
}

// begin records that the run has begun, so that it can be seen if it is killed.
func (a *attempt) begin() error {
	begun := record.Begun{Spec: a.spec.ID, Run: a.ev.ID, Started: a.ev.Started}
	return a.engine.store(func(h record.History) error { return h.Begin(begun) })
}

// end stores the evidence.
func (a *attempt) end(runErr error) error {
	if runErr != nil && a.ev.Verdict != record.Stopped {
		reason := record.OneLine(runErr) // may have the output of a hook
		a.ev.Verdict = record.Broken
		a.ev.Reason = process.MaskText(reason, process.Secrets(a.engine.Settings.Env), a.project.Config.Secrets)
	}
	a.ev.DurationMS = a.engine.Settings.Now().Sub(a.ev.Started).Milliseconds()
	return a.engine.store(func(h record.History) error { return h.End(a.ev) })
}
