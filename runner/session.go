package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"chant/runner/agent"
	"chant/runner/check"
	"chant/runner/checkout"
	"chant/runner/git"
	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// session is the turns that an agent and the checks take in one run. The agent works
// in a checkout of its own, which all attempts share; the checks run in a fresh one.
type session struct {
	attempt   *attempt
	agent     agent.Agent
	work      *checkout.Checkout // where the agent works
	workspace *agent.Workspace
	checks    *checkout.Source
}

// withAgent lets the agent and the checks take turns until all criteria hold or the
// attempts are used up, and brings the target files back. It returns the results of
// the last checks.
func (a *attempt) withAgent(ctx context.Context, opts RunOptions) (results []record.Result, err error) {
	s := &session{attempt: a}
	if s.agent, err = a.chooseAgent(opts.Agent); err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.work.Close()) }()
	if results, err = s.takeTurns(ctx, max(opts.Attempts, 1)); err != nil || ctx.Err() != nil {
		return results, err
	}
	ctx = context.WithoutCancel(ctx)
	if err := s.bringBack(); err != nil {
		return results, err
	}
	a.candidate, err = a.readCandidate(ctx)
	return results, err
}

// open makes the agent's checkout: HEAD with the user's uncommitted target files,
// and the files below .chant as they are.
func (s *session) open(ctx context.Context) error {
	a := s.attempt
	source, err := a.checkouts(ctx)
	if err != nil {
		return err
	}
	if s.checks, err = a.checkouts(ctx); err != nil {
		return err
	}
	draft, err := source.New()
	if err != nil {
		return err
	}
	contents, err := a.engine.Git.Store(ctx, slices.Concat(a.candidate.targets, a.candidate.chant), draft.Objects())
	if err != nil {
		return errors.Join(err, draft.Close())
	}
	if s.work, err = draft.Checkout(ctx, a.candidate.head.Commit, checkout.Changes(contents)); err != nil {
		return err
	}
	s.workspace, err = agent.OpenWorkspace(s.work.Dir(), a.engine.Settings.Root, a.spec.Targets)
	if err != nil {
		return errors.Join(err, s.work.Close())
	}
	return nil
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
	settings.Emit(record.AgentStarted{Spec: a.spec.ID, Agent: s.agent.Name, Attempt: n, Attempts: attempts, Started: settings.Now()})
	run.Result, err = s.runAgent(ctx, n, prompt.Text)
	transcript := run.Result.Transcript
	run.Result.Transcript = "" // it has a key of its own
	if run.Result.Status != record.AgentNotStarted {
		changes, errChanges := s.workspace.Changes()
		err = errors.Join(err, errChanges)
		run.Claims, run.Outside = s.workspace.Claims(a.spec), append(run.Outside, changes.Outside...)
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

// runAgent runs the agent's program with its prompt.
func (s *session) runAgent(ctx context.Context, n int, prompt string) (_ record.AgentResult, err error) {
	dir, err := os.MkdirTemp("", "chant-prompt-")
	if err != nil {
		return record.AgentResult{Status: record.AgentNotStarted}, fmt.Errorf("making the folder of the prompt: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	a, settings := s.attempt, s.attempt.engine.Settings
	return agent.Run(ctx, settings.Processes, agent.Job{
		Agent: s.agent, Prompt: prompt, PromptFile: filepath.Join(dir, fmt.Sprintf("prompt-%d.md", n)),
		Model: a.spec.Model, Dir: s.work.Dir(), Spec: a.spec.ID, Phase: a.spec.Phase, RunID: a.ev.ID,
		Env:     check.WithProgram(process.Environ(settings.Env), settings.Self),
		Secrets: process.Secrets(settings.Env), Patterns: a.project.Config.Secrets,
		Progress: func(line string) { settings.Emit(record.AgentProgress{Spec: a.spec.ID, Line: line}) },
	})
}

// check runs the checks in a fresh checkout: HEAD with the target files as the agent
// left them.
func (s *session) check(ctx context.Context) ([]record.Result, error) {
	a := s.attempt
	changes, err := s.workspace.Changes()
	if err != nil {
		return nil, err
	}
	draft, err := s.checks.New()
	if err != nil {
		return nil, err
	}
	var contents []git.Content
	for _, at := range unique(a.candidate.targets, changes.Targets) {
		content, err := s.store(ctx, at, draft.Objects())
		if err != nil {
			return nil, errors.Join(err, draft.Close())
		}
		contents = append(contents, content)
	}
	return a.checkSealed(ctx, draft, a.candidate, contents)
}

// store puts a target file of the agent's into an object folder, as git stores it.
func (s *session) store(ctx context.Context, at, objects string) (git.Content, error) {
	f, err := s.workspace.Read(at)
	if err != nil || f.Mode == "" {
		return git.Content{Path: at}, err
	}
	content, err := s.attempt.engine.Git.StoreBytes(ctx, at, f.Data, objects)
	content.Mode = f.Mode
	return content, err
}

// bringBack writes the target files into the user's work tree, whether the checks
// held or not.
func (s *session) bringBack() error {
	a := s.attempt
	changes, err := s.workspace.Changes()
	if err != nil {
		return err
	}
	aside := path.Join(project.StoreDir, "aside", a.ev.ID)
	conflicts, err := s.workspace.BringBack(changes.Targets, aside)
	if err != nil || len(conflicts) == 0 {
		return err
	}
	last := &a.ev.Agents[len(a.ev.Agents)-1]
	last.Conflicts, last.Aside = conflicts, aside
	for _, at := range conflicts {
		a.notice(fmt.Sprintf("%s was changed here while the agent worked; the agent's version is in %s", at, aside))
	}
	return nil
}

// unique returns the paths of both, sorted.
func unique(a, b []string) []string {
	set := map[string]bool{}
	for _, at := range slices.Concat(a, b) {
		set[at] = true
	}
	return slices.Sorted(maps.Keys(set))
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
