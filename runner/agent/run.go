package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
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
	// How long an agent may take to exit after its result, unless its idle timeout is shorter.
	// Claude gives commands in the background 5 s. Some versions of it never exit.
	resultGrace = 10 * time.Second
)

// Job is one run of an agent.
type Job struct {
	Agent      Agent
	Prompt     string
	PromptFile string // absolute: a new file for the prompt, in a folder that exists
	Model      string // "" leaves it to the agent
	Dir        string // absolute: where the agent works
	Spec       string // the id
	Phase      string // the spec's type
	RunID      string
	Env        []string // from which the agent gets what it needs; with chant's own program on its PATH
	Sandbox    []string // variables of its sandbox
	// Secrets and what Patterns match is hidden from all that is kept or shown.
	Secrets  []string
	Patterns []*regexp.Regexp
	// Progress, which may be nil, gets the last line of what the agent says or
	// does, cleaned. It is called from one goroutine, and not after Run.
	Progress func(line string)
}

// Run runs an agent to its end, and ends all that it started. A run that ended badly is
// no error: see Status. The error is a *project.UsageError where the job makes no sense,
// and a *StartError where the agent's program can't be started.
//
// What the agent says of itself can make the exit status worse, not better.
func Run(ctx context.Context, processes process.Runner, job Job) (record.AgentResult, error) {
	result := record.AgentResult{Agent: job.Agent.Name, Status: record.AgentNotStarted, Exit: -1, ModelAsked: job.Model}
	command, err := job.command()
	if err == nil {
		err = atomicfile.Create(job.PromptFile, []byte(job.Prompt), 0o600)
	}
	if err != nil {
		result.Reason = oneLine(err.Error())
		return result, err
	}
	idle := cmp.Or(job.Agent.IdleTimeout, defaultIdleTimeout)
	ctx, printed, rest := watch(ctx, idle, min(idle, resultGrace))
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

// saysFailed is the reason of an agent that says no more than that it failed.
const saysFailed = "says that it failed"

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
	late := ended.Cancelled && errors.Is(cause, errLate) || ended.TimedOut && s.over > 0
	switch {
	case late && s.failed:
		r.Status, r.Reason = record.AgentFailed, cmp.Or(complaint, saysFailed)+"; "+errLate.Error()
	case late:
		r.Status, r.Reason = record.AgentOK, errLate.Error()
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
		r.Status, r.Reason = record.AgentFailed, cmp.Or(complaint, saysFailed)
	default:
		r.Status = record.AgentOK
	}
}

// idleError is why a context is done that watch gave: after so long.
type idleError time.Duration

func (i idleError) Error() string { return fmt.Sprintf("printed nothing for %s", time.Duration(i)) }

// errLate is why a context is done that watch gave: the agent has not exited after its result.
var errLate = errors.New("ended by chant, as it did not exit after its result")

// watch gives a context that is cancelled, with an idleError, when printed is not called for
// the time idle; or, with errLate, when the agent has not exited in the time grace after its
// result. That time is not prolonged by output that is no event. Printed takes a story's over;
// its calls must not overlap. Rest ends the watch.
func watch(ctx context.Context, idle, grace time.Duration) (watched context.Context, printed func(over int), rest func()) {
	watched, cancel := context.WithCancelCause(ctx)
	silence := time.AfterFunc(idle, func() { cancel(idleError(idle)) })
	exit := time.AfterFunc(idle, func() { cancel(errLate) })
	exit.Stop()
	before := 0
	printed = func(over int) {
		switch {
		case over == 0:
			exit.Stop()
			silence.Reset(idle)
		case over != before:
			silence.Stop()
			exit.Reset(grace)
		}
		before = over
	}
	return watched, printed, func() {
		silence.Stop()
		exit.Stop()
		cancel(nil)
	}
}

// arguments gives the command line for a job: the agent's, with placeholders
// filled in and, where a model is asked for, the flag that names it appended.
// An unknown placeholder stays as it is.
//
// A command that holds {model} can't be run without one, and an agent that has
// neither {model} nor a flag for it can't be told one: both are errors, as is
// a value that would turn an argument into a flag.
func (j Job) arguments() ([]string, error) {
	template := slices.Clone(j.Agent.Command)
	takesModel := j.Agent.takes("{model}")
	switch {
	case takesModel && j.Model == "":
		return nil, &project.UsageError{
			Msg:  fmt.Sprintf("agent %s needs a model", j.Agent.Name),
			Mend: "name one under model in the spec or on the command line",
		}
	case j.Model == "" || takesModel:
	case j.Agent.ModelFlag == "":
		return nil, &project.UsageError{
			Msg:  fmt.Sprintf("agent %s can't be told to use model %q", j.Agent.Name, j.Model),
			Mend: fmt.Sprintf("ask for no model, or say how it takes one: model_flag in %s under agents", project.ConfigFile),
		}
	default:
		template = append(template, j.Agent.ModelFlag, "{model}")
	}
	values := strings.NewReplacer("{prompt_file}", j.PromptFile, "{model}", j.Model, "{workdir}", j.Dir, "{spec}", j.Spec, "{phase}", j.Phase)
	argv := make([]string, len(template))
	for i, arg := range template {
		argv[i] = values.Replace(arg)
		if strings.HasPrefix(argv[i], "-") && !strings.HasPrefix(arg, "-") {
			return nil, &project.UsageError{
				Msg:  fmt.Sprintf("argument %q of agent %s would be taken for a flag", argv[i], j.Agent.Name),
				Mend: fmt.Sprintf("it comes from %s: use one that does not begin with a dash", arg),
			}
		}
	}
	if at := spec.FindBypass(argv); at >= 0 && at != spec.FindBypass(template) {
		return nil, &project.UsageError{
			Msg:  fmt.Sprintf("argument %q would turn off what agent %s asks permission for", argv[at], j.Agent.Name),
			Mend: "write it into your own config, if you mean it",
		}
	}
	return argv, nil
}

// environment gives the agent's variables: of the given ones only those that
// any program needs and that the agent names, then those that tell it where it
// is. Keys and tokens of other services, and the SSH agent, stay outside.
func (j Job) environment() []string {
	allowed := append(usualVariables(), j.Agent.Env...)
	env := slices.DeleteFunc(slices.Clone(j.Env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return !slices.ContainsFunc(allowed, func(pattern string) bool {
			prefix, open := strings.CutSuffix(pattern, "*")
			return name == pattern || open && strings.HasPrefix(name, prefix)
		})
	})
	return append(append(env, j.Sandbox...),
		"CHANT_AGENT=1", "CHANT_SPEC="+j.Spec, "CHANT_PHASE="+j.Phase, "CHANT_RUN_ID="+j.RunID,
		"CHANT_PROMPT_FILE="+j.PromptFile, "CHANT_WORKDIR="+j.Dir, "NO_COLOR=1", "CI=1",
	)
}

// usualVariables are what any agent gets.
func usualVariables() []string {
	return []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TERM", "TMPDIR", "TZ",
		"XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME", "XDG_DATA_DIRS", "XDG_STATE_HOME", "XDG_CACHE_HOME",
		// The network: proxies in either spelling, and a company's certificates.
		"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
		// What git needs to commit as the user, and no more: GIT_CONFIG_VALUE_0 may be a token.
		"GIT_AUTHOR_*", "GIT_COMMITTER_*", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
		// What a chant further up said of the processes below it.
		"CHANT_*",
	}
}
