package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chant/runner"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
	"chant/storage"
)

func (a *App) statusCommand() *cobra.Command {
	var watch bool
	c := a.answering(&cobra.Command{
		Use:   "status",
		Short: "Show the state of every spec, and why",
		Args:  noArgs,
	}, func(ctx context.Context, _ []string) (answer, error) { return a.statusView(ctx) })
	once := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if watch {
			return a.watch(c.Context())
		}
		return once(c, args)
	}
	c.Flags().BoolVar(&watch, "watch", false, "show the board again whenever it changes, until interrupted")
	c.MarkFlagsMutuallyExclusive("json", "watch")
	return c
}

// statusRow is a spec's row on the board.
type statusRow struct {
	specJSON
	Running *storage.Holder `json:"running"`  // the process that runs it; null if it is not running
	LastRun *lastRun        `json:"last_run"` // null if it was never run
	// Interrupted is the run that was killed before it ended; null where none was.
	Interrupted *record.Begun `json:"interrupted"`
	// Left is the work of an agent that an interrupted run left; null where there is none.
	Left *record.Left `json:"left"`
	// Unrecorded is true where the file says completed and no commit does.
	Unrecorded bool `json:"unrecorded"`
}

type lastRun struct {
	ID      string         `json:"id"`
	Started time.Time      `json:"started"`
	Verdict record.Verdict `json:"verdict"`
	Reason  string         `json:"reason"`
	Missed  []missed       `json:"missed"` // the criteria that were not met
}

type missed struct {
	Number  int            `json:"number"`
	Text    string         `json:"text"`
	Outcome record.Outcome `json:"outcome"`
	Reason  string         `json:"reason"`
}

func boardRows(p *project.Project, live runner.Live) []statusRow {
	rows := []statusRow{}
	for _, s := range p.Set.Order() {
		if s.Archived {
			continue
		}
		row := statusRow{specJSON: specRow(p, s, live)}
		if holder, ok := live.Holders[s.ID]; ok {
			row.Running = &holder
		}
		if ev, ok := live.Last[s.ID]; ok {
			row.LastRun = summarise(ev)
		}
		if b, ok := live.Interrupted[s.ID]; ok && row.State != spec.StateCompleted {
			row.Interrupted = &b
		}
		if l, ok := live.Left[s.ID]; ok && !live.Facts.Running[s.ID] {
			row.Left = &l
		}
		row.Unrecorded = live.Facts.Unrecorded[s.ID]
		rows = append(rows, row)
	}
	return rows
}

func summarise(ev record.Evidence) *lastRun {
	last := &lastRun{ID: ev.ID, Started: ev.Started, Verdict: ev.Verdict, Reason: ev.Reason, Missed: []missed{}}
	for _, r := range ev.Criteria {
		if !r.Outcome.Met() {
			last.Missed = append(last.Missed, missed{r.Number, r.Text, r.Outcome, r.Reason})
		}
	}
	return last
}

type statusJSON struct {
	Schema string      `json:"schema"`
	Specs  []statusRow `json:"specs"`
}

func (v statusJSON) show(s *screen) { showBoard(s, v.Specs) }

func (v statusJSON) status() error {
	return statusIf(ExitUsage, slices.ContainsFunc(v.Specs, statusRow.invalid))
}

// statusView returns what status shows.
func (a *App) statusView(ctx context.Context) (statusJSON, error) {
	p, live, err := a.board(ctx)
	if err != nil {
		return statusJSON{}, err
	}
	rows := boardRows(p, live)
	a.noteEmpty(len(rows))
	return statusJSON{"chant.status/v1", rows}, nil
}

func showBoard(s *screen, rows []statusRow) {
	if len(rows) == 0 {
		return
	}
	var table [][]text
	for _, r := range rows {
		table = append(table, []text{
			stateMark(r.State), plain(r.ID), stateText(r.State), plain(gauge(r.Criteria)), plain(ticks(r.Criteria)), faint(why(r)),
		})
	}
	s.table(table)
	s.line()
	s.line(plain(tally(rows)))
}

func stateMark(state spec.State) text {
	switch state {
	case spec.StateCompleted:
		return coloured("✓", green)
	case spec.StateFailed, spec.StateInvalid:
		return coloured("✗", red)
	case spec.StateRunning:
		return coloured("▶", cyan)
	case spec.StateReady:
		return coloured("○", cyan)
	}
	return faint("·")
}

// gauge draws the ticks as a bar of at most ten cells.
func gauge(c criteriaJSON) string {
	cells := min(c.Total, 10)
	if cells == 0 {
		return ""
	}
	full := c.Ticked * cells / c.Total
	return strings.Repeat("■", full) + strings.Repeat("□", cells-full)
}

// why returns the fact that explains a row's state.
func why(r statusRow) string {
	switch {
	case r.Left != nil:
		return fmt.Sprintf("an agent's work is left: chant run %s --agent %s --resume, or rm -r %s", r.ID, r.Left.Agent, r.Left.Folder)
	case r.Interrupted != nil:
		return fmt.Sprintf("run %s was interrupted: chant run %s starts over", r.Interrupted.Run, r.ID)
	case r.Unrecorded:
		return "its file says completed, and no commit does: chant run " + r.ID
	}
	switch r.State {
	case spec.StateBlocked:
		return strings.Join(r.Reasons, "; ")
	case spec.StateCancelled:
		if r.Skipped != nil {
			return "skipped by " + r.Skipped.By + ": " + r.Skipped.Reason
		}
	case spec.StateInvalid:
		return r.Error
	case spec.StateRunning:
		return fmt.Sprintf("process %d on %s since %s", r.Running.PID, r.Running.Host, r.Running.Since.Format(time.RFC3339))
	case spec.StateFailed, spec.StateReady:
		return lastRunText(r)
	case spec.StateCompleted:
		if r.CompletedAt != nil {
			return r.CompletedAt.Format(time.RFC3339)
		}
	}
	return ""
}

// lastRunText says how the last run of a spec that is not completed ended.
func lastRunText(r statusRow) string {
	last := r.LastRun
	switch {
	case last == nil:
		return r.Title
	case len(last.Missed) > 0:
		m := last.Missed[0]
		if m.Outcome == record.Unattested {
			return fmt.Sprintf("waiting for a person to attest criterion %d: %s (chant attest %s %d -m NOTE)", m.Number, m.Text, r.ID, m.Number)
		}
		return fmt.Sprintf("criterion %d: %s: %s", m.Number, m.Text, reasonOr(m.Reason, string(m.Outcome)))
	case last.Verdict == record.Stopped:
		return "the last run was interrupted"
	case last.Reason == "": // it held, and the spec was reopened, or completed nothing
		return r.Title
	}
	return last.Reason
}

func reasonOr(reason, otherwise string) string {
	if reason != "" {
		return reason
	}
	return strings.ReplaceAll(otherwise, "_", " ")
}

func tally(rows []statusRow) string {
	counts := map[spec.State]int{}
	for _, r := range rows {
		counts[r.State]++
	}
	parts := []string{plural(len(rows), "spec")}
	for _, state := range []spec.State{
		spec.StateCompleted, spec.StateRunning, spec.StateReady, spec.StateFailed, spec.StateBlocked,
		spec.StateNeedsAttention, spec.StatePaused, spec.StateCancelled, spec.StateInvalid,
	} {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(state), "_", " ")))
		}
	}
	return strings.Join(parts, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

const watchStep = 500 * time.Millisecond

// watch shows the board again whenever it has changed, until ctx ends.
func (a *App) watch(ctx context.Context) error {
	ticker := time.NewTicker(watchStep)
	defer ticker.Stop()
	shown := ""
	for {
		p, live, err := a.board(ctx)
		if err != nil {
			return err
		}
		s := a.stdout()
		out := s.out
		var now strings.Builder
		s.out = &now
		showBoard(s, boardRows(p, live))
		if now.String() != shown {
			shown = now.String()
			s.out = out
			if s.terminal() {
				s.write(clearScreen)
			}
			s.write(shown)
		}
		if err := s.failed(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
