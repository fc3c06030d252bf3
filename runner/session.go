package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"chant/runner/agent"
	"chant/runner/check"
	"chant/runner/checkout"
	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/runner/sandbox"
	"chant/spec"
)

// session is the turns that an agent and the checks take in one run. The agent works
// in a checkout of its own, which all attempts share; the checks run in a fresh one.
type session struct {
	attempt   *attempt
	agent     agent.Agent
	prompt    agent.Prompt     // of the next attempt
	folder    string           // of the run, with all that is made for it
	box       *sandbox.Sandbox // what the agent runs in
	kept      string           // record.AgentRun's Sandbox
	workspace *agent.Workspace
	lost      bool // the agent removed its checkout
}

// withAgent lets the agent and the checks take turns until all criteria hold or the
// attempts are used up, and brings the target files back, unless the run was
// interrupted. It returns the results of the last checks.
func (a *attempt) withAgent(ctx context.Context, opts RunOptions) (results []record.Result, err error) {
	s := &session{attempt: a}
	if s.agent, err = agent.ResolveAgent(a.project, a.spec, opts.Agent, a.engine.Settings.Env); err != nil {
		return nil, err
	}
	if s.prompt, err = agent.ComposePrompt(a.project, a.spec, nil); err != nil { // before a checkout is made for nothing
		return nil, err
	}
	if err := s.open(ctx, opts); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.workspace.Close()) }()
	results, err = s.takeTurns(ctx, max(opts.Attempts, 1))
	if ctx.Err() != nil {
		s.leave()
		return results, err
	}
	ctx = context.WithoutCancel(ctx)
	if errBack := s.bringBack(ctx); errBack != nil { // what is not brought back is not to be lost
		s.leave()
		return results, errors.Join(err, fmt.Errorf("%w (the agent's work is in %s)", errBack, s.workspace.Dir()))
	}
	if err == nil {
		a.candidate, err = a.readCandidate(ctx)
	}
	return results, err
}

// The folders of a run that the agent, and the checks, can write to.
func (s *session) agentFolder() string { return filepath.Join(s.folder, "agent") }
func (s *session) checkFolder() string { return filepath.Join(s.folder, "checks") }

// open makes the agent's checkout, HEAD with the user's uncommitted target files and the
// files below .chant as they are, or finds the one that an earlier run left.
func (s *session) open(ctx context.Context, opts RunOptions) (err error) {
	a := s.attempt
	left, there := a.left, a.left.Exists()
	switch {
	case opts.Resume && !there:
		return usage("leave out --resume", "spec %s: no run has left work of an agent", a.spec.ID)
	case opts.Resume:
		s.folder = left.Folder
	default:
		if there {
			a.notice(fmt.Sprintf("what run %s left in %s is not used, and stays there", left.Run, left.Dir))
		}
		left = record.Left{}
		temp, err := filepath.Abs(os.TempDir())
		if err == nil {
			s.folder, err = os.MkdirTemp(temp, "chant-agent-")
		}
		if err != nil {
			return fmt.Errorf("making a folder for the agent: %w (set TMPDIR to a folder that can be written to)", err)
		}
		a.cleanUp = func() error { return checkout.RemoveAll(s.folder) }
	}
	if err := os.MkdirAll(s.agentFolder(), 0o700); err != nil {
		return err
	}
	source, err := checkout.Open(ctx, a.engine.Git, checkout.Options{
		Temp: s.agentFolder(), Limit: 1, Link: a.project.Config.Link, Setup: a.project.Config.Setup,
		Env: a.engine.Settings.Env, Secrets: a.project.Config.Secrets, Processes: a.engine.Settings.Processes,
	})
	if err != nil {
		return err
	}
	s.workspace, err = agent.OpenWorkspace(ctx, a.engine.Git, source, agent.Task{
		Spec: a.spec, Base: a.candidate.head.Commit, Targets: a.candidate.targets, Chant: a.candidate.chant,
		Keep: filepath.Join(s.folder, "kept"), Dir: left.Dir,
	})
	if err != nil {
		return err
	}
	if opts.Resume && left.Start != s.workspace.Start() {
		return errors.Join(s.workspace.Close(), usage("take what you need from "+left.Dir+", and leave out --resume",
			"spec %s: HEAD or a target file has changed since run %s began", a.spec.ID, left.Run))
	}
	if err := errors.Join(s.confine(opts), s.record()); err != nil {
		return errors.Join(err, s.workspace.Close())
	}
	return nil
}

// record records what the run leaves if it is killed, and that nothing is left in the end.
func (s *session) record() error {
	a := s.attempt
	a.cleanUp = func() error {
		clearIt := func(h record.History) error { return h.Clear(a.spec.ID) }
		return errors.Join(checkout.RemoveAll(s.folder), a.engine.store(clearIt))
	}
	left := record.Left{Run: a.ev.ID, Agent: s.agent.Name, Folder: s.folder, Dir: s.workspace.Dir(), Start: s.workspace.Start()}
	return a.engine.store(func(h record.History) error { return h.Leave(a.spec.ID, left) })
}

// leave lets the agent's checkout stay, for a later run to go on with.
func (s *session) leave() { s.attempt.cleanUp = func() error { return nil } }

// confine makes the sandboxes of the agent and of the checks, which run what the agent wrote.
func (s *session) confine(opts RunOptions) error {
	a, settings := s.attempt, s.attempt.engine.Settings
	for _, dir := range []string{filepath.Join(s.agentFolder(), "home"), s.checkFolder()} { // of an earlier run
		if err := checkout.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.Mkdir(s.checkFolder(), 0o700); err != nil {
		return err
	}
	s.kept = "landlock"
	if gaps, without := sandbox.Gaps(); opts.Open {
		s.kept = "none: --no-sandbox"
	} else if gaps != "" {
		s.kept += ", but " + gaps
		if without {
			s.kept = "none: " + gaps
		}
		a.notice(gaps)
	}
	user, err := project.LoadUserConfig(settings.Env)
	if err != nil {
		return err
	}
	box := func(folder, caches string, write []string) (*sandbox.Sandbox, error) {
		return sandbox.Open(settings.Processes, sandbox.Options{
			Self: settings.Self, Env: settings.Env, Project: a.engine.Git.Dir(), Folder: folder, Write: write, Off: opts.Open,
			Caches: filepath.Join(project.CacheDir(settings.Root, settings.Env, s.folder), caches),
		})
	}
	checks, err := box(s.checkFolder(), "checks", user.SandboxWrite)
	if errors.Is(err, sandbox.ErrProject) {
		return usage("name smaller folders under sandbox in your own config", "%v", err)
	}
	if err != nil {
		return err
	}
	a.settings.Processes, a.settings.Env = checks, checks.Environ(settings.Env)
	a.wrap = checks.Wrap
	if checks.Enforces() {
		s.agent = s.agent.Sandboxed()
	}
	s.box, err = box(s.agentFolder(), "agent", slices.Concat(user.SandboxWrite, s.agent.Own))
	return err
}

// takeTurns runs agent and checks up to so many times. No results are returned where
// the last run of the agent could not be checked.
func (s *session) takeTurns(ctx context.Context, attempts int) ([]record.Result, error) {
	for n := 1; ; n++ {
		status, err := s.runOnce(ctx, n, attempts)
		if err != nil || ctx.Err() != nil || s.lost {
			return nil, err
		}
		results, err := s.check(ctx)
		if err != nil || ctx.Err() != nil {
			return results, err
		}
		failed := slices.DeleteFunc(slices.Clone(results), func(r record.Result) bool { return r.Outcome.Met() || r.Manual })
		if n == attempts || len(failed) == 0 && status == record.AgentOK {
			return results, nil
		}
		if s.prompt, err = agent.ComposePrompt(s.attempt.project, s.attempt.spec, failed); err != nil {
			return nil, err
		}
	}
}

// runOnce runs the agent once and records what it did.
func (s *session) runOnce(ctx context.Context, n, attempts int) (_ record.AgentStatus, err error) {
	a, settings := s.attempt, s.attempt.engine.Settings
	run := agent.NewAgentRun(n, s.prompt)
	run.Sandbox = s.kept
	settings.Emit(record.AgentStarted{Spec: a.spec.ID, Agent: s.agent.Name, Attempt: n, Attempts: attempts, Started: settings.Now()})
	run.Result, err = s.runAgent(ctx, n)
	transcript := run.Result.Transcript
	run.Result.Transcript = "" // it has a key of its own
	started := run.Result.Status != record.AgentNotStarted
	if started {
		err = errors.Join(err, s.readWork(ctx, &run))
	}
	a.ev.Agents = append(a.ev.Agents, run)
	settings.Emit(record.AgentDone{Spec: a.spec.ID, Run: run})
	for _, text := range run.Notices() {
		a.notice(text)
	}
	if started {
		err = errors.Join(err, s.keepTranscript(n, transcript, run.Result.Status == record.AgentCancelled))
	}
	return run.Result.Status, err
}

// readWork records what the agent did to its checkout.
func (s *session) readWork(ctx context.Context, run *record.AgentRun) error {
	err := s.workspace.Read(context.WithoutCancel(ctx), run) // so that an interrupted run names it, too
	if s.lost = errors.Is(err, agent.ErrNoFolder); !s.lost {
		return err
	}
	if run.Result.Status == record.AgentOK {
		run.Result.Status, run.Result.Reason = record.AgentFailed, err.Error()
	}
	return nil
}

// runAgent runs the agent's program with its prompt.
func (s *session) runAgent(ctx context.Context, n int) (record.AgentResult, error) {
	a, settings := s.attempt, s.attempt.engine.Settings
	return agent.Run(ctx, s.box, agent.Job{
		Agent: s.agent, Prompt: s.prompt.Text, PromptFile: filepath.Join(s.folder, fmt.Sprintf("prompt-%s-%d.md", a.ev.ID, n)),
		Model: a.spec.Model, Dir: s.workspace.Dir(), Sandbox: s.box.Environ(nil),
		Spec: a.spec.ID, Phase: a.spec.Phase, RunID: a.ev.ID,
		Env:     check.WithProgram(process.Environ(settings.Env), settings.Self),
		Secrets: process.Secrets(settings.Env), Patterns: a.project.Config.Secrets,
		Progress: func(line string) { settings.Emit(record.AgentProgress{Spec: a.spec.ID, Line: line}) },
	})
}

// check runs the checks in a fresh checkout: HEAD with the target files as the agent
// left them.
func (s *session) check(ctx context.Context) ([]record.Result, error) {
	if s.workspace.ChangesDependencies() {
		s.attempt.link = nil // what is installed in the user's work tree is not what these files ask for
	}
	source, err := s.attempt.checkouts(ctx)
	if err != nil {
		return nil, err
	}
	draft, err := source.New()
	if err != nil {
		return nil, err
	}
	contents, err := s.workspace.Store(draft.Objects())
	if err != nil {
		return nil, errors.Join(err, draft.Close())
	}
	return s.attempt.checkSealed(ctx, draft, s.attempt.candidate, contents)
}

// bringBack writes the target files into the user's work tree, whether the checks
// held or not.
func (s *session) bringBack(ctx context.Context) error {
	last := &s.attempt.ev.Agents[len(s.attempt.ev.Agents)-1]
	before := len(last.Notices())
	err := s.workspace.BringBack(ctx, last, path.Join(project.StoreDir, "aside", s.attempt.ev.ID))
	for _, text := range last.Notices()[before:] {
		s.attempt.notice(text)
	}
	return err
}

const transcriptLength = 64 << 10 // bytes of an agent's output that go into the spec; the store has more

// keepTranscript puts what the agent said into the store, and adds it to the spec's file
// unless the run is stopped, which leaves the spec as it was.
func (s *session) keepTranscript(n int, transcript string, stopped bool) error {
	a := s.attempt
	err := a.engine.store(func(h record.History) error {
		return h.Store.Put(record.TranscriptKey(a.spec.ID, a.ev.ID, n), []byte(transcript))
	})
	if err != nil || stopped {
		return err
	}
	transcript, _ = agent.Shorten(transcript, transcriptLength/2)
	at := a.engine.Settings.Now()
	err = a.edit(func(src []byte) ([]byte, error) { return spec.AppendTranscript(src, at, transcript) })
	if _, changed := errors.AsType[*changedError](err); changed || errors.Is(err, os.ErrNotExist) {
		return nil // the run fails for that, and says so
	}
	return err
}
