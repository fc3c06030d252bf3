// Package check runs the checks of specs and judges each run. Judging is a pure function of
// what was observed.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/runner/testlog"
	"chant/spec"
	"chant/storage"
)

// How many bytes of a run's output are kept. All of it is hashed and matched.
const (
	keepHead = 32 << 10
	keepTail = 96 << 10
)

// Runner runs the checks of a project. It is made by Settings.NewRunner. Its methods are
// safe for concurrent use if Emit is.
type Runner struct {
	Env   []string // the environment of the checks, complete
	Judge Judge
	Emit  func(record.Event)

	processes  process.Runner
	config     spec.Config
	secrets    []string
	inCheck    bool // chant was called by a check of this project
	storeDir   string
	holder     storage.Holder
	testEvents *regexp.Regexp // see testlog.VerboseEvent
	now        func() time.Time
}

// Run runs the group's check in the tree at root, as often as its attributes say. An error
// means that the check could not be run.
func (x *Runner) Run(ctx context.Context, root, specID string, g Group) (res record.CheckResult, err error) {
	c := g.Check
	res = newCheckResult(c)
	command, err := x.Command(specID, c)
	if err != nil {
		return res, err
	}
	if command.Dir, err = Inside(root, c.Dir); err != nil {
		res.Outcome, res.Reason = record.NotStarted, record.OneLine(err)
		return res, nil
	}
	release, err := x.Admit(ctx, c)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, release()) }()
	first := g.Criteria[0]
	x.Emit(record.CheckStarted{
		Spec: specID, Criterion: first.Number, Text: first.Text, Command: c.Script, Runs: c.Repeat, Started: x.now(),
	})
	return x.repeat(ctx, specID, first.Number, c, command, res)
}

// Command returns the command that runs a check. Its Dir is empty.
func (x *Runner) Command(specID string, c *spec.Check) (process.Command, error) {
	argv, ok := x.config.Interpreter(c.Lang)
	if !ok {
		return process.Command{}, fmt.Errorf("spec %s: no interpreter for checks in %q (add it to interpreters in %s)",
			specID, c.Lang, project.ConfigFile)
	}
	return process.Command{
		Argv:    append(slices.Clip(argv), c.Script),
		Env:     append(slices.Clip(x.Env), c.Env...),
		Timeout: c.Timeout,
	}, nil
}

func newCheckResult(c *spec.Check) record.CheckResult {
	return record.CheckResult{Lang: c.Lang, Command: c.Script, ExpectFail: c.ExpectFail, Planned: c.Repeat, Exits: []int{}}
}

// repeat runs the command until the result is decided. It stops if a command could not start.
func (x *Runner) repeat(
	ctx context.Context, specID string, number int, c *spec.Check, command process.Command, res record.CheckResult,
) (record.CheckResult, error) {
	var held, missed *JudgedRun // the first of each
	for stop := false; res.Runs < c.Repeat && !stop; {
		o, err := x.Once(ctx, specID, c, command, false)
		if err != nil {
			return res, err
		}
		run := JudgedRun{Observation: o}
		run.Outcome, run.Why = x.Judge.Outcome(c, o)
		run.Why = process.MaskText(run.Why, x.secrets, x.config.Secrets) // it has names of tests, and lines of the output
		res.Runs++
		res.Exits = append(res.Exits, o.Result.Exit)
		res.DurationMS += o.Result.Duration.Milliseconds()
		switch {
		case run.Outcome == record.Held:
			if res.HeldRuns++; held == nil {
				held = &run
			}
		case missed == nil || run.Outcome == record.Interrupted:
			missed = &run
		}
		stop = run.Outcome == record.NotStarted || run.Outcome == record.Interrupted ||
			res.HeldRuns >= c.AtLeast || res.HeldRuns+c.Repeat-res.Runs < c.AtLeast
		if c.Repeat > 1 {
			x.Emit(record.CheckProgress{Spec: specID, Criterion: number, Done: res.Runs, Runs: c.Repeat, Held: res.HeldRuns})
		}
	}
	decided := missed
	if res.HeldRuns >= c.AtLeast && (missed == nil || missed.Outcome != record.Interrupted) {
		decided = held
	}
	res.Outcome, res.Reason = decided.Outcome, decided.Why
	res.Output, res.OutputDigest = decided.Observation.Output, decided.Observation.Digest
	return res, nil
}

// JudgedRun is one run of a check, its outcome, and the reason for it ("" for a plain Held).
type JudgedRun struct {
	Observation Observation
	Outcome     record.Outcome
	Why         string
}

// Once runs the command of a check once. If verbose is set, the command was changed to run
// go test with -v: then match and nomatch see the output as it is without -v.
func (x *Runner) Once(
	ctx context.Context, specID string, c *spec.Check, command process.Command, verbose bool,
) (Observation, error) {
	kept := process.NewBuffer(keepHead, keepTail)
	listener := x.Judge.Runners.Listen()
	masked := process.NewMasker(io.MultiWriter(kept, listener), x.secrets)
	match, nomatch := newMatcher(c.Match), newMatcher(c.NoMatch)
	matchers := io.MultiWriter(match, nomatch)
	terse := testlog.NewTerse(x.testEvents, matchers)
	if verbose {
		matchers = terse
	}
	command.Output = io.MultiWriter(masked, matchers)
	if err := x.removeJUnit(ctx, c, command); err != nil {
		return Observation{}, fmt.Errorf("spec %s: junit=%s: %w", specID, c.JUnit, err)
	}
	o := Observation{Result: x.processes.Run(ctx, command)}
	err := masked.Close()
	if verbose {
		err = errors.Join(err, terse.Close())
	}
	o.matched, o.unwanted = match.close(), nomatch.close()
	if err != nil {
		return o, fmt.Errorf("recording the output: %w", err)
	}
	if errors.Is(o.Result.Err, exec.ErrNotFound) {
		return o, fmt.Errorf("spec %s: starting the interpreter of %q checks: %w", specID, c.Lang, o.Result.Err)
	}
	o.Output = process.MaskText(strings.ToValidUTF8(kept.String(), "\uFFFD"), nil, x.config.Secrets)
	o.Digest = kept.Sum()
	if o.Reports = listener.Reports(); c.JUnit != "" {
		x.readJUnit(c, command.Dir, &o)
	}
	return o, nil
}

// Admit waits until the check may run, and returns a function that ends its permission. An
// exclusive check runs in parallel with no other check of the project, in any process. If a
// check calls chant, Admit does not wait: it would wait for that check.
func (x *Runner) Admit(ctx context.Context, c *spec.Check) (release func() error, err error) {
	if x.inCheck {
		return func() error { return nil }, nil
	}
	if c.Exclusive {
		return storage.LockWait(ctx, x.storeDir, "checks", x.holder)
	}
	return storage.RLock(ctx, x.storeDir, "checks")
}

// Inside returns the absolute path of dir, a slash-separated path relative to root. It
// returns an error if dir is not a folder, or leads out of root through a symbolic link.
func Inside(root, dir string) (string, error) {
	if dir == "." {
		return root, nil
	}
	top, err := os.OpenRoot(root)
	if err != nil {
		return "", fmt.Errorf("opening %s: %w", root, err)
	}
	defer top.Close()
	info, err := top.Stat(filepath.FromSlash(dir))
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err // without the name of the system call
	}
	if err != nil {
		return "", fmt.Errorf("dir=%s: %w", dir, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("dir=%s is not a folder", dir)
	}
	return filepath.Join(root, filepath.FromSlash(dir)), nil
}
