package cmd

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"chant/runner/project"
	"chant/runner/record"
	"chant/storage"
)

func (a *App) logCommand() *cobra.Command {
	var asJSON bool
	var runID string
	c := &cobra.Command{
		Use:   "log ID",
		Short: "Show the runs of a spec, and the output of the last run or of a named one",
		Args:  oneID, ValidArgsFunction: a.completeIDs,
		RunE: func(_ *cobra.Command, args []string) error { return a.log(args[0], runID, asJSON) },
	}
	c.Flags().StringVar(&runID, "run", "", "show the output of this run")
	jsonFlag(c, &asJSON)
	return c
}

type logJSON struct {
	Schema string            `json:"schema"`
	Spec   string            `json:"spec"`
	Runs   []record.Evidence `json:"runs"`
}

func (a *App) log(query, runID string, asJSON bool) error {
	if asJSON {
		v, err := a.logView(query, runID)
		if err != nil {
			return err
		}
		return writeJSON(a.Out, v)
	}
	v, err := a.logView(query, "")
	if err != nil {
		return err
	}
	if runID == "" {
		if len(v.Runs) == 0 {
			a.stderr().line(bold("chant:"), plainf("spec %s: no runs yet (chant run %s)", v.Spec, v.Spec))
			return nil
		}
		runID = v.Runs[len(v.Runs)-1].ID
	}
	whole, err := a.logView(query, runID)
	if err != nil {
		return err
	}
	return a.showLog(v.Runs, whole.Runs[0])
}

// logView returns the recorded runs of a spec, oldest first, or, if runID is not
// "", this run with the transcripts of its agents.
func (a *App) logView(query, runID string) (v logJSON, err error) {
	p, s, err := a.spec(query)
	if err != nil {
		return v, err
	}
	v = logJSON{"chant.log/v1", s.ID, []record.Evidence{}}
	h, err := record.OpenHistory(project.StorePath(p.Root), storage.Options{ReadOnly: true})
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	ids, err := h.Runs(s.ID)
	if err != nil {
		return v, err
	}
	if runID != "" {
		if !slices.Contains(ids, runID) {
			return v, &project.UsageError{Msg: fmt.Sprintf("spec %s has no run %q", s.ID, runID), Mend: "chant log " + s.ID + " lists them"}
		}
		ids = []string{runID}
	}
	for _, id := range ids {
		ev, err := h.Get(s.ID, id)
		if errors.Is(err, storage.ErrNotFound) && runID == "" {
			continue // removed since it was listed
		}
		if err == nil && runID != "" {
			err = addTranscripts(h, &ev)
		}
		if err != nil {
			return v, err
		}
		v.Runs = append(v.Runs, ev)
	}
	return v, nil
}

// addTranscripts reads the transcripts of a run's agents, which the store has
// under keys of their own.
func addTranscripts(h record.History, ev *record.Evidence) error {
	for i := range ev.Agents {
		said := &ev.Agents[i]
		var err error
		said.Result.Transcript, err = h.Transcript(ev.Spec, ev.ID, said.Attempt)
		if err != nil && !errors.Is(err, storage.ErrNotFound) { // an agent that did not start has none
			return err
		}
	}
	return nil
}

func (a *App) showLog(runs []record.Evidence, whole record.Evidence) error {
	s := a.stdout()
	var rows [][]text
	for _, ev := range runs {
		met := 0
		for _, r := range ev.Criteria {
			if r.Outcome.Met() {
				met++
			}
		}
		rows = append(rows, []text{
			plain(ev.ID), verdictText(ev.Verdict), plainf("%d/%d", met, len(ev.Criteria)), milliseconds(ev.DurationMS),
			faint(short(ev.Commit)), plain(ev.Reason),
		})
		for _, run := range ev.Agents {
			rows = append(rows, []text{
				plainf("  %s, attempt %d", run.Result.Agent, run.Attempt), agentStatus(run), plain(""),
				milliseconds(run.Result.DurationMS), plain(""), plain(run.Result.Reason),
			})
		}
	}
	s.table(rows)
	s.line()
	s.line(bold("run " + whole.ID))
	v := &view{s: s}
	for _, run := range whole.Agents {
		v.agentDone(run)
		for _, text := range run.Notices() {
			v.notice(text)
		}
		showOutput(s, run.Result.Transcript, math.MaxInt)
	}
	for _, r := range whole.Criteria {
		v.criterion(r, math.MaxInt)
		if r.Check != nil && r.Outcome.Met() {
			showOutput(s, r.Check.Output, math.MaxInt)
		}
	}
	return s.failed()
}

func milliseconds(n int64) text { return plain((time.Duration(n) * time.Millisecond).String()) }

func verdictText(v record.Verdict) text {
	switch v {
	case record.Completed, record.AllHeld:
		return coloured(string(v), green)
	case record.Failed, record.Broken:
		return coloured(string(v), red)
	}
	return coloured(string(v), yellow)
}
