// Package prove shows that a fix repairs what a reproduction showed: the test that
// failed before the fix passes after it, and fails again when only the fix is taken
// back. See docs/proof.md.
package prove

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"chant/runner/check"
	"chant/runner/checkout"
	"chant/runner/completion"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// Options say what to prove, and how hard to try. By default a proof is about the
// commit that completed the fix.
type Options struct {
	Reproduction string  // an id or a unique part of one; every reproduction if empty
	Fix          string  // likewise; every completed fix of the reproduction if empty
	At           string  // the revision to prove instead
	Worktree     bool    // prove HEAD with the work tree's changes instead; the fix may be unfinished
	Runs         int     // the least number of stated failures in red, and of passes in green; 5 if 0
	MaxRuns      int     // the most runs of one cell; 500 if 0
	Alpha        float64 // the accepted chance that a fix without effect passes; 0.01 if 0
	Jobs         int     // runs at a time, each in another tree; 1 if 0
	Keep         bool    // leave the checkouts, and name their folders
	AllowHarness bool    // prove also a fix that changes what judges it
}

// Repository is what proofs need of git; *git.Repo is one.
type Repository interface {
	checkout.Repository
	completion.Repository
	project.StatusReader
	project.TreeReader
	// Resolve returns the commit that a revision names.
	Resolve(ctx context.Context, rev string) (git.Hash, error)
	// Store stores files of the work tree in an object folder, as git add would.
	Store(ctx context.Context, paths []string, objects string) ([]git.Content, error)
}

// Prover proves the fixes of one project.
type Prover struct {
	Settings check.Settings
	Git      Repository
	Version  string // of chant, for the record
}

// ErrNothingToProve is returned if there is no completed reproduction with a fix.
var ErrNothingToProve = errors.New("nothing to prove")

// ErrProving is returned if a check of a proof asks for that same proof.
var ErrProving = errors.New("this proof is being made already, and asks for itself")

// Prove makes the proof of every pair of reproduction and fix that opts name, in
// checkouts of its own. It changes nothing in the repository and takes no spec's
// lock. What does not hold is in the proofs, each with its verdict; an error means
// that a proof could not be made. The proofs that were made before it are
// returned, too.
func (e Prover) Prove(ctx context.Context, opts Options) ([]record.Proof, error) {
	if opts.Runs < 0 || opts.MaxRuns < 0 || opts.Jobs < 0 || opts.Alpha < 0 || opts.Alpha >= 1 {
		return nil, &project.UsageError{Msg: "runs and jobs are positive numbers, and alpha lies between 0 and 1"}
	}
	opts = opts.withDefaults()
	start, err := e.start(ctx, opts)
	if err != nil {
		return nil, err
	}
	list, err := pairs(start.project.Set, opts.Reproduction, opts.Fix, opts.Worktree)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, p := range list {
		ids = append(ids, p.reproduction.ID, p.fix.ID)
		for _, d := range completion.Dependents(start.project.Set, p.reproduction) {
			ids = append(ids, d.ID)
		}
	}
	done, err := completion.Find(ctx, e.Git, start.tree.commit, ids, "")
	if err != nil {
		return nil, err
	}
	proofs := []record.Proof{}
	for _, p := range list {
		proof, err := e.prove(ctx, opts, p, start, done)
		if err != nil {
			return proofs, fmt.Errorf("proving %s by %s: %w", p.fix.ID, p.reproduction.ID, err)
		}
		proofs = append(proofs, proof)
	}
	return proofs, nil
}

// proving is one proof in progress.
type proving struct {
	prover  Prover
	opts    Options
	pair    pair // as they are called in start
	start   revision
	done    map[string]completion.Completion
	head    revision
	base    *treeSpec
	rebuilt bool // base is no commit's tree
	checker *check.Runner

	config  spec.Config                 // of base, as it judges too
	classes map[string]record.PathClass // of the paths that differ between base and head

	versions map[string][]string // new lines of module files, by folder

	original *spec.Spec // the reproduction in base
	fix      *spec.Spec // in head
	tests    []string   // the test files in base
	fixed    []string   // the fix's files that differ between base and head
	shared   string     // one of those that holds the test, too; "" if there is none

	red, green, causal *treeSpec
	judged             *treeSpec // green, with what judges as it is in head
	checkouts          checkouts

	changed seen // runs of the test as it is in head

	took time.Duration // by all runs
	runs int
	out  record.Proof
}

// prove makes one proof. The specs are as in start; done has their completions.
func (e Prover) prove(
	ctx context.Context, opts Options, p pair, start revision, done map[string]completion.Completion,
) (record.Proof, error) {
	started := e.Settings.Now()
	run := &proving{prover: e, opts: opts, pair: p, start: start, head: start, done: done, versions: map[string][]string{}}
	for _, step := range []func(context.Context) error{run.findCommits, run.prepare, run.layOut, run.describe, run.decide} {
		if err := step(ctx); err != nil {
			return record.Proof{}, err
		}
	}
	run.out.Started, run.out.DurationMS = started.UTC(), e.Settings.Now().Sub(started).Milliseconds()
	return run.out, nil
}

// isTest tells whether a path is of the test: the reproduction's target files, as
// named in base.
func (p *proving) isTest(path string) bool {
	return !isSpecPath(path) && p.original.Targets(path)
}

// isJudge tells whether a changed path may decide how the test is run or what it says,
// and is not of the test itself.
func (p *proving) isJudge(path string) bool {
	class := p.classes[path]
	return !p.isTest(path) && (class == record.ClassHarness || class == record.ClassTest)
}

// isFix tells whether a changed path is of the fix: its target files without what
// judges them, unless that is allowed.
func (p *proving) isFix(path string) bool {
	return p.classes[path] == record.ClassFix || p.opts.AllowHarness && p.isJudge(path) && p.fix.Targets(path)
}

// isTakenBack tells whether a path is as in base without the fix: the fix itself,
// and the specs, which judge nothing and differ in any case. If nothing else was
// changed, the tree without the fix is base, and red's runs count for it.
func (p *proving) isTakenBack(path string) bool { return p.isFix(path) || isSpecPath(path) }

// prepare makes the runner of checks, finds the test, and classifies what was changed.
func (p *proving) prepare(ctx context.Context) (err error) {
	p.checker = p.prover.Settings.NewRunner(p.config)
	p.checker.Emit = func(record.Event) {} // a proof reports its own progress
	if p.checker.Env, err = withProving(withGoFlags(p.userGoFlags(ctx, p.checker.Env), uncached), p.pair); err != nil {
		return err
	}
	if len(redChecks(p.original)) == 0 {
		return &project.UsageError{
			Msg: fmt.Sprintf("commit %.12s completed spec %s without a check with expect=fail, so it reproduced nothing",
				p.base.commit, p.pair.reproduction.ID),
			Mend: "set its status to pending, and run it with its check again",
		}
	}
	head := p.head.tree
	p.tests = slices.DeleteFunc(p.base.files.paths(), func(path string) bool { return !p.isTest(path) })
	if len(p.tests) == 0 && slices.ContainsFunc(head.files.paths(), p.isTest) {
		return &project.UsageError{
			Msg: fmt.Sprintf("commit %.12s, which completed spec %s, holds none of its target files: the test came later",
				p.base.commit, p.pair.reproduction.ID),
			Mend: "complete the reproduction together with its test",
		}
	}
	if err := p.classify(); err != nil {
		return err
	}
	return p.findShared()
}

// layOut finds the trees of the cells.
func (p *proving) layOut(context.Context) error {
	head := p.head.tree
	p.fixed = changedPaths(p.base.files, head.files, p.isFix)
	p.red = p.base
	p.judged = head.with(head.files.with(p.base.files, p.isTest))
	if p.green = p.judged; !p.opts.AllowHarness {
		p.green = p.judged.with(p.judged.files.with(p.base.files, p.isJudge))
	}
	without := p.green.files.with(p.base.files, p.isTakenBack)
	if p.causal = p.base; !maps.Equal(without, p.base.files) {
		p.causal = head.with(without)
	}
	return nil
}

// decide finds the verdict: first by what needs no run.
func (p *proving) decide(ctx context.Context) error {
	reason := p.unprovable()
	if reason == "" {
		err := p.run(ctx)
		p.out.Base.Tree, p.out.Head.Tree = string(p.base.id), string(p.head.tree.id)
		if !errors.Is(err, errWayBack) {
			return err
		}
		reason = record.OneLine(err)
	}
	p.out.Verdict, p.out.Reason = record.NotProvable, reason
	p.out.Cells = append(p.unrun(redChecks(p.original)), p.intact(nil), p.cell(record.CellKept, 0))
	return nil
}

// run runs the checks in checkouts. The error is errWayBack if the runs
// may tell nothing about the trees.
func (p *proving) run(ctx context.Context) (err error) {
	before, err := project.ReadWorktree(ctx, p.prover.Git, p.prover.Settings.Root)
	if err != nil {
		return err
	}
	if err := p.openCheckouts(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.closeCheckouts()) }()
	if err := p.judge(ctx); err != nil {
		return err
	}
	after, err := project.ReadWorktree(ctx, p.prover.Git, p.prover.Settings.Root)
	if err != nil {
		return err
	}
	for _, path := range after.Since(before) {
		p.note("changed in the work tree while the proof was made: %s", path)
	}
	return nil
}

// judge runs the cells.
func (p *proving) judge(ctx context.Context) error {
	if err := p.checkOut(ctx, p.red, p.green, p.causal); err != nil {
		return err
	}
	if p.green.files["go.mod"].Mode != "" {
		p.out.Environment.Go = p.askGo(ctx, p.checkouts.open[p.green].checkout.Top(), p.checker.Env, "GOVERSION")
	}
	changed := tally{}
	checks := redChecks(p.original)
	for i, group := range checks {
		c, err := p.runCheck(ctx, group, len(checks)-i-1)
		if err != nil {
			return err
		}
		if c.found, err = p.judgedByHead(ctx, c); err != nil {
			return err
		}
		if c.found, err = p.rewritten(ctx, c, changed); err != nil {
			return err
		}
		p.add(i, c)
		if v := c.found.verdict; v != record.Proven && v != record.Inconclusive {
			p.out.Cells = append(p.out.Cells, p.unrun(checks[i+1:])...)
			break
		}
	}
	p.out.Cells = append(p.out.Cells, p.intact(changed))
	if p.out.Verdict == record.Proven {
		if err := errors.Join(p.doubts(), p.cover(ctx, checks[0].Check)); err != nil {
			return err
		}
	}
	return p.keep(ctx)
}

// unprovable says why no run could prove anything; "" if one can.
func (p *proving) unprovable() string {
	base, head := p.base, p.head.tree
	submodule := slices.IndexFunc(p.fixed, func(path string) bool {
		return base.files[path].Mode == modeSubmodule || head.files[path].Mode == modeSubmodule
	})
	switch {
	case base.commit == head.commit && !p.opts.Worktree:
		return fmt.Sprintf("commit %.12s is base and head: there is no fix between them", base.commit)
	case p.shared != "":
		return "the test and the code that the fix changes are both in " + p.shared +
			", so neither can be put back without the other (move the test to a file of its own, and complete the reproduction with it)"
	case len(p.fixed) == 0 && p.rewrote() && len(changedPaths(base.files, head.files, p.isJudge)) == 0:
		return "the fix changes no file but the test's"
	case submodule >= 0:
		return "the fix changes the submodule " + p.fixed[submodule] + ", whose files are not among what is compared"
	}
	return ""
}

func (p *proving) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(p.out.Notes, text) {
		p.out.Notes = append(p.out.Notes, text)
	}
}
