package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"chant/runner/agent"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

func (a *App) lintCommand() *cobra.Command {
	var strict bool
	c := a.answering(&cobra.Command{
		Use:               "lint [ID…]",
		Short:             "List all problems of specs and config, with line and column; run nothing",
		ValidArgsFunction: a.completeIDs,
	}, func(ctx context.Context, args []string) (answer, error) {
		v, err := a.lintView(ctx, args)
		v.strict = strict
		return v, err
	})
	c.Flags().BoolVar(&strict, "strict", false, "fail on warnings too")
	return c
}

type lintJSON struct {
	Schema   string        `json:"schema"`
	Problems []problemJSON `json:"problems"`

	strict bool // warnings fail too
}

type problemJSON struct {
	ID       string `json:"id"`
	Path     string `json:"path"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"`
	Rule     string `json:"rule"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
}

// lintView returns what lint shows.
func (a *App) lintView(ctx context.Context, queries []string) (lintJSON, error) {
	root, err := project.FindRoot(a.Dir)
	if err != nil {
		return lintJSON{}, err
	}
	p, err := project.Read(root)
	if err != nil {
		return lintJSON{}, err
	}
	wanted, err := resolveAll(p.Set, queries)
	if err != nil {
		return lintJSON{}, err
	}
	found, err := a.outside(ctx, p)
	if err != nil {
		return lintJSON{}, err
	}
	for _, one := range found {
		p.Problems[one.Path] = append(p.Problems[one.Path], one)
	}
	problems := []problemJSON{}
	for _, one := range spec.Lint(p.Set, p.Problems) {
		named := func(s *spec.Spec) bool { return s.Path == one.Path }
		if len(queries) > 0 && !slices.ContainsFunc(wanted, named) && one.Path != project.ConfigFile {
			continue
		}
		problems = append(problems, problemJSON{
			one.ID, one.Path, one.Pos.Line, one.Pos.Column, one.Severity.String(), one.Rule, one.Msg, one.Hint,
		})
	}
	return lintJSON{Schema: "chant.lint/v1", Problems: problems}, nil
}

// outside returns the warnings about what specs name in the project: files, prompts, agents
// and commits. Without git nothing is said about commits.
func (a *App) outside(ctx context.Context, p *project.Project) (spec.Problems, error) {
	problems, err := agent.Missing(p, a.Env)
	if err != nil {
		return nil, err
	}
	problems = append(problems, project.MissingTargets(p)...)
	repo, err := git.Open(p.Root, a.Env)
	if err == nil {
		commits, errCommits := project.MissingCommits(ctx, repo, p.Set.All())
		problems, err = append(problems, commits...), errors.Join(errCommits, repo.Close())
	}
	hasCommits := slices.ContainsFunc(p.Set.All(), func(s *spec.Spec) bool { return len(s.Commits) > 0 })
	if err != nil && hasCommits {
		a.stderr().line(plain("note: recorded commits are not looked up: " + record.OneLine(err)))
	}
	return problems, nil
}

func (l lintJSON) show(s *screen) {
	for _, p := range l.Problems {
		style := yellow
		if p.Severity == spec.Error.String() {
			style = red
		}
		hint := ""
		if p.Hint != "" {
			hint = "(" + p.Hint + ")"
		}
		s.line(bold(location(p.Path, p.Line, p.Column)), coloured(p.Severity+":", style), plain(p.Message), plain(hint), faint("["+p.Rule+"]"))
	}
}

func (l lintJSON) status() error {
	fails := func(p problemJSON) bool { return l.strict || p.Severity == spec.Error.String() }
	return statusIf(ExitUsage, slices.ContainsFunc(l.Problems, fails))
}

// location returns FILE:LINE:COLUMN: for editors and CI.
func location(path string, line, column int) string {
	if line == 0 {
		return path + ":"
	}
	return fmt.Sprintf("%s:%d:%d:", path, line, column)
}

// resolveAll returns the specs that the queries name, some perhaps twice.
func resolveAll(set *spec.Set, queries []string) ([]*spec.Spec, error) {
	var specs []*spec.Spec
	for _, q := range queries {
		s, err := set.Resolve(q)
		if err != nil {
			return nil, err
		}
		specs = append(specs, s)
	}
	return specs, nil
}
