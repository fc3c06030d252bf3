package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"chant/runner"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

func (a *App) listCommand() *cobra.Command {
	return a.answering(&cobra.Command{
		Use:   "list",
		Short: "List all specs with their states and ticks",
		Args:  noArgs,
	}, func(ctx context.Context, _ []string) (answer, error) { return a.listView(ctx) })
}

func jsonFlag(c *cobra.Command, asJSON *bool) {
	c.Flags().BoolVar(asJSON, "json", false, "print JSON")
}

type listJSON struct {
	Schema string     `json:"schema"`
	Specs  []specJSON `json:"specs"`
}

// listView returns what list shows.
func (a *App) listView(ctx context.Context) (listJSON, error) {
	p, live, err := a.board(ctx)
	if err != nil {
		return listJSON{}, err
	}
	rows := []specJSON{}
	for _, s := range p.Set.All() {
		rows = append(rows, specRow(p, s, live))
	}
	a.noteEmpty(len(rows))
	return listJSON{"chant.list/v1", rows}, nil
}

// noteEmpty says how to begin if there are no specs to be listed.
func (a *App) noteEmpty(specs int) {
	if specs == 0 {
		a.stderr().line(bold("chant:"), plain("no specs yet (chant new TITLE creates one)"))
	}
}

// board loads what every listing shows. Where git can't be asked, what the files say
// of themselves has to do, and a note on stderr says so.
func (a *App) board(ctx context.Context) (*project.Project, runner.Live, error) {
	p, err := a.project()
	if err != nil {
		return nil, runner.Live{}, err
	}
	repo, err := git.Open(p.Root, a.Env)
	if err == nil {
		live, errLive := runner.ReadLive(ctx, p, repo)
		if err = errors.Join(errLive, repo.Close()); err == nil {
			return p, live, nil
		}
	}
	live, errLive := runner.ReadLive(ctx, p, nil)
	if errLive == nil {
		a.stderr().line(plain("note: what is completed is taken from the files alone: " + record.OneLine(err)))
	}
	return p, live, errLive
}

func (l listJSON) show(s *screen) {
	var table [][]text
	for _, r := range l.Specs {
		title := plain(r.Title)
		if r.Error != "" {
			title = coloured(r.Error, red)
		}
		table = append(table, []text{plain(r.ID), stateText(r.State), plain(ticks(r.Criteria)), title})
	}
	s.table(table)
}

func (l listJSON) status() error {
	return statusIf(ExitUsage, slices.ContainsFunc(l.Specs, specJSON.invalid))
}

func ticks(c criteriaJSON) string { return fmt.Sprintf("%d/%d", c.Ticked, c.Total) }

func stateText(state spec.State) text {
	switch state {
	case spec.StateCompleted:
		return coloured(string(state), green)
	case spec.StateFailed, spec.StateInvalid:
		return coloured(string(state), red)
	case spec.StateRunning, spec.StateReady:
		return coloured(string(state), cyan)
	case spec.StateNeedsAttention, spec.StatePaused:
		return coloured(string(state), yellow)
	}
	return faint(string(state))
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &project.UsageError{Msg: fmt.Sprintf("%s takes no argument: %q", c.CommandPath(), args[0]), Mend: c.CommandPath() + " --help"}
	}
	return nil
}
