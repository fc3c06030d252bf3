package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
	"chant/storage/atomicfile"
)

// How long an agent that says nothing of it may run, and may print nothing.
const (
	defaultTimeout     = 30 * time.Minute
	defaultIdleTimeout = 10 * time.Minute
)

// Job is one run of an agent.
type Job struct {
	Agent  Agent
	Prompt string
	// PromptFile is the absolute path of the file that is made to hold the
	// prompt, which nobody else may read. Its folder must exist, and it must
	// not. It stays.
	PromptFile string
	Model      string // "" leaves it to the agent
	Dir        string // absolute: where the agent works
	Project    string // absolute: the project that it works for
	Spec       string // the id
	Phase      string // the spec's type
	RunID      string
	// Env is the environment from which the agent gets what it needs; chant's
	// own program should be on its PATH.
	Env []string
	// Secrets and what Patterns match is hidden from all that is kept or shown.
	Secrets  []string
	Patterns []*regexp.Regexp
	// Progress, which may be nil, gets the last line of what the agent says or
	// does, cleaned. It is called from one goroutine, and not after Run.
	Progress func(line string)
}

// Run runs an agent to its end, and ends all that it started. A run that ended
// badly is no error: Status tells. It is a *project.UsageError where the job makes no
// sense, a *StartError where the agent's program can't be started, and else
// tells of a prompt that could not be written, of processes that could not be
// ended, or of output that was lost.
//
// The exit status is the one that was waited for. What the agent says of itself
// can make that worse, not better.
func Run(ctx context.Context, processes *process.Supervisor, job Job) (record.AgentResult, error) {
	result := record.AgentResult{Agent: job.Agent.Name, Status: record.AgentNotStarted, Exit: -1, ModelAsked: job.Model}
	command, err := job.command()
	if err == nil {
		err = atomicfile.Create(job.PromptFile, []byte(job.Prompt), 0o600)
	}
	if err != nil {
		result.Reason = oneLine(err.Error())
		return result, err
	}
	ctx, printed, rest := watch(ctx, cmp.Or(job.Agent.IdleTimeout, defaultIdleTimeout))
	defer rest()
	l := listen(job.Agent.Output, hide(job.Secrets, job.Patterns), job.Progress)
	l.connect(&command, printed)
	ended := processes.Run(ctx, command)
	story := l.close()
	recordStory(&result, story)
	judge(&result, ended, command.Timeout, context.Cause(ctx), story)
	switch {
	case result.Status == record.AgentNotStarted:
		err = &StartError{Agent: job.Agent.Name, Program: command.Argv[0], Err: ended.Err}
		result.Reason = oneLine(err.Error())
	case ended.Err != nil:
		err = fmt.Errorf("running agent %s: %w", job.Agent.Name, ended.Err)
	}
	return result, err
}

// command says how the job is run, but for its output.
func (j Job) command() (process.Command, error) {
	if limit := j.Agent.Limit; limit > 0 && len(j.Prompt) > limit {
		return process.Command{}, &project.UsageError{
			Msg:  fmt.Sprintf("the prompt has %d bytes, and agent %s takes %d", len(j.Prompt), j.Agent.Name, limit),
			Mend: fmt.Sprintf("shorten the spec or its informed_by, or raise the agent's limit in %s", project.ConfigFile),
		}
	}
	argv, err := j.arguments()
	if err != nil {
		return process.Command{}, err
	}
	c := process.Command{Argv: argv, Dir: j.Dir, Env: j.environment(), Timeout: cmp.Or(j.Agent.Timeout, defaultTimeout)}
	if j.Agent.PromptBy != spec.PromptByFile {
		c.Stdin = strings.NewReader(j.Prompt)
	}
	return c, nil
}

// recordStory takes what the agent said.
func recordStory(r *record.AgentResult, s *story) {
	r.Transcript = readable(s.transcript.text())
	r.OutputDigest = s.transcript.kept.Sum()
	if s.final != nil {
		r.FinalText = readable(s.final.text())
	}
	r.ModelReported = oneLine(s.hide.text(s.model))
	r.CostUSD, r.TokensIn, r.TokensOut, r.Denied = s.cost, s.in, s.out, s.denied
}

// judge takes how the command ended, and what that means; cause is why its
// context was done, if it was.
func judge(r *record.AgentResult, ended process.Result, timeout time.Duration, cause error, s *story) {
	r.Exit, r.Left = ended.Exit, ended.Left
	r.Started, r.DurationMS = ended.Started, ended.Duration.Milliseconds()
	if ended.Signal != 0 {
		r.Signal = ended.Signal.String()
	}
	complaint := oneLine(s.hide.text(s.complaint))
	idle, isIdle := errors.AsType[idleError](cause)
	switch {
	case ended.Cancelled && isIdle:
		r.Status, r.Reason = record.AgentIdle, idle.Error()
	case ended.Cancelled:
		r.Status, r.Reason = record.AgentCancelled, "interrupted"
	case ended.Started.IsZero():
		r.Status = record.AgentNotStarted
	case ended.TimedOut:
		r.Status, r.Reason = record.AgentTimedOut, fmt.Sprintf("did not end within %s", timeout)
	case ended.Signal != 0:
		r.Status, r.Reason = record.AgentKilled, "killed by signal: "+r.Signal
	case ended.Exit != 0:
		r.Status, r.Reason = record.AgentFailed, strings.TrimSuffix(fmt.Sprintf("exit status %d: %s", ended.Exit, complaint), ": ")
	case s.failed:
		r.Status, r.Reason = record.AgentFailed, cmp.Or(complaint, "says that it failed")
	default:
		r.Status = record.AgentOK
	}
}

// idleError is why a context is done that watch gave: after so long.
type idleError time.Duration

func (i idleError) Error() string { return fmt.Sprintf("printed nothing for %s", time.Duration(i)) }

// watch gives a context that is cancelled, with an idleError, when printed is
// not called for so long. Rest ends the watch.
func watch(ctx context.Context, limit time.Duration) (watched context.Context, printed, rest func()) {
	watched, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(idleError(limit)) })
	return watched, func() { timer.Reset(limit) }, func() {
		timer.Stop()
		cancel(nil)
	}
}
