package runner

import (
	"bufio"
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
	"chant/spec"
	"chant/storage"
)

// How much of a run's output is kept; the rest is counted, hashed and matched
// as it streams by.
const (
	keepHead = 32 << 10
	keepTail = 96 << 10
)

// checker runs checks, one after the other.
type checker struct {
	processes *process.Supervisor
	config    spec.Config
	env       []string // complete, without what a check must not see
	secrets   []string
	inside    bool // chant was called by a check of this project
	storeDir  string
	holder    storage.Holder
	judge     judge
	told      *regexp.Regexp // see verbose
	now       func() time.Time
	emit      func(Event)
}

// unit is one check with the criteria that it decides.
type unit struct {
	check    *spec.Check
	criteria []spec.Criterion // in the order of the file; the first is the check's owner
}

// units groups the criteria of s by their check, in the order of the file.
// Manual criteria are in none.
func units(s *spec.Spec) []unit {
	var list []unit
	index := map[*spec.Check]int{}
	for _, c := range s.Criteria {
		if c.Manual() {
			continue
		}
		at, ok := index[c.Check]
		if !ok {
			at = len(list)
			index[c.Check] = at
			list = append(list, unit{check: c.Check})
		}
		list[at].criteria = append(list[at].criteria, c)
	}
	return list
}

// run runs the unit's check in the tree at root as often as it says. An error
// means that the environment can't run it at all.
func (x *checker) run(ctx context.Context, root, specID string, u unit) (res CheckResult, err error) {
	c := u.check
	res = newCheckResult(c)
	command, err := x.command(specID, c)
	if err != nil {
		return res, err
	}
	if command.Dir, err = inside(root, c.Dir); err != nil {
		res.Outcome, res.Reason = NotStarted, oneLine(err)
		return res, nil
	}
	release, err := x.admit(ctx, c)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, release()) }()
	first := u.criteria[0]
	x.emit(CheckStarted{Spec: specID, Criterion: first.Number, Text: first.Text, Command: c.Script, Runs: c.Repeat, Started: x.now()})
	return x.repeat(ctx, specID, first.Number, c, command, res)
}

// command says how the check is run, but for the folder.
func (x *checker) command(specID string, c *spec.Check) (process.Command, error) {
	argv, ok := x.config.Interpreter(c.Lang)
	if !ok {
		return process.Command{}, fmt.Errorf("spec %s: no interpreter for %q (name it in %s under interpreters)", specID, c.Lang, ConfigFile)
	}
	return process.Command{
		Argv:    append(slices.Clip(argv), c.Script),
		Env:     append(slices.Clip(x.env), c.Env...),
		Timeout: c.Timeout,
	}, nil
}

func newCheckResult(c *spec.Check) CheckResult {
	return CheckResult{Lang: c.Lang, Command: c.Script, ExpectFail: c.ExpectFail, Planned: c.Repeat, Exits: []int{}}
}

// repeat does the runs. It goes on after a run that did not hold, because the
// share of those that do is what tells a flaky check from a broken one; it
// stops where another run could not help.
func (x *checker) repeat(ctx context.Context, specID string, number int, c *spec.Check, command process.Command, res CheckResult) (CheckResult, error) {
	var held, missed *ending // the first of each
	for settled := false; res.Runs < c.Repeat && !settled; {
		o, err := x.once(ctx, specID, c, command, false)
		if err != nil {
			return res, err
		}
		end := ending{observation: o}
		end.outcome, end.why = x.judge.outcome(c, o)
		res.Runs++
		res.Exits = append(res.Exits, o.result.Exit)
		res.DurationMS += o.result.Duration.Milliseconds()
		switch {
		case end.outcome == Held:
			if res.HeldRuns++; held == nil {
				held = &end
			}
		case missed == nil || end.outcome == Interrupted:
			missed = &end
		}
		settled = end.outcome == NotStarted || end.outcome == Interrupted ||
			end.outcome == TimedOut && res.HeldRuns+c.Repeat-res.Runs < c.AtLeast
		if c.Repeat > 1 {
			x.emit(CheckProgress{Spec: specID, Criterion: number, Done: res.Runs, Runs: c.Repeat, Held: res.HeldRuns})
		}
	}
	decided := missed
	if res.HeldRuns >= c.AtLeast && (missed == nil || missed.outcome != Interrupted) {
		decided = held
	}
	res.Outcome, res.Reason, res.Output, res.OutputDigest = decided.outcome, decided.why, decided.output, decided.digest
	return res, nil
}

// ending is one run of a check with what it means.
type ending struct {
	observation
	outcome Outcome
	why     string
}

// once runs the command one time. What go test says only because a proof asked
// it to tell of each test, match and nomatch do not see.
func (x *checker) once(ctx context.Context, specID string, c *spec.Check, command process.Command, asked bool) (observation, error) {
	kept := process.NewBuffer(keepHead, keepTail)
	masked := process.NewMasker(kept, x.secrets)
	match, nomatch := newMatcher(c.Match), newMatcher(c.NoMatch)
	matchers := io.MultiWriter(match, nomatch)
	var tests *verbose
	if asked {
		tests = newVerbose(x.told, matchers)
		matchers = tests
	}
	command.Output = io.MultiWriter(masked, matchers)
	o := observation{result: x.processes.Run(ctx, command), tests: tests}
	err := masked.Close()
	if asked {
		err = errors.Join(err, tests.Close())
	}
	o.matched, o.offended = match.close(), nomatch.close()
	if err != nil {
		return o, fmt.Errorf("keeping output: %w", err)
	}
	if errors.Is(o.result.Err, exec.ErrNotFound) {
		return o, fmt.Errorf("spec %s: starting the interpreter of %q checks: %w", specID, c.Lang, o.result.Err)
	}
	o.output, o.digest = x.maskPatterns(strings.ToValidUTF8(kept.String(), "\uFFFD")), kept.Sum()
	return o, nil
}

func (x *checker) maskPatterns(text string) string {
	for _, re := range x.config.Secrets {
		text = re.ReplaceAllString(text, "***")
	}
	return text
}

// admit waits until the check may run: exclusive checks run beside no other
// check of the project, whichever process runs it. A check that calls chant,
// as in "chant prove", has been admitted with all that it runs; to wait here
// would be to wait for itself.
func (x *checker) admit(ctx context.Context, c *spec.Check) (release func() error, err error) {
	if x.inside {
		return func() error { return nil }, nil
	}
	if c.Exclusive {
		return storage.LockWait(ctx, x.storeDir, "checks", x.holder)
	}
	return storage.RLock(ctx, x.storeDir, "checks")
}

// inside gives the absolute folder for dir, a path inside root, and refuses one
// that a symbolic link leads out of root.
func inside(root, dir string) (string, error) {
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

// A matcher looks for a regular expression in a stream of any length, holding
// none of it.
type matcher struct {
	in    *io.PipeWriter
	found chan bool
}

// newMatcher starts looking; a nil expression matches nothing and costs nothing.
func newMatcher(re *regexp.Regexp) *matcher {
	m := &matcher{found: make(chan bool, 1)}
	if re == nil {
		m.found <- false
		return m
	}
	out, in := io.Pipe()
	m.in = in
	go func() {
		found := re.MatchReader(bufio.NewReader(out))
		m.found <- found
		// The writer learns by the closed pipe that nobody reads on.
		_ = out.Close() // of a pipe in memory: it can't fail
	}()
	return m
}

// Write takes a piece of the stream; it never fails.
func (m *matcher) Write(p []byte) (int, error) {
	if m.in == nil {
		return len(p), nil
	}
	if _, err := m.in.Write(p); err != nil {
		m.in = nil // decided: the rest can't change it
	}
	return len(p), nil
}

// close ends the stream and tells whether the expression matched.
func (m *matcher) close() bool {
	if m.in != nil {
		_ = m.in.Close() // of a pipe in memory: it can't fail
	}
	return <-m.found
}
