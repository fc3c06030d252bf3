// Package verify repeats the checks of completed specs.
package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"chant/runner/check"
	"chant/runner/completion"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// VerifyOptions say what to verify.
type VerifyOptions struct {
	IDs   []string // exact ids; every completed spec where empty
	At    string   // a revision; the worktree where empty
	Shard Shard
}

// ErrNothingToVerify is returned where nothing was there to be verified: a
// verification of nothing must not look like a success.
var ErrNothingToVerify = errors.New("nothing to verify")

// Repository is what a verification needs of git.
type Repository interface {
	completion.Repository
	// Head gives what HEAD points to.
	Head() (git.Head, error)
	// Resolve gives the commit that a revision names.
	Resolve(ctx context.Context, rev string) (git.Hash, error)
	// Tree gives a commit's tree.
	Tree(commit git.Hash) (git.Hash, error)
	// Export writes a commit's tree into an empty folder.
	Export(ctx context.Context, commit git.Hash, dir string) error
	// Status lists what differs from HEAD in index or worktree.
	Status(ctx context.Context) ([]git.Change, error)
}

// Verifier verifies the completed specs of one project.
type Verifier struct {
	Settings check.Settings
	Git      Repository
}

// verification is one under way.
type verification struct {
	Verifier
	project *project.Project
	checker *check.Runner
	head    string              // the folder of the tree being verified
	phases  map[git.Hash]string // exported trees of completing commits
	temp    string              // their parent, removed at the end
	done    map[string]completion.Completion
}

// Verify re-runs the checks of completed specs: those with at=head in the
// worktree (or the exported tree of opts.At), those with at=phase in the
// exported tree of the commit that completed the spec. It changes nothing. A
// check that does not hold is in the result; an error means that the
// verification could not be done.
func (e Verifier) Verify(ctx context.Context, opts VerifyOptions) (v record.Verification, err error) {
	started := e.Settings.Now()
	v = record.Verification{Started: started.UTC(), Worktree: opts.At == "", Dirty: []string{}, Specs: []record.Verified{}}
	temp, err := os.MkdirTemp("", "chant-verify-")
	if err != nil {
		return v, fmt.Errorf("making a folder for exported trees: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()

	run := &verification{Verifier: e, head: e.Settings.Root, temp: temp, phases: map[git.Hash]string{}}
	commit, err := run.begin(ctx, opts, &v)
	if err != nil {
		return v, err
	}
	specs, err := run.selected(opts)
	if err != nil {
		return v, err
	}
	if run.done, err = run.completions(commit, specs); err != nil {
		return v, err
	}
	for _, s := range specs {
		one, err := run.verify(ctx, s)
		if err != nil {
			return v, err
		}
		v.Specs = append(v.Specs, one)
	}
	v.DurationMS = e.Settings.Now().Sub(started).Milliseconds()
	return v, nil
}

// begin settles which tree is verified and loads the specs from it.
func (r *verification) begin(ctx context.Context, opts VerifyOptions, v *record.Verification) (git.Hash, error) {
	commit, err := r.commit(ctx, opts.At)
	if err != nil {
		return "", err
	}
	if commit != "" {
		tree, err := r.Git.Tree(commit)
		if err != nil {
			return "", err
		}
		v.Commit, v.Tree = string(commit), string(tree)
	}
	if opts.At != "" {
		if r.head, err = r.export(ctx, commit); err != nil {
			return "", err
		}
	} else {
		dirty, err := project.ReadWorktree(ctx, r.Git, r.Settings.Root)
		if err != nil {
			return "", err
		}
		v.Dirty = dirty.Paths()
	}
	if r.project, err = project.Load(r.head); err != nil {
		return "", err
	}
	r.checker = r.Settings.NewRunner(r.project.Config)
	return commit, nil
}

func (r *verification) commit(ctx context.Context, rev string) (git.Hash, error) {
	if rev != "" {
		return r.Git.Resolve(ctx, rev)
	}
	head, err := r.Git.Head()
	return head.Commit, err
}

// selected gives the specs to verify, in order. Specs that were asked for by id
// must be completed; specs that can't be read are always among the others.
func (r *verification) selected(opts VerifyOptions) ([]*spec.Spec, error) {
	for _, id := range opts.IDs {
		if !slices.ContainsFunc(r.project.Set.All(), func(s *spec.Spec) bool { return s.ID == id }) {
			return nil, fmt.Errorf("spec %s: %w: it is not in the tree being verified", id, ErrNothingToVerify)
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

// withMembers adds the members of groups: they are what proves the group.
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

func (r *verification) completions(commit git.Hash, specs []*spec.Spec) (map[string]completion.Completion, error) {
	if commit == "" {
		return nil, nil
	}
	ids := make([]string, len(specs))
	for i, s := range specs {
		ids[i] = s.ID
	}
	return completion.Find(r.Git, commit, ids)
}

// verify runs the checks of one spec and lists what speaks against it.
func (r *verification) verify(ctx context.Context, s *spec.Spec) (record.Verified, error) {
	v := record.Verified{ID: s.ID, Title: s.Title, Path: s.Path, Status: string(s.Status), Criteria: []record.Result{}, Findings: []record.Finding{}}
	if err := r.project.Problems[s.Path].Err(); err != nil {
		v.Error = record.OneLine(err)
		return v, nil
	}
	done, committed := r.done[s.ID]
	v.CompletedBy = string(done.Commit)
	v.Findings = append(v.Findings, findings(s, done, committed, len(r.project.Set.Members(s)) > 0)...)

	r.Settings.Emit(record.RunStarted{Spec: s.ID, Title: s.Title, Criteria: len(s.Criteria)})
	where := func(c *spec.Check) (string, error) {
		if c.At == spec.AtHead {
			return r.head, nil
		}
		if !committed {
			return "", nil
		}
		return r.export(ctx, done.Commit)
	}
	results, err := r.checker.All(ctx, where, s)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	v.Criteria = results
	return v, err
}

// findings lists what the file itself and its history tell against s.
func findings(s *spec.Spec, done completion.Completion, committed, group bool) []record.Finding {
	var list []record.Finding
	add := func(rule string, criterion, line int, format string, args ...any) {
		list = append(list, record.Finding{Rule: rule, Criterion: criterion, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	if !committed {
		add(record.RuleUncommitted, 0, 1, "the file says completed, and no commit of this branch does")
	} else if done.Spec.Digest() != s.Digest() {
		add(record.RuleChanged, 0, 1, "criteria or checks were edited since commit %.12s completed the spec", done.Commit)
	}
	if len(s.Criteria) == 0 && !group {
		add(record.RuleNoCriteria, 0, 1, "completed without any acceptance criterion")
	}
	for _, mark := range s.OddMarks {
		add(record.RuleOddMark, 0, mark.Pos.Line, "the mark %s is neither done nor open", mark.Value)
	}
	for _, c := range s.Criteria {
		switch {
		case !c.Ticked:
			add(record.RuleUnticked, c.Number, c.Pos.Line, "criterion %d is not ticked in a completed spec", c.Number)
		case c.Manual() && s.AttestedBy(c) == nil:
			add(record.RuleUnproven, c.Number, c.Pos.Line, "criterion %d is ticked, has no check, and nobody vouched for it", c.Number)
		}
	}
	return list
}

// export gives the folder of a commit's exported tree, making it on first use.
func (r *verification) export(ctx context.Context, commit git.Hash) (string, error) {
	if dir, ok := r.phases[commit]; ok {
		return dir, nil
	}
	dir, err := os.MkdirTemp(r.temp, "tree-")
	if err != nil {
		return "", fmt.Errorf("making a folder for an exported tree: %w", err)
	}
	if err := r.Git.Export(ctx, commit, dir); err != nil {
		return "", fmt.Errorf("exporting commit %.12s: %w", commit, err)
	}
	r.phases[commit] = dir
	return dir, nil
}
