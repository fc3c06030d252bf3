package prove

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"chant/runner/completion"
	"chant/runner/git"
	"chant/spec"
)

// findCommits finds base and head.
func (p *proving) findCommits(ctx context.Context) error {
	p.fix = p.pair.fix
	for _, s := range []*spec.Spec{p.pair.reproduction, p.pair.fix} {
		if err := p.head.project.Problems[s.Path].Err(); err != nil {
			return err
		}
	}
	base, original, err := p.completion(p.pair.reproduction)
	if err != nil {
		return err
	}
	p.original = original
	if err = p.findBase(); err != nil || p.opts.Worktree || p.opts.At != "" {
		return err
	}
	head, fix, err := p.completion(p.pair.fix)
	if err != nil {
		return err
	}
	p.fix = fix
	if p.head, err = p.prover.at(head); err != nil {
		return err
	}
	_, err = p.prover.Git.Run(ctx, git.Call{Args: []string{"merge-base", "--is-ancestor", string(base), string(head)}})
	if no, ok := errors.AsType[*git.CommandError](err); ok && no.Code == 1 {
		return fmt.Errorf("%w: commit %.12s completed spec %s before commit %.12s completed its reproduction"+
			" (set the status of %[3]s to pending, and run it again)",
			ErrNothingToProve, head, p.pair.fix.ID, base)
	}
	return err
}

// findBase reads the tree that the reproduction was completed in, or rebuilds it, if its
// commit completed the fix, too.
func (p *proving) findBase() error {
	done := p.done[p.pair.reproduction.ID]
	commit := done.Commit
	if p.rebuilt = completion.Squashed(p.start.project.Set, p.pair.reproduction, p.done); p.rebuilt {
		commit = done.Parents[0]
	}
	base, err := p.prover.at(commit)
	if err != nil {
		return err
	}
	if p.base, p.config = base.tree, base.project.Config; p.rebuilt {
		changes, err := done.Rebuilt(p.prover.Git, p.original)
		if err != nil {
			return err
		}
		files := maps.Clone(p.base.files)
		for _, c := range changes {
			files.put(c)
		}
		p.base = p.base.with(files)
	}
	if p.opts.AllowHarness {
		p.config = p.head.project.Config
	}
	return nil
}

// completion returns the commit that completed a spec, and the spec in it.
func (p *proving) completion(s *spec.Spec) (git.Hash, *spec.Spec, error) {
	c, ok := p.done[s.ID]
	if !ok {
		return "", nil, fmt.Errorf("%w: commit %.12s does not hold spec %s as completed (--worktree and --at prove a fix that is not completed)",
			ErrNothingToProve, p.head.tree.commit, s.ID)
	}
	if c.Err != nil {
		return "", nil, c.Err
	}
	then, err := c.Spec(p.prover.Git)
	return c.Commit, then, err
}
