package prove

import (
	"context"
	"slices"
	"strings"

	"chant/runner/check"
	"chant/runner/process"
	"chant/runner/record"
)

// What a proof asks of the test runners that a check calls, by the environment. Whoever
// calls none of them ignores it.
const (
	uncached = "-count=1" // go test: run also what has passed before, because a cached pass is no run
	verbose  = "-test.v"  // go test: name each test; -v would make go build print more, too
	allNames = "-rap"     // pytest: name each test at the end, without the output of those that passed
)

// withGoFlags adds flags to those that the environment sets.
func withGoFlags(env []string, flags ...string) []string {
	return withWords(env, "GOFLAGS", flags...)
}

func withWords(env []string, name string, words ...string) []string {
	words = append([]string{process.Getenv(env, name)}, words...)
	return append(slices.Clip(env), name+"="+strings.TrimSpace(strings.Join(words, " ")))
}

// asking returns the command with what it asks test runners for.
func asking(c process.Command) process.Command {
	c.Env = withWords(withGoFlags(c.Env, verbose), "PYTEST_ADDOPTS", allNames)
	return c
}

// userGoFlags gives the environment the flags that the user has set by go env -w: it hides
// them as soon as it sets any itself.
func (p *proving) userGoFlags(ctx context.Context, env []string) []string {
	isModule := func(path string) bool { return path == "go.mod" || strings.HasSuffix(path, "/go.mod") }
	if process.Getenv(env, "GOFLAGS") != "" || !slices.ContainsFunc(p.base.files.paths(), isModule) {
		return env
	}
	if flags := p.askGo(ctx, p.prover.Settings.Root, env, "GOFLAGS"); flags != "" {
		return withWords(env, "GOFLAGS", flags)
	}
	return env
}

// askGo returns a value of go env; "" if there is no go.
func (p *proving) askGo(ctx context.Context, dir string, env []string, name string) string {
	out := process.NewBuffer(4<<10, 0)
	res := p.prover.Settings.Processes.Run(ctx, process.Command{Argv: []string{"go", "env", name}, Dir: dir, Env: env, Output: out})
	if res.Err != nil || res.Exit != 0 {
		return ""
	}
	return strings.TrimSpace(out.String())
}

// begin runs red for the first time. A runner that refuses what it is asked for is
// not asked again.
func (p *proving) begin(ctx context.Context, c *checkRuns) error {
	run, err := p.runAlone(ctx, record.CellRed, p.red, c.group.Check, c.command)
	if err != nil {
		return err
	}
	if run.Outcome != record.Held && run.Observation.Result.Exit != 0 {
		again, err := p.runAlone(ctx, record.CellRed, p.red, c.group.Check, c.plain)
		if err != nil {
			return err
		}
		if again.Outcome == record.Held {
			c.command, run = c.plain, again
		}
	}
	p.count(c, record.CellRed, run)
	return nil
}

// count adds a run to its cell.
func (p *proving) count(c *checkRuns, cell string, run check.JudgedRun) {
	c.count(cell, run)
	p.runs++
	p.took += run.Observation.Result.Duration
}
