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

	"chant/runner/project"
	"chant/spec"
)

// Agent is a program that can be run as an agent, under the name it goes by.
type Agent struct {
	Name string
	spec.Agent
}

// ResolveAgent returns the agent of that name as the project and the user configure it;
// env is the environment that chant was started in.
func ResolveAgent(p *project.Project, name string, env []string) (Agent, error) {
	user, err := project.LoadUserConfig(env)
	if err != nil {
		return Agent{}, err
	}
	return resolve(name, p.Config.Agents, user.Agents)
}

// resolve returns the agent of that name: the preset, overridden by the entry of
// that name in each of the configs, the last of which counts most. An entry
// overrides only the fields that it sets.
func resolve(name string, configs ...map[string]spec.Agent) (Agent, error) {
	known := presets()
	a, ok := known[name]
	for _, config := range configs {
		maps.Copy(known, config) // for their names
		if entry, named := config[name]; named {
			a, ok = override(a, entry), true
		}
	}
	switch {
	case !ok:
		names := slices.Sorted(maps.Keys(known))
		mend := fmt.Sprintf("one of %s, or name it in %s under agents", strings.Join(names, ", "), project.ConfigFile)
		if near := spec.DidYouMean(name, names); near != "" {
			mend = near + " else " + mend
		}
		return Agent{}, &project.UsageError{Msg: fmt.Sprintf("no agent is called %q", name), Mend: mend}
	case len(a.Command) == 0:
		return Agent{}, &project.UsageError{
			Msg:  fmt.Sprintf("agent %s has no command", name),
			Mend: fmt.Sprintf("write one in %s under agents, such as command: [my-agent, --print]", project.ConfigFile),
		}
	case a.PromptBy == spec.PromptByFile && !holds(a.Command, "{prompt_file}"):
		return Agent{}, &project.UsageError{ // where each half is another config's
			Msg:  fmt.Sprintf("agent %s gets its prompt in a file that its command does not name", name),
			Mend: fmt.Sprintf("put {prompt_file} into the command, or write prompt: stdin, in %s under agents", project.ConfigFile),
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
	return fmt.Sprintf("install %s, or name another program for it in %s under agents", s.Program, project.ConfigFile)
}
