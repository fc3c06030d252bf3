// Package check runs the checks of specs and judges each run. Judging is a plain
// function of what was observed; the process, the locks and the clock are fields.
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

// How much of a run's output is kept; the rest is counted, hashed and matched
// as it streams by.
const (
	keepHead = 32 << 10
	keepTail = 96 << 10
)

// Runner runs checks, one after the other.
type Runner struct {
	processes *process.Supervisor
	config    spec.Config
	Env       []string // complete, without what a check must not see
	secrets   []string
	inside    bool // chant was called by a check of this project
	storeDir  string
	holder    storage.Holder
	Judge     Judge
	told      *regexp.Regexp // see verbose
	now       func() time.Time
	Emit      func(record.Event)
}

// Run runs the unit's check in the tree at root as often as it says. An error
// means that the environment can't run it at all.
func (x *Runner) Run(ctx context.Context, root, specID string, u Group) (res record.CheckResult, err error) {
	c := u.Check
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
	first := u.Criteria[0]
	x.Emit(record.CheckStarted{Spec: specID, Criterion: first.Number, Text: first.Text, Command: c.Script, Runs: c.Repeat, Started: x.now()})
	return x.repeat(ctx, specID, first.Number, c, command, res)
}

// Command says how the check is run, but for the folder.
func (x *Runner) Command(specID string, c *spec.Check) (process.Command, error) {
	argv, ok := x.config.Interpreter(c.Lang)
	if !ok {
		return process.Command{}, fmt.Errorf("spec %s: no interpreter for %q (name it in %s under interpreters)", specID, c.Lang, project.ConfigFile)
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

// repeat does the runs. It goes on after a run that did not hold, because the
// share of those that do is what tells a flaky check from a broken one; it
// stops where another run could not help.
func (x *Runner) repeat(ctx context.Context, specID string, number int, c *spec.Check, command process.Command, res record.CheckResult) (record.CheckResult, error) {
	var held, missed *JudgedRun // the first of each
	for settled := false; res.Runs < c.Repeat && !settled; {
		o, err := x.Once(ctx, specID, c, command, false)
		if err != nil {
			return res, err
		}
		end := JudgedRun{Observation: o}
		end.Outcome, end.Why = x.Judge.Outcome(c, o)
		res.Runs++
		res.Exits = append(res.Exits, o.Result.Exit)
		res.DurationMS += o.Result.Duration.Milliseconds()
		switch {
		case end.Outcome == record.Held:
			if res.HeldRuns++; held == nil {
				held = &end
			}
		case missed == nil || end.Outcome == record.Interrupted:
			missed = &end
		}
		settled = end.Outcome == record.NotStarted || end.Outcome == record.Interrupted ||
			end.Outcome == record.TimedOut && res.HeldRuns+c.Repeat-res.Runs < c.AtLeast
		if c.Repeat > 1 {
			x.Emit(record.CheckProgress{Spec: specID, Criterion: number, Done: res.Runs, Runs: c.Repeat, Held: res.HeldRuns})
		}
	}
	decided := missed
	if res.HeldRuns >= c.AtLeast && (missed == nil || missed.Outcome != record.Interrupted) {
		decided = held
	}
	res.Outcome, res.Reason, res.Output, res.OutputDigest = decided.Outcome, decided.Why, decided.Observation.Output, decided.Observation.Digest
	return res, nil
}

// JudgedRun is one run of a check with what it means.
type JudgedRun struct {
	Observation Observation
	Outcome     record.Outcome
	Why         string
}

// Once runs the command one time. What go test says only because a proof asked
// it to tell of each test, match and nomatch do not see.
func (x *Runner) Once(ctx context.Context, specID string, c *spec.Check, command process.Command, asked bool) (Observation, error) {
	kept := process.NewBuffer(keepHead, keepTail)
	masked := process.NewMasker(kept, x.secrets)
	match, nomatch := newMatcher(c.Match), newMatcher(c.NoMatch)
	matchers := io.MultiWriter(match, nomatch)
	var tests *testlog.Verbose
	if asked {
		tests = testlog.NewVerbose(x.told, matchers)
		matchers = tests
	}
	command.Output = io.MultiWriter(masked, matchers)
	o := Observation{Result: x.processes.Run(ctx, command), Tests: tests}
	err := masked.Close()
	if asked {
		err = errors.Join(err, tests.Close())
	}
	o.matched, o.offended = match.close(), nomatch.close()
	if err != nil {
		return o, fmt.Errorf("keeping output: %w", err)
	}
	if errors.Is(o.Result.Err, exec.ErrNotFound) {
		return o, fmt.Errorf("spec %s: starting the interpreter of %q checks: %w", specID, c.Lang, o.Result.Err)
	}
	o.Output, o.Digest = x.maskPatterns(strings.ToValidUTF8(kept.String(), "\uFFFD")), kept.Sum()
	return o, nil
}

func (x *Runner) maskPatterns(text string) string {
	for _, re := range x.config.Secrets {
		text = re.ReplaceAllString(text, "***")
	}
	return text
}

// Admit waits until the check may run: exclusive checks run beside no other
// check of the project, whichever process runs it. A check that calls chant,
// as in "chant prove", has been admitted with all that it runs; to wait here
// would be to wait for itself.
func (x *Runner) Admit(ctx context.Context, c *spec.Check) (release func() error, err error) {
	if x.inside {
		return func() error { return nil }, nil
	}
	if c.Exclusive {
		return storage.LockWait(ctx, x.storeDir, "checks", x.holder)
	}
	return storage.RLock(ctx, x.storeDir, "checks")
}

// Inside gives the absolute folder for dir, a path inside root, and refuses one
// that a symbolic link leads out of root.
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
		err = failed.Err // without the name of the call
	}
	if err != nil {
		return "", fmt.Errorf("dir=%s: %w", dir, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("dir=%s is not a folder", dir)
	}
	return filepath.Join(root, filepath.FromSlash(dir)), nil
}
