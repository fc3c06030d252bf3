package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"chant/runner/agent"
	"chant/runner/check"
	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// session is the turns that an agent and the checks take in one run.
type session struct {
	*attempt
	agent    agent.Agent
	attempts int
}

// withAgent lets the agent and the checks take turns until all criteria hold or the
// attempts are used up. It returns the results of the last checks.
func (a *attempt) withAgent(ctx context.Context, opts RunOptions, check func() ([]record.Result, error)) (results []record.Result, err error) {
	c := &session{attempt: a, attempts: max(opts.Attempts, 1)}
	if c.agent, err = a.chooseAgent(opts.Agent); err != nil {
		return nil, err
	}
	var failed []record.Result
	for n := 1; ; n++ {
		if err := c.attemptOnce(ctx, n, failed); err != nil || ctx.Err() != nil {
			return nil, err
		}
		if results, err = check(); err != nil || ctx.Err() != nil {
			return results, err
		}
		last := a.ev.Agents[len(a.ev.Agents)-1]
		failed = slices.DeleteFunc(slices.Clone(results), func(r record.Result) bool { return r.Outcome.Met() || r.Manual })
		if n == c.attempts || len(failed) == 0 && last.Result.Status == record.AgentOK {
			return results, nil
		}
	}
}

// chooseAgent gives the agent of that name, or the one that the spec names.
func (a *attempt) chooseAgent(name string) (agent.Agent, error) {
	if name == spec.AgentOfSpec {
		if name = a.spec.Agent; name == "" {
			return agent.Agent{}, &project.UsageError{Msg: "spec " + a.spec.ID + " names no agent", Mend: "chant run --agent NAME"}
		}
	}
	return agent.ResolveAgent(a.project, name, a.engine.Settings.Env)
}

// attemptOnce runs the agent once and records what it did.
func (c *session) attemptOnce(ctx context.Context, n int, failed []record.Result) (err error) {
	prompt, err := agent.ComposePrompt(c.project, c.spec, failed, c.agent.Limit)
	if err != nil {
		return err
	}
	run := agent.NewAgentRun(n, prompt)
	c.engine.Settings.Emit(record.AgentStarted{Spec: c.spec.ID, Agent: c.agent.Name, Attempt: n, Attempts: c.attempts, Started: c.engine.Settings.Now()})
	run.Result, err = c.runAgent(ctx, n, prompt.Text)
	transcript := run.Result.Transcript
	run.Result.Transcript = "" // it has a key of its own
	c.ev.Agents = append(c.ev.Agents, run)
	c.tell(run)
	if run.Result.Status == record.AgentNotStarted {
		return err
	}
	err = errors.Join(err, c.keepTranscript(n, transcript))
	if run.Result.Status == record.AgentCancelled { // a run that is stopped leaves the spec as it was
		return err
	}
	return errors.Join(err, c.appendTranscript(transcript))
}

// runAgent runs the agent's program with its prompt.
func (c *session) runAgent(ctx context.Context, n int, prompt string) (_ record.AgentResult, err error) {
	dir, err := os.MkdirTemp("", "chant-prompt-")
	if err != nil {
		return record.AgentResult{Status: record.AgentNotStarted}, fmt.Errorf("making the folder of the prompt: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return agent.Run(ctx, c.engine.Settings.Processes, agent.Job{
		Agent: c.agent, Prompt: prompt, PromptFile: filepath.Join(dir, fmt.Sprintf("prompt-%d.md", n)),
		Model: c.spec.Model, Dir: c.engine.Settings.Root, Spec: c.spec.ID, Phase: c.spec.Phase, RunID: c.ev.ID,
		Env:     check.WithProgram(process.Environ(c.engine.Settings.Env), c.engine.Settings.Self),
		Secrets: process.Secrets(c.engine.Settings.Env), Patterns: c.project.Config.Secrets,
		Progress: func(line string) { c.engine.Settings.Emit(record.AgentProgress{Spec: c.spec.ID, Line: line}) },
	})
}

// tell shows what the agent did that somebody should know.
func (c *session) tell(run record.AgentRun) {
	c.engine.Settings.Emit(record.AgentDone{Spec: c.spec.ID, Run: run})
	for _, text := range run.Notices() {
		c.engine.Settings.Emit(record.Notice{Spec: c.spec.ID, Text: text})
	}
}

// transcriptLength is the most bytes of an agent's output that go into the spec
// file; the store has more.
const transcriptLength = 64 << 10

// appendTranscript adds what the agent said to the spec's file.
func (c *session) appendTranscript(transcript string) error {
	if head, tail := agent.WholeLines(transcript, transcriptLength/2); len(head)+len(tail) < len(transcript) {
		transcript = fmt.Sprintf("%s… %d bytes are left out here; chant log %s shows more …\n%s",
			head, len(transcript)-len(head)-len(tail), c.spec.ID, tail)
	}
	at := c.engine.Settings.Now()
	err := c.edit(func(src []byte) ([]byte, error) { return spec.AppendTranscript(src, at, transcript) })
	if _, changed := errors.AsType[*changedError](err); changed || errors.Is(err, os.ErrNotExist) {
		return nil // the run fails for that, and says so
	}
	return err
}

// keepTranscript puts what the agent said into the store.
func (c *session) keepTranscript(n int, transcript string) error {
	h, err := c.engine.History()
	if err != nil {
		return err
	}
	return errors.Join(h.Store.Put(record.TranscriptKey(c.spec.ID, c.ev.ID, n), []byte(transcript)), h.Close())
}
