package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

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
	folder    string           // of the run, with all that is made for it
	box       *sandbox.Sandbox // what the agent runs in; nil if in none
	kept      string           // record.AgentRun's Sandbox
	workspace *agent.Workspace
	recorded  bool // that the run leaves this if it is killed
	lost      bool // the agent removed its checkout
}

// withAgent lets the agent and the checks take turns until all criteria hold or the
// attempts are used up, and brings the target files back, unless the run was
// interrupted. It returns the results of the last checks.
func (a *attempt) withAgent(ctx context.Context, opts RunOptions) (results []record.Result, err error) {
	s := &session{attempt: a}
	if s.agent, err = a.chooseAgent(opts.Agent); err != nil {
		return nil, err
	}
	if err := s.open(ctx, opts); err != nil {
		return nil, err
	}
	results, err = s.takeTurns(ctx, max(opts.Attempts, 1))
	if ctx.Err() != nil {
		s.leave()
		return results, err
	}
	ctx = context.WithoutCancel(ctx)
	if errBack := s.bringBack(); errBack != nil { // what is not brought back is not to be lost
		s.leave()
		return results, errors.Join(err, fmt.Errorf("%w (the agent's work is in %s)", errBack, s.workspace.Dir()))
	}
	if err = errors.Join(err, s.workspace.Close()); err != nil {
		return results, err
	}
	a.candidate, err = a.readCandidate(ctx)
	return results, err
}

// open makes the agent's checkout: HEAD with the user's uncommitted target files,
// and the files below .chant as they are.
func (s *session) open(ctx context.Context, opts RunOptions) (err error) {
	a := s.attempt
	if err := s.confine(opts); err != nil {
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
	})
	if err != nil {
		return err
	}
	return s.takeOver(opts.Resume)
}

// takeOver lets the agent go on with what an earlier run left, if it is to, and records
// what this run leaves if it is killed.
func (s *session) takeOver(resume bool) (err error) {
	a := s.attempt
	h, err := a.engine.History()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	all, err := h.Left()
	if err != nil {
		return err
	}
	left, there := all[a.spec.ID]
	switch there = there && left.Exists(); {
	case resume && !there:
		return &project.UsageError{Msg: "spec " + a.spec.ID + ": no run has left work of an agent", Mend: "leave out --resume"}
	case resume && left.Start != s.workspace.Start():
		return &project.UsageError{
			Msg:  fmt.Sprintf("spec %s: HEAD or a target file has changed since run %s began", a.spec.ID, left.Run),
			Mend: "take what you need from " + left.Dir + ", and leave out --resume",
		}
	case resume:
		if err := s.workspace.Resume(left.Dir); err != nil {
			return err
		}
		if err := os.RemoveAll(left.Folder); err != nil {
			return err
		}
	case there:
		a.notice(fmt.Sprintf("what run %s left in %s is not used, and stays there", left.Run, left.Dir))
	}
	s.recorded = true
	return h.Leave(a.spec.ID, record.Left{
		Run: a.ev.ID, Agent: s.agent.Name, Folder: s.folder, Dir: s.workspace.Dir(), Start: s.workspace.Start(),
	})
}

// leave lets the agent's checkout stay, for a later run to go on with.
func (s *session) leave() {
	s.workspace.Leave()
	s.attempt.cleanUp = func() error { return nil }
}

// remove removes what was made for the run.
func (s *session) remove() error {
	err := os.RemoveAll(s.folder)
	if !s.recorded {
		return err
	}
	h, errOpen := s.attempt.engine.History()
	if errOpen != nil {
		return errors.Join(err, errOpen)
	}
	return errors.Join(err, h.Clear(s.attempt.spec.ID), h.Close())
}

func (s *session) agentFolder() string { return filepath.Join(s.folder, "agent") }

// confine makes the folder of the run, and the sandboxes of the agent and of the checks,
// which run what the agent wrote.
func (s *session) confine(opts RunOptions) (err error) {
	a, settings := s.attempt, s.attempt.engine.Settings
	if s.folder, err = os.MkdirTemp("", "chant-agent-"); err != nil {
		return fmt.Errorf("making a folder for the agent: %w (set TMPDIR to a folder that can be written to)", err)
	}
	a.cleanUp = s.remove
	checks := filepath.Join(s.folder, "checks")
	if err := errors.Join(os.Mkdir(s.agentFolder(), 0o700), os.Mkdir(checks, 0o700)); err != nil {
		return err
	}
	gaps, without := sandbox.Gaps()
	switch {
	case opts.Open:
		s.kept = "none: --no-sandbox"
		return nil
	case settings.Self == "":
		gaps, without = "there is no sandbox, because the path of chant's own program is unknown", true
	}
	s.kept = "landlock"
	if gaps != "" {
		s.kept += ", but " + gaps
		a.notice(gaps)
	}
	if without {
		s.kept = "none: " + gaps
		return nil
	}
	user, err := project.LoadUserConfig(settings.Env)
	if err != nil {
		return err
	}
	home := process.Getenv(settings.Env, "HOME")
	write := make([]string, len(user.SandboxWrite))
	for i, dir := range user.SandboxWrite {
		write[i] = strings.Replace(dir, "~/", home+"/", 1)
	}
	box := func(folder, caches string, write []string) (*sandbox.Sandbox, error) {
		return sandbox.Open(settings.Processes, sandbox.Options{
			Self: settings.Self, Env: settings.Env, Project: a.engine.Git.Dir(), Folder: folder,
			Caches: filepath.Join(project.CacheDir(settings.Root, settings.Env, s.folder), caches), Write: write,
		})
	}
	forChecks, err := box(checks, "checks", write)
	if errors.Is(err, sandbox.ErrProject) {
		return &project.UsageError{Msg: err.Error(), Mend: "name smaller folders under sandbox in your own config"}
	}
	if err != nil {
		return err
	}
	a.settings.Processes = forChecks
	a.settings.Env = forChecks.Environ(sandbox.WithoutServices(settings.Env))
	for _, own := range s.agent.Own {
		write = append(write, filepath.Join(home, own))
	}
	s.agent = s.agent.Sandboxed()
	s.box, err = box(s.agentFolder(), "agent", write)
	return err
}

// takeTurns runs agent and checks up to so many times. No results are returned where
// the last run of the agent could not be checked.
func (s *session) takeTurns(ctx context.Context, attempts int) ([]record.Result, error) {
	a := s.attempt
	var failed []record.Result
	for n := 1; ; n++ {
		if err := s.runOnce(ctx, n, attempts, failed); err != nil || ctx.Err() != nil {
			return nil, err
		}
		if s.lost {
			return nil, nil
		}
		results, err := s.check(ctx)
		if err != nil || ctx.Err() != nil {
			return results, err
		}
		last := a.ev.Agents[len(a.ev.Agents)-1]
		failed = slices.DeleteFunc(slices.Clone(results), func(r record.Result) bool { return r.Outcome.Met() || r.Manual })
		if n == attempts || len(failed) == 0 && last.Result.Status == record.AgentOK {
			return results, nil
		}
	}
}

// chooseAgent returns the agent of that name, or the one that the spec names.
func (a *attempt) chooseAgent(name string) (agent.Agent, error) {
	if name == spec.AgentOfSpec {
		if name = a.spec.Agent; name == "" {
			return agent.Agent{}, &project.UsageError{Msg: "spec " + a.spec.ID + " names no agent", Mend: "chant run --agent NAME"}
		}
	}
	return agent.ResolveAgent(a.project, name, a.engine.Settings.Env)
}

// runOnce runs the agent once and records what it did.
func (s *session) runOnce(ctx context.Context, n, attempts int, failed []record.Result) error {
	a, settings := s.attempt, s.attempt.engine.Settings
	prompt, err := agent.ComposePrompt(a.project, a.spec, failed, s.agent.Limit)
	if err != nil {
		return err
	}
	run := agent.NewAgentRun(n, prompt)
	run.Sandbox = s.kept
	settings.Emit(record.AgentStarted{Spec: a.spec.ID, Agent: s.agent.Name, Attempt: n, Attempts: attempts, Started: settings.Now()})
	run.Result, err = s.runAgent(ctx, n, prompt.Text)
	transcript := run.Result.Transcript
	run.Result.Transcript = "" // it has a key of its own
	if run.Result.Status != record.AgentNotStarted {
		err = errors.Join(err, s.readWork(ctx, &run))
	}
	a.ev.Agents = append(a.ev.Agents, run)
	settings.Emit(record.AgentDone{Spec: a.spec.ID, Run: run})
	for _, text := range run.Notices() {
		a.notice(text)
	}
	if run.Result.Status == record.AgentNotStarted {
		return err
	}
	err = errors.Join(err, s.keepTranscript(n, transcript))
	if run.Result.Status == record.AgentCancelled { // a run that is stopped leaves the spec as it was
		return err
	}
	return errors.Join(err, s.appendTranscript(transcript))
}

// readWork records what the agent did to its checkout.
func (s *session) readWork(ctx context.Context, run *record.AgentRun) error {
	changes, err := s.workspace.Read(context.WithoutCancel(ctx)) // so that an interrupted run names it, too
	if errors.Is(err, agent.ErrNoFolder) {
		s.lost = true
		if run.Result.Status == record.AgentOK {
			run.Result.Status, run.Result.Reason = record.AgentFailed, err.Error()
		}
		return nil
	}
	run.Claims = s.workspace.Claims(s.attempt.spec)
	run.Outside, run.Modes = append(run.Outside, changes.Outside...), append(run.Modes, changes.Modes...)
	run.Refused = append(run.Refused, changes.Refused...)
	return err
}

// runAgent runs the agent's program with its prompt.
func (s *session) runAgent(ctx context.Context, n int, prompt string) (record.AgentResult, error) {
	a, settings := s.attempt, s.attempt.engine.Settings
	processes, own := settings.Processes, []string(nil)
	if s.box != nil {
		processes, own = s.box, s.box.Environ(nil)
	}
	return agent.Run(ctx, processes, agent.Job{
		Agent: s.agent, Prompt: prompt, PromptFile: filepath.Join(s.folder, fmt.Sprintf("prompt-%d.md", n)),
		Model: a.spec.Model, Dir: s.workspace.Dir(), Sandbox: own,
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
	contents, err := s.workspace.Store(ctx, draft.Objects())
	if err != nil {
		return nil, errors.Join(err, draft.Close())
	}
	return s.attempt.checkSealed(ctx, draft, s.attempt.candidate, contents)
}

// bringBack writes the target files into the user's work tree, whether the checks
// held or not.
func (s *session) bringBack() error {
	a := s.attempt
	conflicts, err := s.workspace.BringBack(path.Join(project.StoreDir, "aside", a.ev.ID))
	if len(conflicts.Paths) > 0 {
		last := &a.ev.Agents[len(a.ev.Agents)-1]
		last.Conflicts, last.Aside = conflicts.Paths, conflicts.Aside
		for _, text := range (record.AgentRun{Conflicts: last.Conflicts, Aside: last.Aside}).Notices() {
			a.notice(text)
		}
	}
	return err
}

// transcriptLength is the most bytes of an agent's output that go into the spec
// file; the store has more.
const transcriptLength = 64 << 10

// appendTranscript adds what the agent said to the spec's file.
func (s *session) appendTranscript(transcript string) error {
	a := s.attempt
	if head, tail := agent.WholeLines(transcript, transcriptLength/2); len(head)+len(tail) < len(transcript) {
		transcript = fmt.Sprintf("%s… %d bytes are left out here; chant log %s shows more …\n%s",
			head, len(transcript)-len(head)-len(tail), a.spec.ID, tail)
	}
	at := a.engine.Settings.Now()
	err := a.edit(func(src []byte) ([]byte, error) { return spec.AppendTranscript(src, at, transcript) })
	if _, changed := errors.AsType[*changedError](err); changed || errors.Is(err, os.ErrNotExist) {
		return nil // the run fails for that, and says so
	}
	return err
}

// keepTranscript puts what the agent said into the store.
func (s *session) keepTranscript(n int, transcript string) error {
	a := s.attempt
	h, err := a.engine.History()
	if err != nil {
		return err
	}
	return errors.Join(h.Store.Put(record.TranscriptKey(a.spec.ID, a.ev.ID, n), []byte(transcript)), h.Close())
}
