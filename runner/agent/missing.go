package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"chant/runner/project"
	"chant/spec"
)

// Missing returns warnings about prompts, agents and sources (informed_by) that specs name
// and that do not exist. They would show only when an agent is run. env is the environment
// that chant was started in.
func Missing(p *project.Project, env []string) (spec.Problems, error) {
	user, err := project.LoadUserConfig(env)
	if err != nil {
		return nil, err
	}
	top, err := os.OpenRoot(p.Root)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	var problems spec.Problems
	prompts := promptNames(top) // a project without any has no use for them
	for _, s := range p.Set.All() {
		warn := func(at spec.Pos, rule, hint, format string, args ...any) {
			problems = append(problems, spec.Problem{
				ID: s.ID, Path: s.Path, Pos: at, Severity: spec.Warning, Rule: rule, Msg: fmt.Sprintf(format, args...), Hint: hint,
			})
		}
		if s.Archived || s.Status == spec.StatusCompleted || s.Status == spec.StatusCancelled {
			continue // no agent will be run for it
		}
		if s.Agent != "" {
			_, err := resolve(s.Agent, p.Config.Agents, user.Agents)
			if unknown, ok := errors.AsType[*project.UsageError](err); ok {
				warn(s.KeyPos("agent"), "unknown-agent", unknown.Mend, "%s", unknown.Msg)
			}
		}
		file := path.Join(PromptsDir, s.Prompt+".md")
		if _, err := top.Stat(file); s.Prompt != "" && len(prompts) > 0 && errors.Is(err, fs.ErrNotExist) {
			warn(s.KeyPos("prompt"), "unknown-prompt", spec.DidYouMean(s.Prompt, prompts),
				"there is no prompt %q: %s does not exist", s.Prompt, file)
		}
		for _, item := range s.InformedBy {
			if webLink(item.Value) != "" || willExist(p, item.Value) {
				continue
			}
			if _, err := informants(p, top, item.Value); err != nil {
				warn(item.Pos, "unknown-source", "", "informed_by %q: %v", item.Value, err)
			}
		}
	}
	return problems, nil
}

// willExist reports whether a path is a target file of a spec, which may not have been run.
func willExist(p *project.Project, name string) bool {
	return slices.ContainsFunc(p.Set.All(), func(s *spec.Spec) bool { return s.Targets(name) })
}

// promptNames returns the names of the project's prompts.
func promptNames(top *os.Root) []string {
	files, err := fs.Glob(top.FS(), PromptsDir+"/*.md")
	if err != nil {
		return nil
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".md")
	}
	return files
}
