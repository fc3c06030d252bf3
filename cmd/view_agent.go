package cmd

import (
	"fmt"
	"strings"
	"time"

	"chant/runner/record"
)

// agentDone says on one line how an agent's run ended.
func (v *view) agentDone(run record.AgentRun) {
	mark, style := "✓", green
	if run.Result.Status != record.AgentOK {
		mark, style = "✗", red
	}
	v.s.line(plain(" "), coloured(mark, style), plain("agent "+run.Result.Agent), faint("— "+agentText(run)))
}

// notice shows a fact that has no effect on the verdict.
func (v *view) notice(words string) { v.s.line(coloured("  !", yellow), plain(words)) }

// agentStatus returns the status of an agent's run.
func agentStatus(run record.AgentRun) text {
	words := strings.ReplaceAll(string(run.Result.Status), "_", " ")
	if run.Result.Status != record.AgentOK {
		return coloured(words, red)
	}
	return coloured(words, green)
}

// agentText describes an agent's run.
func agentText(run record.AgentRun) string {
	words := []string{strings.ReplaceAll(string(run.Result.Status), "_", " ")}
	if run.Result.Reason != "" {
		words[0] += ": " + run.Result.Reason
	}
	words = append(words, (time.Duration(run.Result.DurationMS) * time.Millisecond).Round(100*time.Millisecond).String())
	if run.Result.ModelReported != "" {
		words = append(words, run.Result.ModelReported)
	}
	if run.Result.TokensIn+run.Result.TokensOut > 0 {
		words = append(words, fmt.Sprintf("%d tokens in, %d out", run.Result.TokensIn, run.Result.TokensOut))
	}
	if run.Result.CostUSD > 0 {
		words = append(words, fmt.Sprintf("$%.2f", run.Result.CostUSD))
	}
	if run.Result.Denied > 0 {
		words = append(words, plural(run.Result.Denied, "denied tool use"))
	}
	return strings.Join(words, ", ")
}
