// Package agent runs a coding agent as a supervised command and understands what it
// prints. The agent gets a prompt made of a spec, and works in a checkout of its own,
// from which only target files come back. The usual agents are known by name.
package agent

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"chant/spec"
)

// configFile is where a project's agents are named, for hints.
const configFile = ".chant/config.md"

// Agent is a program that can be run as an agent, under the name it goes by.
type Agent struct {
	Name string
	spec.Agent
}

// Resolve gives the agent of that name: the preset, overridden by the entry of
// that name in each of the configs, the last of which counts most. An entry
// overrides only the fields that it sets. The error is a *UsageError.
func Resolve(name string, configs ...map[string]spec.Agent) (Agent, error) {
	known := presets()
	a, ok := known[name]
	for _, config := range configs {
		maps.Copy(known, config) // for their names
		if entry, named := config[name]; named {
			a, ok = override(a, entry), true
		}
	}
	if !ok {
		return Agent{}, unknown(name, slices.Sorted(maps.Keys(known)))
	}
	switch {
	case len(a.Command) == 0:
		return Agent{}, &UsageError{
			Msg:  fmt.Sprintf("agent %s has no command", name),
			Mend: fmt.Sprintf("write one in %s under agents, such as command: [my-agent, --print]", configFile),
		}
	case a.PromptBy == spec.PromptByFile && !holds(a.Command, "{prompt_file}"):
		return Agent{}, &UsageError{ // where each half is another config's
			Msg:  fmt.Sprintf("agent %s gets its prompt in a file that its command does not name", name),
			Mend: fmt.Sprintf("put {prompt_file} into the command, or write prompt: stdin, in %s under agents", configFile),
		}
	}
	return Agent{Name: name, Agent: a}, nil
}

// override gives a with the fields that by sets.
func override(a, by spec.Agent) spec.Agent {
	if len(by.Command) > 0 {
		a.Command = by.Command
	}
	if by.Env != nil {
		a.Env = by.Env
	}
	a.PromptBy = cmp.Or(by.PromptBy, a.PromptBy)
	a.ModelFlag = cmp.Or(by.ModelFlag, a.ModelFlag)
	a.Output = cmp.Or(by.Output, a.Output)
	a.Timeout = cmp.Or(by.Timeout, a.Timeout)
	a.IdleTimeout = cmp.Or(by.IdleTimeout, a.IdleTimeout)
	a.Limit = cmp.Or(by.Limit, a.Limit)
	return a
}

// UsageError is a request that the agent can't be run with; nothing was.
type UsageError struct {
	Msg string
	// Mend is the way to ask right.
	Mend string
}

// Error gives the message.
func (u *UsageError) Error() string { return u.Msg }

// Hint gives the mend.
func (u *UsageError) Hint() string { return u.Mend }

// unknown is the error of a name that no agent has.
func unknown(name string, known []string) *UsageError {
	mend := fmt.Sprintf("one of %s, or name it in %s under agents", strings.Join(known, ", "), configFile)
	if near := spec.DidYouMean(name, known); near != "" {
		mend = near + " else " + mend
	}
	return &UsageError{Msg: fmt.Sprintf("no agent is called %q", name), Mend: mend}
}

// StartError is returned when an agent's program could not be started.
type StartError struct {
	Agent   string
	Program string
	Err     error // exec.ErrNotFound, fs.ErrPermission and so on
}

// Error names the agent, and in Err the program.
func (s *StartError) Error() string { return fmt.Sprintf("running agent %s: %v", s.Agent, s.Err) }

// Unwrap gives Err.
func (s *StartError) Unwrap() error { return s.Err }

// Hint gives the mend.
func (s *StartError) Hint() string {
	return fmt.Sprintf("install %s, or name another program for it in %s under agents", s.Program, configFile)
}
