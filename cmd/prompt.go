package cmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"chant/runner/agent"
	"chant/runner/record"
	"chant/spec"
)

func (a *App) promptCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "prompt ID",
		Short: "Print the exact prompt of an agent, with the size of each part on stderr",
		Args:  oneID, ValidArgsFunction: a.completeIDs,
		RunE: func(_ *cobra.Command, args []string) error { return a.prompt(args[0], asJSON) },
	}
	jsonFlag(c, &asJSON)
	return c
}

// promptJSON is the output of prompt.
type promptJSON struct {
	Schema string              `json:"schema"`
	Spec   string              `json:"spec"`
	Bytes  int                 `json:"bytes"`
	Parts  []record.PromptPart `json:"parts"`
	Text   string              `json:"text"`
}

func (a *App) prompt(query string, asJSON bool) error {
	v, err := a.promptView(query)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Out, v)
	}
	// A program gets the exact bytes; on a terminal control characters are escaped.
	out := v.Text
	if a.stdout().terminal() {
		out = spec.Visible(out)
	}
	if _, err := io.WriteString(a.Out, out); err != nil {
		return fmt.Errorf("writing output: %w", err)
	}
	s := a.stderr()
	var rows [][]text
	for _, part := range v.Parts {
		row := []text{plainf("%7d", part.Bytes), plain(part.Name)}
		if part.LeftOut > 0 {
			row = append(row, coloured(fmt.Sprintf("%d bytes left out", part.LeftOut), yellow))
		}
		rows = append(rows, row)
	}
	s.table(append(rows, []text{bold(fmt.Sprintf("%7d", v.Bytes)), plain("bytes in total")}))
	return s.failed()
}

// promptView returns what prompt shows: the prompt of a first attempt.
func (a *App) promptView(query string) (promptJSON, error) {
	p, s, err := a.spec(query)
	if err != nil {
		return promptJSON{}, err
	}
	if err := p.Problems[s.Path].Err(); err != nil {
		return promptJSON{}, err
	}
	prompt, err := agent.ComposePrompt(p, s, nil)
	if err != nil {
		return promptJSON{}, err
	}
	return promptJSON{"chant.prompt/v1", s.ID, len(prompt.Text), prompt.Parts, prompt.Text}, nil
}
