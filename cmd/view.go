package cmd

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"

	"chant/runner/process"
	"chant/runner/record"
)

// The control sequences (ECMA-48) and the interval of the live line. They are only
// written to a terminal.
const (
	clearLine   = "\r\x1b[2K"
	clearScreen = "\x1b[H\x1b[2J"
	liveStep    = 100 * time.Millisecond
	outputLines = 15 // last lines shown of a failed check's output; chant log shows all
)

// view shows events: one line per criterion and, on a terminal, a live line for
// the check that is running. Its methods are safe for concurrent use.
type view struct {
	verb    string // "run", "verify" or "prove"
	verbose bool   // show every command
	now     func() time.Time

	mu       sync.Mutex
	s        *screen
	current  *record.CheckStarted // nil while no check is running
	agent    *record.AgentStarted // nil while no agent is running
	lastLine string               // the agent's last line
	done     record.CheckProgress
	proof    *record.ProofProgress // nil while no proof is running
	stop     chan struct{}
	stopped  sync.WaitGroup
}

// newView starts a view. The caller has to close it.
func (a *App) newView(s *screen, verb string, verbose bool) *view {
	v := &view{verb: verb, verbose: verbose, now: a.Now, s: s, stop: make(chan struct{})}
	if s.terminal() {
		v.stopped.Go(v.refresh)
	}
	return v
}

// close removes the live line and returns the first error of writing.
func (v *view) close() error {
	close(v.stop)
	v.stopped.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.current, v.agent, v.proof = nil, nil, nil
	v.erase()
	return v.s.failed()
}

func (v *view) refresh() {
	ticker := time.NewTicker(liveStep)
	defer ticker.Stop()
	for {
		select {
		case <-v.stop:
			return
		case <-ticker.C:
			v.mu.Lock()
			v.draw()
			v.mu.Unlock()
		}
	}
}

// event shows one event.
func (v *view) event(e record.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	switch e := e.(type) {
	case record.RunStarted:
		v.s.line(bold(v.verb+" "+e.Spec), plain(e.Title))
	case record.AgentStarted:
		v.agent, v.lastLine = &e, ""
	case record.AgentProgress:
		v.lastLine = e.Line
	case record.AgentDone:
		v.agent = nil
		v.agentDone(e.Run)
	case record.CheckStarted:
		v.current, v.done = &e, record.CheckProgress{Runs: e.Runs}
		if v.verbose {
			for line := range strings.Lines(e.Command) {
				v.s.line(faint("    $ " + strings.TrimRight(line, "\r\n")))
			}
		}
	case record.CheckProgress:
		v.done = e
	case record.CriterionDone:
		v.current = nil
		v.criterion(e.Result, outputLines)
	case record.ProofProgress:
		v.proof = &e
	case record.Notice:
		v.notice(e.Text)
	case record.Detail:
		if v.verbose {
			v.s.line(faint("    " + e.Text))
		}
	}
	v.draw()
}

func (v *view) erase() {
	if v.s.terminal() {
		v.s.write(clearLine)
	}
}

// draw writes the live line, without a newline.
func (v *view) draw() {
	if !v.s.terminal() {
		return
	}
	switch {
	case v.current != nil:
		c := v.current
		state := fmt.Sprintf("%.1fs", v.now().Sub(c.Started).Seconds())
		if c.Runs > 1 {
			state = fmt.Sprintf("%d/%d, %s", v.done.Done, c.Runs, state)
		}
		v.drawLine(fmt.Sprintf("%d. %s", c.Criterion, c.Text), state)
	case v.agent != nil:
		state := v.now().Sub(v.agent.Started).Round(time.Second).String()
		if v.agent.Attempts > 1 {
			state = fmt.Sprintf("attempt %d/%d, %s", v.agent.Attempt, v.agent.Attempts, state)
		}
		v.drawLine(v.agent.Agent+": "+v.lastLine, state)
	case v.proof != nil:
		p := v.proof // a test that fails rarely needs more runs than are left by this estimate
		state := fmt.Sprintf("%s %d/%d, %s left", p.Cell, p.Done, p.Planned, plural(p.Left, "run"))
		if p.Estimate > 0 {
			state += ", about " + p.Estimate.Round(time.Second).String()
		}
		v.drawLine(p.Fix, state)
	}
}

// drawLine writes a label, cut to the terminal's width, and a state.
func (v *view) drawLine(label, state string) {
	label = ansi.Truncate(clean("  ▶ "+label), max(v.s.width-len(state)-4, 0), "…")
	v.s.write(clearLine + ansi.Truncate(label+" "+faint(state).render(), v.s.width, "…"))
}

// criterion shows a criterion and, if it was not met, the last lines of its
// check's output.
func (v *view) criterion(r record.Result, lines int) {
	mark, style := "✓", green
	switch {
	case r.Outcome == record.Unattested:
		mark, style = "○", yellow
	case !r.Outcome.Met():
		mark, style = "✗", red
	}
	v.s.line(plain(" "), coloured(mark, style), plainf("%d. %s", r.Number, r.Text), faint("— "+resultText(r)))
	if r.Check != nil && !r.Outcome.Met() {
		showOutput(v.s, r.Check.Output, lines)
	}
}

// resultText describes the outcome of a criterion.
func resultText(r record.Result) string {
	switch {
	case r.Outcome == record.Attested:
		return "attested"
	case r.Outcome == record.Unattested:
		return "waiting for an attestation"
	case r.Check == nil || r.Check.Runs == 0:
		return reasonOr(r.Reason, string(r.Outcome))
	}
	words := fmt.Sprintf("%s, %.1fs", r.Check.Tally(), time.Duration(r.Check.DurationMS*int64(time.Millisecond)).Seconds())
	outcome := reasonOr("", string(r.Outcome))
	switch {
	case r.Outcome.Met():
		return strings.TrimSuffix(words+": "+r.Reason, ": ")
	case r.Outcome == record.NotHeld || strings.HasPrefix(r.Reason, outcome):
		return words + ": " + reasonOr(r.Reason, outcome)
	}
	return words + ": " + strings.TrimSuffix(outcome+": "+r.Reason, ": ")
}

// showOutput writes the last lines of a command's output.
func showOutput(s *screen, output string, limit int) {
	lines := strings.Split(strings.TrimRight(output, "\n"), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return
	}
	if extra := len(lines) - limit; extra > 0 {
		before := plural(extra, "line")
		if process.IsCut(output) { // the number of lines is unknown
			before = "more"
		}
		s.line(faint("      | … " + before + " before"))
		lines = lines[extra:]
	}
	for _, line := range lines {
		s.line(faint("      |"), plain(strings.TrimRight(line, "\r")))
	}
}

// notice shows a fact that has no effect on the verdict.
func (v *view) notice(words string) { v.s.line(coloured("  !", yellow), plain(words)) }

// agentDone says on one line how an agent's run ended.
func (v *view) agentDone(run record.AgentRun) {
	res := run.Result
	mark, style := "✓", green
	if res.Status != record.AgentOK {
		mark, style = "✗", red
	}
	words := []string{agentStatus(run).s}
	add := func(shown bool, format string, args ...any) {
		if shown {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	if res.Reason != "" {
		words[0] += ": " + res.Reason
	}
	add(true, "%s", (time.Duration(res.DurationMS) * time.Millisecond).Round(100*time.Millisecond))
	add(res.ModelReported != "", "%s", res.ModelReported)
	add(res.TokensIn+res.TokensOut > 0, "%d tokens in, %d out", res.TokensIn, res.TokensOut)
	add(res.CostUSD > 0, "$%.2f", res.CostUSD)
	add(res.Denied > 0, "%s", plural(res.Denied, "denied tool use"))
	v.s.line(plain(" "), coloured(mark, style), plain("agent "+res.Agent), faint("— "+strings.Join(words, ", ")))
}

// agentStatus returns the status of an agent's run.
func agentStatus(run record.AgentRun) text {
	style := green
	if run.Result.Status != record.AgentOK {
		style = red
	}
	return coloured(strings.ReplaceAll(string(run.Result.Status), "_", " "), style)
}
