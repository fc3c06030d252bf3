package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chant/runner"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

func (a *App) approveCommand() *cobra.Command {
	return a.decisionCommand("approve", "Approve a spec", true)
}

func (a *App) rejectCommand() *cobra.Command {
	return a.decisionCommand("reject", "Reject a spec", false)
}

func (a *App) decisionCommand(name, short string, approved bool) *cobra.Command {
	return &cobra.Command{
		Use:   name + " ID",
		Short: short,
		Args:  oneID, ValidArgsFunction: a.completeIDs,
		RunE: func(c *cobra.Command, args []string) error { return a.approve(c.Context(), args[0], approved) },
	}
}

func (a *App) skipCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "skip ID",
		Short: "Skip a phase, recording who and why",
		Args:  oneID, ValidArgsFunction: a.completeIDs,
		RunE: func(c *cobra.Command, args []string) error {
			if reason = strings.TrimSpace(reason); reason == "" {
				return &project.UsageError{Msg: "skip needs a reason", Mend: "chant skip ID -m REASON"}
			}
			return a.decide(args[0], func(engine *runner.Engine, s *spec.Spec) error {
				if err := engine.Skip(c.Context(), s, reason); err != nil {
					return err
				}
				return a.say(coloured("skipped", yellow), bold(s.ID), plain(reason))
			})
		},
	}
	c.Flags().StringVarP(&reason, "message", "m", "", "why the phase can be skipped")
	return c
}

func (a *App) approve(ctx context.Context, query string, approved bool) error {
	return a.decide(query, func(engine *runner.Engine, s *spec.Spec) error {
		made, err := engine.Approve(ctx, s, approved)
		if err != nil {
			return err
		}
		style := green
		if !approved {
			style = red
		}
		return a.say(coloured(made.Status, style), bold(s.ID), plainf("by %s at %s", made.By, made.At.Format(time.RFC3339)))
	})
}

// decide calls act with the spec that a person decides about.
func (a *App) decide(query string, act func(engine *runner.Engine, s *spec.Spec) error) (err error) {
	p, s, err := a.spec(query)
	if err != nil {
		return err
	}
	engine, closeEngine, err := a.engine(p.Root, func(record.Event) {})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeEngine()) }()
	return act(engine, s)
}

func (a *App) attestCommand() *cobra.Command {
	var note string
	c := &cobra.Command{
		Use:               "attest ID N…",
		Short:             "Attest criteria that no command can decide",
		ValidArgsFunction: a.completeIDs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) < 2 || strings.TrimSpace(note) == "" {
				return &project.UsageError{Msg: "attest needs a spec id, numbers of criteria and a note", Mend: "chant attest ID N… -m NOTE"}
			}
			return a.attest(c.Context(), args[0], args[1:], note)
		},
	}
	c.Flags().StringVarP(&note, "message", "m", "", "what you saw or did")
	return c
}

func (a *App) attest(ctx context.Context, query string, args []string, note string) error {
	var numbers []int
	for _, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil {
			return &project.UsageError{Msg: fmt.Sprintf("invalid criterion number %q", arg), Mend: "chant show " + query + " numbers them"}
		}
		if !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	return a.decide(query, func(engine *runner.Engine, s *spec.Spec) error {
		vouched, err := engine.Attest(ctx, s, numbers, note)
		if err != nil {
			return err
		}
		out := a.stdout()
		for _, c := range vouched {
			out.line(coloured("attested", green), bold(s.ID), plainf("%d. %s", c.Number, c.Text))
		}
		return out.failed()
	})
}
