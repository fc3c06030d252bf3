package agent

import (
	"fmt"
	"slices"
	"strings"

	"chant/runner/project"
	"chant/spec"
)

// arguments gives the command line for a job: the agent's, with placeholders
// filled in and, where a model is asked for, the flag that names it appended.
// An unknown placeholder stays as it is.
//
// A command that holds {model} can't be run without one, and an agent that has
// neither {model} nor a flag for it can't be told one: both are errors, as is
// a value that would turn an argument into a flag.
func (j Job) arguments() ([]string, error) {
	template := slices.Clone(j.Agent.Command)
	takesModel := holds(template, "{model}")
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

// holds tells whether a placeholder is anywhere in a command.
func holds(command []string, placeholder string) bool {
	return slices.ContainsFunc(command, func(arg string) bool { return strings.Contains(arg, placeholder) })
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
	return append(env,
		"CHANT_AGENT=1", "CHANT_SPEC="+j.Spec, "CHANT_PHASE="+j.Phase, "CHANT_RUN_ID="+j.RunID,
		"CHANT_PROMPT_FILE="+j.PromptFile, "CHANT_WORKDIR="+j.Dir, "CHANT_PROJECT="+j.Project, "NO_COLOR=1", "CI=1",
	)
}

// usualVariables are what any agent gets.
func usualVariables() []string {
	return []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TERM", "TMPDIR", "TZ", "XDG_*",
		// The network: proxies in either spelling, and a company's certificates.
		"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
		// What git needs to commit as the user, and no more: GIT_CONFIG_VALUE_0 may be a token.
		"GIT_AUTHOR_*", "GIT_COMMITTER_*", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
		// What a chant further up said of the processes below it.
		"CHANT_*",
	}
}
