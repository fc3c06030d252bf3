package cmd

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"chant/runner"
	"chant/spec"
)

func (a *App) attestCommand() *cobra.Command {
	var note string
	c := &cobra.Command{
		Use:               "attest ID N…",
		Short:             "Attest criteria that no command can decide",
		ValidArgsFunction: a.completeIDs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) < 2 || strings.TrimSpace(note) == "" {
				return &usageError{msg: "attest needs a spec id, numbers of criteria and a note", hint: "chant attest ID N… -m NOTE"}
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
			return &usageError{msg: fmt.Sprintf("invalid criterion number %q", arg), hint: "chant show " + query + " numbers them"}
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
