package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"chant/runner/process"
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

// Status says how an agent's run ended.
type Status string

// The statuses. Only OK says that the agent came to an end that it calls good;
// what it did is for the checks to say.
const (
	OK         Status = "ok"
	Failed     Status = "error"   // exited with another status than 0, or says itself that it failed
	TimedOut   Status = "timeout" // did not end in time
	Idle       Status = "idle"    // printed nothing for too long
	Cancelled  Status = "cancelled"
	Killed     Status = "killed" // by a signal that chant did not send
	NotStarted Status = "not_started"
)

// Result is what an agent's run gave. It is kept as evidence: fields are only
// ever added.
type Result struct {
	Agent         string    `json:"agent"`
	Status        Status    `json:"status"`
	Reason        string    `json:"reason"` // why, on one line; "" for OK
	Exit          int       `json:"exit"`   // -1 where there is none
	Signal        string    `json:"signal"` // that ended it
	Started       time.Time `json:"started,omitzero"`
	DurationMS    int64     `json:"duration_ms"`
	ModelAsked    string    `json:"model_asked"`
	ModelReported string    `json:"model_reported"`
	CostUSD       float64   `json:"cost_usd"`   // as reported; 0 where nothing is
	TokensIn      int64     `json:"tokens_in"`  // likewise, with cached ones
	TokensOut     int64     `json:"tokens_out"` // likewise
	Denied        int       `json:"denied"`     // uses of tools that were not permitted, as reported
	Left          int       `json:"left"`       // processes that it left behind and that were ended
	FinalText     string    `json:"final_text"` // its last word; "" where its output does not tell that apart
	// Transcript is what it said and did, for a person to read: head and tail,
	// masked, without characters that control a terminal or hide text.
	Transcript   string `json:"transcript"`
	OutputDigest string `json:"output_digest"` // sha256 of the whole transcript, masked by Secrets
}

// Run runs an agent to its end, and ends all that it started. A run that ended
// badly is no error: Status tells. It is a *UsageError where the job makes no
// sense, a *StartError where the agent's program can't be started, and else
// tells of a prompt that could not be written, of processes that could not be
// ended, or of output that was lost.
//
// The exit status is the one that was waited for. What the agent says of itself
// can make that worse, not better.
func Run(ctx context.Context, processes *process.Supervisor, job Job) (Result, error) {
	result := Result{Agent: job.Agent.Name, Status: NotStarted, Exit: -1, ModelAsked: job.Model}
	command, err := job.command()
	if err == nil {
		err = atomicfile.Create(job.PromptFile, []byte(job.Prompt), 0o600)
	}
	if err != nil {
		result.Reason = oneLine(err.Error())
		return result, err
	}
	ctx, printed, rest := watch(ctx, orDefault(job.Agent.IdleTimeout, defaultIdleTimeout))
	defer rest()
	l := listen(job.Agent.Output, hide(job.Secrets, job.Patterns), job.Progress)
	l.connect(&command, printed)
	ended := processes.Run(ctx, command)
	story := l.close()
	result.tell(story)
	result.judge(ended, command.Timeout, context.Cause(ctx), story)
	switch {
	case result.Status == NotStarted:
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
		return process.Command{}, &UsageError{
			Msg:  fmt.Sprintf("the prompt has %d bytes, and agent %s takes %d", len(j.Prompt), j.Agent.Name, limit),
			Mend: fmt.Sprintf("shorten the spec or its informed_by, or raise the agent's limit in %s", configFile),
		}
	}
	argv, err := j.arguments()
	if err != nil {
		return process.Command{}, err
	}
	var stdin io.Reader
	if j.Agent.PromptBy != spec.PromptByFile {
		stdin = strings.NewReader(j.Prompt)
	}
	return process.Command{
		Argv:    argv,
		Dir:     j.Dir,
		Env:     j.environment(),
		Stdin:   stdin,
		Timeout: orDefault(j.Agent.Timeout, defaultTimeout),
	}, nil
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// tell takes what the agent said.
func (r *Result) tell(s *story) {
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
func (r *Result) judge(ended process.Result, timeout time.Duration, cause error, s *story) {
	r.Exit, r.Left = ended.Exit, ended.Left
	r.Started, r.DurationMS = ended.Started, ended.Duration.Milliseconds()
	if ended.Signal != 0 {
		r.Signal = ended.Signal.String()
	}
	complaint := oneLine(s.hide.text(s.complaint))
	idle, isIdle := errors.AsType[idleError](cause)
	switch {
	case ended.Cancelled && isIdle:
		r.Status, r.Reason = Idle, idle.Error()
	case ended.Cancelled:
		r.Status, r.Reason = Cancelled, "interrupted"
	case ended.Started.IsZero():
		r.Status = NotStarted
	case ended.TimedOut:
		r.Status, r.Reason = TimedOut, fmt.Sprintf("did not end within %s", timeout)
	case ended.Signal != 0:
		r.Status, r.Reason = Killed, "killed by signal: "+r.Signal
	case ended.Exit != 0 && complaint != "":
		r.Status, r.Reason = Failed, fmt.Sprintf("exit status %d: %s", ended.Exit, complaint)
	case ended.Exit != 0:
		r.Status, r.Reason = Failed, fmt.Sprintf("exit status %d", ended.Exit)
	case s.failed:
		r.Status, r.Reason = Failed, cmp.Or(complaint, "says that it failed")
	default:
		r.Status = OK
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
