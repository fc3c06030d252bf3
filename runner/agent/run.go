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
	// Progress, which may be nil, gets the last line of what the agent says or does, cleaned,
	// whenever there is more. The agent's output waits for it. Its calls do not overlap.
	Progress func(line string)
}

// Run runs an agent to its end, and ends all that it started. A run that ended badly is
// no error: see Status. The error is a *project.UsageError where the job makes no sense,
// and wraps exec.ErrNotFound, fs.ErrPermission and so on where the agent can't be started.
//
// What the agent says of itself can make the exit status worse, not better.
func Run(ctx context.Context, processes process.Runner, job Job) (record.AgentResult, error) {
	a := &job.Agent
	a.Timeout, a.IdleTimeout = cmp.Or(a.Timeout, defaultTimeout), cmp.Or(a.IdleTimeout, defaultIdleTimeout)
	argv, err := job.arguments()
	if err == nil {
		err = atomicfile.Create(job.PromptFile, []byte(job.Prompt), 0o600)
	}
	if err != nil {
		reason := oneLine(err.Error())
		return record.AgentResult{Agent: a.Name, Status: record.AgentNotStarted, Reason: reason, Exit: -1, ModelAsked: job.Model}, err
	}
	command := process.Command{Argv: argv, Dir: job.Dir, Env: job.environment(), Timeout: a.Timeout}
	if a.PromptBy != spec.PromptByFile {
		command.Stdin = strings.NewReader(job.Prompt)
	}
	watched, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(a.IdleTimeout, func() { cancel(errSilent) })
	defer silence.Stop()
	l := listen(job, &command, silence)
	ended := processes.Run(watched, command)

	result := l.close()
	result.Agent, result.ModelAsked = a.Name, job.Model
	result.Started, result.DurationMS = ended.Started, ended.Duration.Milliseconds()
	result.Exit, result.Left = ended.Exit, ended.Left
	if ended.Signal != 0 {
		result.Signal = ended.Signal.String()
	}
	silent := ended.Cancelled && errors.Is(context.Cause(watched), errSilent)
	result.Status, result.Reason = judge(job.Agent, ended, silent, l)
	if ended.Err != nil {
		err = fmt.Errorf("running agent %s: %w", a.Name, ended.Err)
	}
	if result.Status == record.AgentNotStarted {
		result.Reason = oneLine(err.Error())
		err = fmt.Errorf("%w (install %s, or name another program for it in %s under agents)", err, argv[0], project.ConfigFile)
	}
	return result, err
}

// errSilent is why the context of an agent is done that has printed nothing for too long, or
// that has not exited after its result.
var errSilent = errors.New("silent")

// late is the reason of an agent that had said all, and was still there.
const late = "ended by chant, as it did not exit after its result"

// judge says what it means that an agent's command ended so, and why. Silent tells whether
// that was for errSilent.
func judge(a Agent, ended process.Result, silent bool, l *listener) (status record.AgentStatus, reason string) {
	complaint := ""
	if l.failed {
		complaint = cmp.Or(oneLine(l.mask(l.complaint)), "says that it failed")
	}
	switch hadToEnd := silent || ended.TimedOut; {
	case hadToEnd && l.done && l.failed:
		return record.AgentFailed, complaint + "; " + late
	case hadToEnd && l.done:
		return record.AgentOK, late
	case silent:
		return record.AgentIdle, fmt.Sprintf("printed nothing for %s", a.IdleTimeout)
	case ended.Cancelled:
		return record.AgentCancelled, "interrupted"
	case ended.Started.IsZero():
		return record.AgentNotStarted, ""
	case ended.TimedOut:
		return record.AgentTimedOut, fmt.Sprintf("did not end within %s", a.Timeout)
	case ended.Signal != 0:
		return record.AgentKilled, "killed by signal: " + ended.Signal.String()
	case ended.Exit != 0:
		return record.AgentFailed, strings.TrimSuffix(fmt.Sprintf("exit status %d: %s", ended.Exit, complaint), ": ")
	case l.failed:
		return record.AgentFailed, complaint
	}
	return record.AgentOK, ""
}

// arguments gives the command line for a job: the agent's, with placeholders filled in and,
// where a model is asked for, the flag that names it appended. An unknown placeholder stays
// as it is. What makes no sense is an error, and so is a value that would turn an argument
// into a flag.
func (j Job) arguments() ([]string, error) {
	template := slices.Clone(j.Agent.Command)
	inPlace := j.Agent.takes("{model}")
	if j.Model != "" && !inPlace {
		template = append(template, j.Agent.ModelFlag, "{model}")
	}
	switch {
	case j.Model == "" && inPlace:
		return nil, &project.UsageError{
			Msg:  fmt.Sprintf("agent %s needs a model", j.Agent.Name),
			Mend: "name one under model in the spec or on the command line",
		}
	case j.Model != "" && !inPlace && j.Agent.ModelFlag == "":
		return nil, &project.UsageError{
			Msg:  fmt.Sprintf("agent %s can't be told to use model %q", j.Agent.Name, j.Model),
			Mend: fmt.Sprintf("ask for no model, or say how it takes one: model_flag in %s under agents", project.ConfigFile),
		}
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
