// Package verify repeats the checks of completed specs.
package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"chant/runner/check"
	"chant/runner/checkout"
	"chant/runner/completion"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// Options says what to verify.
type Options struct {
	Project *project.Project // as the work tree holds it
	IDs     []string         // exact ids; every completed spec if empty
	At      string           // a revision; the work tree if empty
	Shard   Shard
}

// ErrNothingToVerify is returned if no spec is selected, because an empty verification must
// not look like a success.
var ErrNothingToVerify = errors.New("nothing to verify")

// Repository reads a git repository.
type Repository interface {
	checkout.Repository
	completion.Repository
	project.StatusReader
	project.TreeReader
	// Head returns what HEAD points to.
	Head() (git.Head, error)
	// Resolve returns the commit that a revision names.
	Resolve(ctx context.Context, rev string) (git.Hash, error)
}

// Verifier verifies the completed specs of one project.
type Verifier struct {
	Settings check.Settings
	Git      Repository
}

// maxCheckouts is the number of checkouts that may exist at the same time: one of the
// revision to verify, and one of a completion commit.
const maxCheckouts = 2

// verification is the state of one call of Verify.
type verification struct {
	verifier Verifier
	project  *project.Project
	runner   *check.Runner
	head     string           // the folder of the tree to verify
	dirty    map[string]bool  // paths of the work tree that differ from the commit
	source   *checkout.Source // nil before the first checkout
	headTree *checkout.Checkout
	phase    *checkout.Checkout // of phaseAt; nil if there is none now
	phaseAt  phaseTree
	missing  spec.Problems                                    // recorded commits that the repository lacks
	done     func() (map[string]completion.Completion, error) // by spec id; a call may have to wait
}

// Verify repeats the checks of completed specs: those with at=head in the work tree or in a
// checkout of opts.At, those with at=phase in a checkout of the completion commit. It does
// not change the project. If there is an error, the verification is incomplete. A check that
// does not hold is not an error.
func (f Verifier) Verify(ctx context.Context, opts Options) (v record.Verification, err error) {
	started := f.Settings.Now()
	v = record.Verification{Started: started.UTC(), Worktree: opts.At == "", Dirty: []string{}, Specs: []record.Verified{}}
	run := &verification{verifier: f, dirty: map[string]bool{}, head: f.Settings.Root}
	defer func() { err = errors.Join(err, closeTree(&run.phase), closeTree(&run.headTree)) }()
	commit, err := run.load(ctx, opts)
	if err != nil {
		return v, err
	}
	specs, err := run.selected(opts)
	if err != nil {
		return v, err
	}
	stop := run.search(ctx, commit, specs)
	defer stop()
	if err := run.begin(ctx, opts, commit, &v); err != nil {
		return v, err
	}
	found, err := run.all(ctx, specs)
	done, errDone := run.done()
	err = cmp.Or(err, errDone) // an interrupt ends both
	if err == nil {
		run.missing, err = project.MissingCommits(ctx, f.Git, specs)
	}
	for _, s := range specs {
		one, ok := found[s]
		switch {
		case !ok:
			continue
		case errDone != nil && one.Error == "":
			one.Error = record.OneLine(errDone)
		default:
			err = errors.Join(err, run.judge(s, &one, done))
		}
		v.Specs = append(v.Specs, one)
	}
	v.DurationMS = f.Settings.Now().Sub(started).Milliseconds()
	return v, err
}

// load loads the specs from the tree to verify, and returns the commit.
func (r *verification) load(ctx context.Context, opts Options) (commit git.Hash, err error) {
	repo := r.verifier.Git
	if opts.At == "" {
		r.project = opts.Project
		head, err := repo.Head()
		return head.Commit, err
	}
	if commit, err = repo.Resolve(ctx, opts.At); err == nil {
		r.project, err = project.At(repo, r.verifier.Settings.Root, commit)
	}
	return commit, err
}

// begin makes everything ready for the first check.
func (r *verification) begin(ctx context.Context, opts Options, commit git.Hash, v *record.Verification) error {
	repo, settings := r.verifier.Git, r.verifier.Settings
	if commit != "" {
		tree, err := repo.Tree(commit)
		if err != nil {
			return err
		}
		v.Commit, v.Tree = string(commit), string(tree)
	}
	r.runner = settings.NewRunner(r.project.Config)
	if opts.At != "" {
		var err error
		if r.headTree, err = r.checkOut(ctx, commit); err == nil {
			r.head = r.headTree.Dir()
		}
		return err
	}
	dirty, err := project.ReadChanges(ctx, repo)
	for _, c := range dirty {
		v.Dirty = append(v.Dirty, c.Path)
		r.dirty[c.Path] = true
	}
	return err
}

// selected returns the specs to verify, in order. Specs that are named must be completed.
// If none is named, specs that can't be read are selected too.
func (r *verification) selected(opts Options) ([]*spec.Spec, error) {
	for _, id := range opts.IDs {
		if !slices.ContainsFunc(r.project.Set.All(), func(s *spec.Spec) bool { return s.ID == id }) {
			return nil, fmt.Errorf("spec %s: %w: it is not in the tree to verify", id, ErrNothingToVerify)
		}
	}
	invalid := r.project.Invalid()
	ids := withMembers(r.project.Set, opts.IDs)
	var specs []*spec.Spec
	for _, s := range r.project.Set.Order() {
		named := slices.Contains(ids, s.ID)
		if len(opts.IDs) > 0 && !named {
			continue
		}
		if s.Status != spec.StatusCompleted && !invalid[s.ID] {
			if named {
				return nil, fmt.Errorf("spec %s: %w: it is not completed", s.ID, ErrNothingToVerify)
			}
			continue
		}
		specs = append(specs, s)
	}
	specs = opts.Shard.of(specs)
	if len(specs) == 0 {
		return nil, fmt.Errorf("%w: no completed spec is selected", ErrNothingToVerify)
	}
	return specs, nil
}

// withMembers returns the ids and those of the members of these specs.
func withMembers(set *spec.Set, ids []string) []string {
	all := slices.Clone(ids)
	for _, s := range set.All() {
		if !slices.Contains(ids, s.ID) {
			continue
		}
		for _, member := range set.Members(s) {
			all = append(all, member.ID)
		}
	}
	return all
}

// verify runs the checks of one spec and returns the results.
func (r *verification) verify(ctx context.Context, s *spec.Spec) (record.Verified, error) {
	v := record.Verified{
		ID: s.ID, Title: s.Title, Path: s.Path, Status: string(s.Status), Criteria: []record.Result{}, Findings: []record.Finding{},
	}
	if err := r.project.Problems[s.Path].Err(); err != nil {
		v.Error = record.OneLine(err)
		return v, nil
	}
	r.verifier.Settings.Emit(record.RunStarted{Spec: s.ID, Title: s.Title, Criteria: len(s.Criteria)})
	where := func(c *spec.Check) (string, error) {
		if c.At == spec.AtHead {
			return r.head, nil
		}
		done, err := r.done()
		if err != nil {
			return "", err
		}
		completed, committed := done[s.ID]
		if completed.Err != nil {
			return "", &check.NoTreeError{Reason: record.OneLine(completed.Err)}
		}
		if !committed {
			return "", &check.NoTreeError{Reason: "the spec has no completion commit to check out"}
		}
		return r.phaseDir(ctx, s, done)
	}
	results, err := r.runner.All(ctx, where, s)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	v.Criteria = results
	if err != nil {
		v.Error = record.OneLine(err)
	}
	return v, err
}

// judge adds to a verified spec what its file and its history show.
func (r *verification) judge(s *spec.Spec, v *record.Verified, done map[string]completion.Completion) error {
	if v.Error != "" {
		return nil
	}
	completed, committed := done[s.ID]
	v.CompletedBy = string(completed.Commit)
	now := state{committed: committed, completion: completed, group: len(r.project.Set.Members(s)) > 0}
	if committed && completed.Err == nil {
		changed, err := r.changed(s, completed)
		if err != nil {
			return err
		}
		now.changed = changed
	}
	v.Findings = append(v.Findings, findings(s, now)...)
	for _, p := range slices.Concat(r.project.Set.Links(), r.missing) {
		if p.Path == s.Path {
			v.Findings = append(v.Findings, record.Finding{Rule: p.Rule, Line: p.Pos.Line, Text: p.Msg})
		}
	}
	return nil
}

// changed reports whether criteria or checks differ from those in the completion commit.
func (r *verification) changed(s *spec.Spec, done completion.Completion) (bool, error) {
	if done.Current == done.Blob && !r.dirty[s.Path] {
		return false, nil
	}
	was, err := done.Spec(r.verifier.Git)
	if err != nil {
		return false, err
	}
	return was.Digest() != s.Digest(), nil
}

// state is what findings needs to know besides the spec.
type state struct {
	committed  bool // the spec has a completion commit
	completion completion.Completion
	changed    bool // criteria or checks differ from those in the completion commit
	group      bool // it has members
}

// findings returns the problems of the spec that its file and its history show.
func findings(s *spec.Spec, now state) []record.Finding {
	var list []record.Finding
	add := func(rule string, criterion, line int, format string, args ...any) {
		list = append(list, record.Finding{Rule: rule, Criterion: criterion, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	switch {
	case now.completion.Err != nil:
		add(record.RuleShallow, 0, 1, "%s", record.OneLine(now.completion.Err))
	case !now.committed:
		add(record.RuleUncommitted, 0, 1, "the status completed is not committed on this branch")
	case now.changed:
		add(record.RuleChanged, 0, 1, "criteria or checks were changed after commit %.12s completed the spec", now.completion.Commit)
	}
	if len(s.Criteria) == 0 && !now.group {
		add(record.RuleNoCriteria, 0, 1, "completed without acceptance criteria")
	}
	for _, c := range s.Criteria {
		switch {
		case !c.Ticked:
			add(record.RuleUnticked, c.Number, c.Pos.Line, "criterion %d is not ticked in a completed spec", c.Number)
		case c.Manual() && s.AttestedBy(c) == nil:
			add(record.RuleUnproven, c.Number, c.Pos.Line, "criterion %d is ticked, but has neither a check nor an attestation", c.Number)
		}
	}
	return list
}

// closeTree removes a checkout, if there is one.
func closeTree(tree **checkout.Checkout) error {
	if *tree == nil {
		return nil
	}
	closing := *tree
	*tree = nil
	return closing.Close()
}

// checkOut checks out a commit, with some files changed. It emits a notice for everything
// that is missing there or leads back into the work tree.
func (r *verification) checkOut(ctx context.Context, commit git.Hash, changes ...checkout.Change) (*checkout.Checkout, error) {
	settings, config := r.verifier.Settings, r.project.Config
	if r.source == nil {
		source, err := checkout.Open(ctx, r.verifier.Git, checkout.Options{
			Limit: maxCheckouts, Link: config.Link, Setup: config.Setup, Env: settings.Env, Secrets: config.Secrets,
			Processes: settings.Processes,
		})
		if err != nil {
			return nil, err
		}
		r.source = source
	}
	var tree *checkout.Checkout
	var err error
	if len(changes) > 0 {
		tree, err = r.source.Tree(ctx, commit, changes)
	} else {
		tree, err = r.source.Commit(ctx, commit)
	}
	if err != nil {
		return nil, err
	}
	for _, text := range slices.Concat(tree.Missing(), tree.WaysBack()) {
		settings.Emit(record.Notice{Text: fmt.Sprintf("checkout of %.12s: %s", commit, text)})
	}
	return tree, nil
}
