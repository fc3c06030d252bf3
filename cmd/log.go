package cmd

import (
	"errors"
	"fmt"
	"math"
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

	root string
}

func (a *App) log(query, runID string, asJSON bool) error {
	v, err := a.logView(query)
	if err != nil {
		return err
	}
	if asJSON {
		if v, err = v.only(runID); err != nil {
			return err
		}
		return writeJSON(a.Out, v)
	}
	if len(v.Runs) == 0 && runID == "" {
		a.stderr().line(bold("chant:"), plainf("spec %s: no runs yet (chant run %s)", v.Spec, v.Spec))
		return nil
	}
	if runID == "" {
		runID = v.Runs[len(v.Runs)-1].ID
	}
	whole, err := v.only(runID)
	if err != nil {
		return err
	}
	return a.showLog(v.Runs, whole.Runs[0])
}

// logView returns all recorded runs of a spec.
func (a *App) logView(query string) (logJSON, error) {
	p, err := a.project()
	if err != nil {
		return logJSON{}, err
	}
	s, err := p.Set.Resolve(query)
	if err != nil {
		return logJSON{}, err
	}
	runs, err := history(p.Root, s.ID)
	return logJSON{"chant.log/v1", s.ID, runs, p.Root}, err
}

// only returns a single run with the transcripts of its agents; all runs if runID
// is "".
func (l logJSON) only(runID string) (logJSON, error) {
	if runID == "" {
		return l, nil
	}
	one, err := pick(l.Runs, l.Spec, runID)
	if err == nil {
		err = addTranscripts(l.root, &one)
	}
	l.Runs = []record.Evidence{one}
	return l, err
}

// addTranscripts reads the transcripts of a run's agents, which the store has
// under keys of their own.
func addTranscripts(root string, ev *record.Evidence) (err error) {
	if len(ev.Agents) == 0 {
		return nil
	}
	h, err := record.OpenHistory(project.StorePath(root), storage.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	for i := range ev.Agents {
		said := &ev.Agents[i]
		said.Result.Transcript, err = h.Transcript(ev.Spec, ev.ID, said.Attempt)
		if err != nil && !errors.Is(err, storage.ErrNotFound) { // an agent that did not start has none
			return err
		}
	}
	return nil
}

// history returns all runs of a spec, oldest first.
func history(root, specID string) (runs []record.Evidence, err error) {
	h, err := record.OpenHistory(project.StorePath(root), storage.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	ids, err := h.Runs(specID)
	if err != nil {
		return nil, err
	}
	runs = make([]record.Evidence, 0, len(ids))
	for _, id := range ids {
		ev, err := h.Get(specID, id)
		if errors.Is(err, storage.ErrNotFound) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, err
		}
		runs = append(runs, ev)
	}
	return runs, nil
}

func pick(runs []record.Evidence, specID, runID string) (record.Evidence, error) {
	for _, ev := range runs {
		if ev.ID == runID {
			return ev, nil
		}
	}
	return record.Evidence{}, &usageError{
		msg: fmt.Sprintf("spec %s has no run %q", specID, runID), hint: "chant log " + specID + " lists them",
	}
}

func (a *App) showLog(runs []record.Evidence, whole record.Evidence) error {
	s := a.stdout()
	rows := make([][]text, 0, len(runs))
	for _, ev := range runs {
		met := 0
		for _, r := range ev.Criteria {
			if r.Outcome.Met() {
				met++
			}
		}
		took := (time.Duration(ev.DurationMS) * time.Millisecond).Round(time.Millisecond)
		rows = append(rows, []text{
			plain(ev.ID), verdictText(ev.Verdict), plainf("%d/%d", met, len(ev.Criteria)), plain(took.String()),
			faint(short(ev.Commit)), plain(ev.Reason),
		})
		for _, run := range ev.Agents {
			took := (time.Duration(run.Result.DurationMS) * time.Millisecond).Round(time.Millisecond)
			rows = append(rows, []text{
				plainf("  %s, attempt %d", run.Result.Agent, run.Attempt), agentStatus(run), plain(""),
				plain(took.String()), plain(""), plain(run.Result.Reason),
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

func verdictText(v record.Verdict) text {
	switch v {
	case record.Completed, record.AllHeld:
		return coloured(string(v), green)
	case record.Failed, record.Broken:
		return coloured(string(v), red)
	}
	return coloured(string(v), yellow)
}
