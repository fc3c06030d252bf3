// Package prove shows that a fix repairs what a reproduction showed: the test that
// failed before the fix passes after it, and fails again when only the fix is taken
// back. See docs/proof.md.
package prove

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"chant/runner/check"
	"chant/runner/completion"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// ProveOptions say what to prove, and how hard to try.
type ProveOptions struct {
	Reproduction string  // an id or a unique part of one; every reproduction where empty
	Fix          string  // likewise; every completed fix of the reproduction where empty
	At           string  // the revision to prove; HEAD where empty
	Worktree     bool    // prove HEAD plus the worktree's changes; the fix may be unfinished
	Runs         int     // at least so many stated failures of red, and passes of green; 5 where 0
	MaxRuns      int     // of one cell; 200 where 0
	Alpha        float64 // the chance that a fix without effect may have to pass; 0.01 where 0
	Jobs         int     // runs at a time, each in another tree; 1 where 0
	Keep         bool    // leave the exported trees, and tell where they are
	AllowHarness bool    // prove also where the fix changes what judges it
}

// Repository is what proofs need of git.
type Repository interface {
	completion.Repository
	// Resolve gives the commit that a revision names.
	Resolve(ctx context.Context, rev string) (git.Hash, error)
	// List lists all files of a commit with their modes and blobs.
	List(commit git.Hash) ([]git.File, error)
	// Export writes a commit's tree into an empty folder.
	Export(ctx context.Context, commit git.Hash, dir string) error
	// Status lists what differs from HEAD in index or worktree.
	Status(ctx context.Context) ([]git.Change, error)
}

// Prover proves the fixes of one project.
type Prover struct {
	Settings check.Settings
	Git      Repository
	Version  string // chant's own, for the record
}

// ErrNothingToProve is returned where no completed reproduction and fix are
// there to be proven.
var ErrNothingToProve = errors.New("nothing to prove")

// ErrProving is returned where a check of a proof asks for that same proof.
var ErrProving = errors.New("this proof is being made already, and asks for itself")

// Prove makes the proof of every pair of reproduction and fix that opts name
// (DESIGN.md section 6), in trees of their own beside the user's work. It
// changes nothing and takes no spec's lock. What does not hold is in the
// proofs, each with its verdict; an error means that a proof could not be made.
// The proofs that were made before it are given too.
func (e Prover) Prove(ctx context.Context, opts ProveOptions) ([]record.Proof, error) {
	if opts.Runs < 0 || opts.MaxRuns < 0 || opts.Jobs < 0 || opts.Alpha < 0 || opts.Alpha >= 1 {
		return nil, &project.UsageError{Msg: "runs and jobs are positive numbers, and alpha lies between 0 and 1"}
	}
	head, project, err := e.head(ctx, opts)
	if err != nil {
		return nil, err
	}
	list, err := pairs(project.Set, opts.Reproduction, opts.Fix, opts.Worktree)
	if err != nil {
		return nil, err
	}
	proofs := []record.Proof{}
	for _, p := range list {
		proof, err := e.prove(ctx, opts, p, head, project)
		if err != nil {
			return proofs, err
		}
		proofs = append(proofs, proof)
	}
	return proofs, nil
}

// proving is one proof under way.
type proving struct {
	Prover
	opts ProveOptions
	effort
	pair
	project *project.Project // as head holds it
	checker *check.Runner

	original   *spec.Spec // the reproduction, as base holds it
	base, head side
	tests      []string // the test files at base
	fixed      []string // the fix's files that base and head differ in

	red, green, causal layout
	temp               string
	places             map[string]*place // by folder

	changed seen // the runs of the test as head has it

	took time.Duration // by all runs
	runs int
	out  record.Proof
}

func (e Prover) prove(ctx context.Context, opts ProveOptions, p pair, head side, project *project.Project) (record.Proof, error) {
	started := e.Settings.Now()
	run := &proving{
		Prover: e, opts: opts, effort: opts.effort(), pair: p, project: project, head: head,
		checker: e.Settings.NewRunner(project.Config), places: map[string]*place{},
	}
	run.checker.Emit = func(record.Event) {} // the proof tells its own progress
	var err error
	if run.checker.Env, err = withProving(run.checker.Env, p); err != nil {
		return record.Proof{}, err
	}
	run.checker.Env = withGoFlags(run.checker.Env, uncached)
	if err := run.begin(ctx); err != nil {
		return record.Proof{}, fmt.Errorf("proving %s by %s: %w", p.fix.ID, p.reproduction.ID, err)
	}
	run.out.Started = started.UTC()
	if err := run.decide(ctx); err != nil {
		return record.Proof{}, fmt.Errorf("proving %s by %s: %w", p.fix.ID, p.reproduction.ID, err)
	}
	run.out.DurationMS = e.Settings.Now().Sub(started).Milliseconds()
	return run.out, nil
}

// What a proof asks of every go test that a check calls. No other go command
// knows these flags, while -v would make go build talk too.
const (
	uncached = "-count=1" // run also what passed before: a cached pass is not a run
	telling  = "-test.v"  // tell of each test: "ok" is also said where all were skipped
)

// withGoFlags adds flags to those that the environment sets.
func withGoFlags(env []string, flags ...string) []string {
	flags = append([]string{lookup(env, "GOFLAGS")}, flags...)
	return append(slices.Clip(env), "GOFLAGS="+strings.TrimSpace(strings.Join(flags, " ")))
}

// isTest tells the test: the reproduction's target files, as of base.
func (p *proving) isTest(path string) bool {
	return !isSpecPath(path) && p.original.Targets(path)
}

// isFix tells the fix: its target files without the test.
func (p *proving) isFix(path string) bool {
	return !isSpecPath(path) && !p.isTest(path) && p.fix.Targets(path)
}

// isTakenBack tells what is put back to base without the fix: the fix, and the
// records of the phases, which judge nothing and differ in any case. Where
// nothing else was changed that leaves base itself, whose runs are there.
func (p *proving) isTakenBack(path string) bool { return p.isFix(path) || isSpecPath(path) }

// begin finds base, the test and the fix, and lays out the trees.
func (p *proving) begin(ctx context.Context) error {
	for _, s := range []*spec.Spec{p.reproduction, p.fix} {
		if err := p.project.Problems[s.Path].Err(); err != nil {
			return err
		}
	}
	done, err := completion.Find(p.Git, p.head.commit, []string{p.reproduction.ID})
	if err != nil {
		return err
	}
	found, ok := done[p.reproduction.ID]
	if !ok {
		return fmt.Errorf("%w: commit %.12s does not hold spec %s as completed", ErrNothingToProve, p.head.commit, p.reproduction.ID)
	}
	p.original = found.Spec
	if p.base, err = commitSide(p.Git, found.Commit); err != nil {
		return err
	}
	if len(redChecks(p.original)) == 0 {
		return &project.UsageError{
			Msg:  fmt.Sprintf("commit %.12s completed spec %s without a check with expect=fail, so it reproduced nothing", p.base.commit, p.reproduction.ID),
			Mend: "reopen it, and run it with its check again",
		}
	}
	p.tests = slices.DeleteFunc(p.base.tree.paths(), func(path string) bool { return !p.isTest(path) })
	later := slices.ContainsFunc(p.head.tree.paths(), p.isTest)
	if len(p.tests) == 0 && later {
		return &project.UsageError{
			Msg:  fmt.Sprintf("commit %.12s, which completed spec %s, holds none of its target files: the test came later", p.base.commit, p.reproduction.ID),
			Mend: "complete the reproduction together with its test",
		}
	}
	p.fixed = changedPaths(p.base.tree, p.head.tree, p.isFix)
	p.red = p.base.layout
	p.green = newLayout(p.head.commit, p.head.committed, p.head.tree.with(p.base.tree, p.isTest))
	p.causal = newLayout(p.head.commit, p.head.committed, p.green.tree.with(p.base.tree, p.isTakenBack))
	return p.describe(ctx)
}

// decide gives the verdict, from the cheapest reason to the dearest.
func (p *proving) decide(ctx context.Context) (err error) {
	if reason := p.unprovable(); reason != "" {
		p.out.Verdict, p.out.Reason = record.NotProvable, reason
		p.out.Cells = append(p.unrun(redChecks(p.original)), p.intact(nil), p.cell(record.CellKept, 0))
		return nil
	}
	temp, err := os.MkdirTemp("", "chant-prove-")
	if err != nil {
		return fmt.Errorf("making a folder for exported trees: %w", err)
	}
	if p.temp, err = filepath.EvalSymlinks(temp); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.leave()) }()
	before, err := project.ReadWorktree(ctx, p.Git, p.Settings.Root)
	if err != nil {
		return err
	}
	if err := p.export(ctx, p.red, p.green, p.causal); err != nil {
		return err
	}
	if err := p.judge(ctx); err != nil {
		return err
	}
	after, err := project.ReadWorktree(ctx, p.Git, p.Settings.Root)
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
	changed := tally{}
	checks := redChecks(p.original)
	for i, u := range checks {
		m, err := p.matrix(ctx, u, len(checks)-i-1)
		if err != nil {
			return err
		}
		if m.found, err = p.rewritten(ctx, m, changed); err != nil {
			return err
		}
		p.add(i, m)
		if v := m.found.verdict; v != record.Proven && v != record.Inconclusive {
			p.out.Cells = append(p.out.Cells, p.unrun(checks[i+1:])...)
			break
		}
	}
	p.out.Cells = append(p.out.Cells, p.intact(changed))
	if err := p.keep(ctx); err != nil {
		return err
	}
	if p.green.tree["go.mod"].exists() {
		p.out.Environment.Go = p.goVersion(ctx)
	}
	if p.out.Verdict != record.Proven {
		return nil
	}
	return p.cover(ctx, checks[0])
}

// unprovable says why no run could prove anything; "" where one can.
func (p *proving) unprovable() string {
	submodule := slices.IndexFunc(p.fixed, func(path string) bool {
		return p.base.tree[path].mode == modeSubmodule || p.head.tree[path].mode == modeSubmodule
	})
	switch {
	case p.base.commit == p.head.commit && !p.head.worktree:
		return fmt.Sprintf("commit %.12s completed the reproduction and is head: there is no fix between them", p.base.commit)
	case len(p.fixed) == 0 && len(changedPaths(p.base.tree, p.head.tree, p.isTest)) > 0:
		return "the fix changes no file but the test's"
	case len(p.fixed) == 0:
		return "no target file of the fix differs between base and head"
	case submodule >= 0:
		return "the fix changes the submodule " + p.fixed[submodule] + ", which is an empty folder in the exported trees"
	case len(p.out.Harness) > 0 && !p.opts.AllowHarness:
		return "the fix changes what judges it: " + strings.Join(p.out.Harness, ", ") + " (--allow-harness proves it all the same, and the proof says so)"
	}
	return ""
}

func (p *proving) note(format string, args ...any) {
	p.out.Notes = append(p.out.Notes, fmt.Sprintf(format, args...))
}

// leave removes the exported trees, or tells where they are.
func (p *proving) leave() error {
	var err error
	for _, at := range p.places {
		err = errors.Join(err, at.close())
	}
	if p.opts.Keep {
		p.Settings.Emit(record.Notice{Spec: p.fix.ID, Text: "the exported trees are kept in " + p.temp})
		return err
	}
	return errors.Join(err, os.RemoveAll(p.temp))
}

func (p *proving) environment() record.ProofEnv {
	return record.ProofEnv{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Chant: p.Version}
}
