package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"chant/runner/checkout"
	"chant/runner/git"
	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// sealed is the tree in which checks ran in a checkout: HEAD with the target files as they
// would be committed.
type sealed struct {
	head     git.Hash
	contents []git.Content // that differ from head's
}

// checkouts opens a source that makes one checkout at a time, in the folder for temporary
// files of the checks.
func (a *attempt) checkouts(ctx context.Context) (*checkout.Source, error) {
	s, config := a.settings, a.project.Config
	return checkout.Open(ctx, a.engine.Git, checkout.Options{
		Temp: process.Getenv(s.Env, "TMPDIR"), Limit: 1, Link: a.link, Setup: config.Setup,
		Env: s.Env, Secrets: config.Secrets, Processes: s.Processes, Wrap: a.wrap,
	})
}

// seal runs the checks in a checkout of what would be committed, with the current files in
// .chant except the config.
func (a *attempt) seal(ctx context.Context, c candidate) (results []record.Result, err error) {
	source, err := a.checkouts(ctx)
	if err != nil {
		return nil, err
	}
	draft, err := source.New()
	if err != nil {
		return nil, err
	}
	contents, err := a.engine.Git.Store(ctx, c.targets, draft.Objects())
	if err != nil {
		return nil, errors.Join(err, draft.Close())
	}
	return a.checkSealed(ctx, draft, c, contents)
}

// checkSealed runs the checks in a checkout with these contents. It closes the draft.
func (a *attempt) checkSealed(
	ctx context.Context, draft *checkout.Draft, c candidate, contents []git.Content,
) (results []record.Result, err error) {
	own, err := a.engine.Git.Store(ctx, c.chant, draft.Objects())
	if err != nil {
		return nil, errors.Join(err, draft.Close())
	}
	made, err := draft.Checkout(ctx, c.head.Commit, checkout.Changes(slices.Concat(contents, own)))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, made.Close()) }()
	a.sealed = &sealed{head: c.head.Commit}
	if a.sealed.contents, err = a.changing(c.head.Commit, contents); err != nil {
		return nil, err
	}
	return a.checkIn(ctx, made)
}

// checkIn runs the checks in a checkout, with the config in it.
func (a *attempt) checkIn(ctx context.Context, made *checkout.Checkout) ([]record.Result, error) {
	for _, text := range slices.Concat(made.Missing(), made.WaysBack()) {
		a.notice(text)
	}
	p, err := project.Load(made.Dir())
	if err != nil {
		return nil, err
	}
	where := func(*spec.Check) (string, error) { return made.Dir(), nil }
	a.ev.Sealed = true
	results, err := a.settings.NewRunner(p.Config).All(ctx, where, a.spec)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return results, err
}

// recheck runs the checks on a commit unless it has exactly these changes. It reports whether
// all criteria hold.
func (a *attempt) recheck(ctx context.Context, parent, made git.Hash, contents []git.Content) (held bool, err error) {
	changed, err := a.changing(made, contents)
	differs := len(changed) > 0
	if err == nil && !differs && parent != "" {
		var paths []string
		paths, err = a.differing(ctx, parent, made)
		differs = slices.ContainsFunc(paths, func(at string) bool {
			return !slices.ContainsFunc(contents, func(c git.Content) bool { return c.Path == at })
		})
	}
	if err != nil || !differs {
		return err == nil, err
	}
	return a.checkCommit(ctx, made)
}

// checkCommit runs the checks on a commit. It reports whether all criteria hold.
func (a *attempt) checkCommit(ctx context.Context, commit git.Hash) (held bool, err error) {
	a.notice(fmt.Sprintf("commit %.12s has other files than those that were checked (a hook, a filter or another program"+
		" changed them), so the checks run again on it", commit))
	source, err := a.checkouts(ctx)
	if err != nil {
		return false, err
	}
	tree, err := source.Commit(ctx, commit)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	results, err := a.checkIn(ctx, tree)
	if err != nil {
		return false, err
	}
	return a.resultsHeld(results, fmt.Sprintf("in commit %.12s, which has other files", commit)), nil
}

// uncovered says why the checks have not run on exactly what would be committed now;
// "" where they have.
func (a *attempt) uncovered(ctx context.Context, c candidate) (string, error) {
	head := a.candidate.head.Commit
	if a.sealed != nil {
		differs, err := a.unsealed(ctx, c)
		if err != nil || differs != "" {
			return differs, err
		}
		head = a.sealed.head
	} else if extra := a.candidate.extra; len(extra) > 0 {
		return fmt.Sprintf("All criteria held in your work tree, but it differs from what will be committed (%s),"+
			" so the checks run again on exactly that.", record.Some(extra)), nil
	}
	same, err := a.sameWork(ctx, head, c.head.Commit)
	if err != nil || same {
		return "", err
	}
	return "All criteria held, but HEAD has moved, so the checks run again on the new HEAD.", nil
}

// unsealed is uncovered for the contents of target files, if the checks ran in a
// checkout.
func (a *attempt) unsealed(ctx context.Context, c candidate) (string, error) {
	contents, err := a.contentsOf(ctx, c.targets)
	if err == nil {
		contents, err = a.changing(c.head.Commit, contents)
	}
	if err != nil || slices.Equal(contents, a.sealed.contents) {
		return "", err
	}
	var other []string
	for _, one := range slices.Concat(contents, a.sealed.contents) {
		if !slices.Contains(contents, one) || !slices.Contains(a.sealed.contents, one) {
			other = append(other, one.Path)
		}
	}
	slices.Sort(other)
	return fmt.Sprintf("All criteria held, but the commit will have other contents (%s),"+
		" so the checks run again on those.", record.Some(slices.Compact(other))), nil
}

// sameWork reports whether two commits are equal, except for what chant records.
func (a *attempt) sameWork(ctx context.Context, from, to git.Hash) (bool, error) {
	if from == to {
		return true, nil
	}
	if from == "" || to == "" {
		return false, nil
	}
	paths, err := a.differing(ctx, from, to)
	return len(paths) == 0, err
}

// differing returns the paths in which two commits differ, except for what chant records.
func (a *attempt) differing(ctx context.Context, from, to git.Hash) ([]string, error) {
	out, err := a.engine.Git.Run(ctx, git.Call{
		Args: []string{"diff-tree", "-r", "-z", "--name-only", "--no-renames", string(from), string(to)},
	})
	if err != nil {
		return nil, fmt.Errorf("comparing commits: %w", err)
	}
	var paths []string
	for at := range strings.SplitSeq(string(out), "\x00") {
		if at != "" && (at == project.ConfigFile || !strings.HasPrefix(at, project.ChantDir+"/")) {
			paths = append(paths, at)
		}
	}
	return paths, nil
}

// changing returns those of some contents that differ from a commit's.
func (a *attempt) changing(commit git.Hash, contents []git.Content) ([]git.Content, error) {
	stored := map[string]git.Content{}
	if commit != "" {
		files, err := a.engine.Git.List(commit)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			stored[f.Path] = f
		}
	}
	return slices.DeleteFunc(slices.Clone(contents), func(c git.Content) bool {
		was, ok := stored[c.Path]
		return c == was || !ok && c == git.Content{Path: c.Path}
	}), nil
}
