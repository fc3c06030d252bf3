package git

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// CommitOnly does what Commit does by git commit --only, which runs the user's
// hooks and filters, signs as configured and knows every format of repository.
// Hooks and filters see nothing of chant. They may change what is committed.
func (r *Repo) CommitOnly(ctx context.Context, req CommitRequest) (h Hash, err error) {
	defer wrap(&err, "committing by git commit")
	err = r.persist(ctx, overtaken, func() (err error) {
		h, err = r.commitOnly(ctx, req)
		return err
	})
	return h, err
}

func (r *Repo) commitOnly(ctx context.Context, req CommitRequest) (Hash, error) {
	message, err := cleanMessage(req.Message)
	if err != nil {
		return "", err
	}
	paths, err := cleanPaths(req.Paths)
	if err != nil {
		return "", err
	}
	head, _, err := r.usable(ctx)
	if err != nil {
		return "", err
	}
	if _, err := r.Identity(ctx); err != nil {
		return "", err
	}
	s, err := r.survey(ctx, head, paths)
	if err != nil {
		return "", err
	}
	if len(s.there)+len(s.gone) == 0 {
		return "", ErrNothing
	}
	o := only{repo: r, head: head, named: s.there}
	for _, p := range s.there {
		if !s.known(p) {
			o.fresh = append(o.fresh, p)
		}
	}
	for _, e := range s.tracked {
		if slices.ContainsFunc(o.fresh, func(p string) bool { return below(e.path, p) || below(p, e.path) }) {
			o.evicted = append(o.evicted, e)
		}
	}
	for _, p := range s.gone { // git no longer knows a path that is evicted and not in HEAD
		if s.inHead[p] || !slices.ContainsFunc(o.evicted, func(e indexEntry) bool { return e.path == p }) {
			o.named = append(o.named, p)
		}
	}
	if err := o.intend(ctx); err != nil {
		return "", err
	}
	h, err := o.commit(ctx, message)
	if err != nil {
		return "", errors.Join(err, o.unintend(context.WithoutCancel(ctx)))
	}
	return h, nil
}

// only is one run of git commit --only.
type only struct {
	repo    *Repo
	head    Head
	named   []string     // the paths for git
	fresh   []string     // those of them that git doesn't know yet
	evicted []indexEntry // entries that the fresh paths replace in the index
}

// intend makes the fresh paths known to the index, without their content:
// git commit takes only what it knows.
func (o only) intend(ctx context.Context) error {
	if len(o.fresh) == 0 {
		return nil
	}
	args := []string{"add", "--intent-to-add", "--force", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul"}
	_, err := o.attempt(context.WithoutCancel(ctx), call{args: args, stdin: pathspecs(o.fresh), asUser: true})
	return err
}

// unintend undoes intend. Another writer may hold the index, so it is tried
// for a while.
func (o only) unintend(ctx context.Context) (err error) {
	defer wrap(&err, "taking the new paths out of the index again")
	if len(o.fresh) == 0 {
		return nil
	}
	return o.repo.persist(ctx, overtaken, func() error {
		left, err := o.stillIntended(ctx)
		if err == nil && len(left) > 0 {
			remove := []string{"update-index", "-z", "--force-remove", "--stdin"}
			_, err = o.attempt(ctx, call{args: remove, stdin: pathList(left), asUser: true})
		}
		if err != nil || len(o.evicted) == 0 {
			return err
		}
		var list strings.Builder
		for _, e := range o.evicted {
			list.WriteString(e.info + "\t" + e.path + "\x00")
		}
		again := []string{"update-index", "-z", "--index-info"}
		_, err = o.attempt(ctx, call{args: again, stdin: strings.NewReader(list.String()), asUser: true})
		return err
	})
}

// stillIntended lists those of the fresh paths that the index knows by name
// only: what another program has staged or committed meanwhile stays.
func (o only) stillIntended(ctx context.Context) ([]string, error) {
	out, err := o.repo.git(ctx, call{args: []string{"diff-files", "--diff-filter=A", "--name-only", "--no-renames", "-z"}})
	if err != nil {
		return nil, err
	}
	intended := strings.Split(string(out), "\x00")
	return slices.DeleteFunc(slices.Clone(o.fresh), func(p string) bool { return !slices.Contains(intended, p) }), nil
}

// commit runs git commit. Hooks don't run where there is nothing to commit.
// The message is committed as it is, unless a hook changes it.
func (o only) commit(ctx context.Context, message string) (Hash, error) {
	args := []string{"commit", "--only", "--pathspec-from-file=-", "--pathspec-file-nul"}
	if len(o.fresh) == 0 {
		dry := append(slices.Clone(args), "--dry-run", "--untracked-files=no")
		_, err := o.attempt(ctx, call{args: dry, stdin: pathspecs(o.named), asUser: true})
		if failed, ok := errors.AsType[*CommandError](err); ok && failed.Code == 1 {
			return "", ErrNothing
		}
		if err != nil {
			return "", err
		}
	}
	args = append(args, "--cleanup=verbatim", "-m", message)
	out, err := o.attempt(ctx, call{args: args, stdin: pathspecs(o.named), asUser: true})
	if err != nil {
		return "", err
	}
	return o.repo.summarized(context.WithoutCancel(ctx), string(out))
}

// summarized returns the commit that git commit names in its summary, such as
// "[main (root-commit) 1234567] subject". HEAD may have moved on since.
func (r *Repo) summarized(ctx context.Context, summary string) (Hash, error) {
	named := regexp.MustCompile(`(?m)^\[.*? ([0-9a-f]{4,64})\] `).FindStringSubmatch(summary)
	if named == nil {
		return "", fmt.Errorf("git commit did not name the new commit (git log shows it): %q", summary)
	}
	return r.Resolve(ctx, named[1])
}

// attempt runs a writing git command. The error is a LockedError or
// ErrHeadMoved where another writer was in the way. Git's message is in the
// user's language, so the files have to tell.
func (o only) attempt(ctx context.Context, c call) ([]byte, error) {
	index := filepath.Join(o.repo.gitDir, "index")
	before := statOf(index)
	out, err := o.repo.git(ctx, c)
	if failed, ok := errors.AsType[*CommandError](err); !ok || failed.Code != fatal || locked(err) {
		return out, err
	}
	if lock := o.repo.lockOf(o.head); lock != "" {
		return nil, &LockedError{Path: lock, Err: err}
	}
	if statOf(index) != before {
		return nil, &LockedError{Path: index + ".lock", Err: err}
	}
	if head, errHead := o.repo.Head(); errHead == nil && head != o.head {
		return nil, fmt.Errorf("%w: %w", ErrHeadMoved, err)
	}
	return nil, err
}
