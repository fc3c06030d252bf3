// Package completion finds the commits that completed specs, and tells what a
// commit holds as completed.
//
// It never walks a commit's tree. One git rev-list gives the commits, and one
// git diff-tree gives the blob of every spec file before and after each of them,
// first for the first-parent line and then, in a few more calls, for the branches
// that were merged there. From that it builds the versions of each spec, linked
// to what they replaced, so a search goes from version to version.
package completion

import (
	"context"
	"fmt"
	"time"

	"chant/runner/git"
	"chant/spec"
)

// Repository is what is read of git.
type Repository interface {
	// Run runs the git program at the top of the work tree and returns its stdout.
	Run(ctx context.Context, c git.Call) ([]byte, error)
	// Blob returns the content of a blob.
	Blob(h git.Hash) ([]byte, error)
}

// Completion is the commit that completed a spec: on first-parent history, the
// oldest of the unbroken run of commits that hold the spec as completed. Where
// that commit is a merge that brought the completed spec in, the search goes on
// in the merged branch. A spec that was renamed or archived is followed, and so
// is a revert that was itself reverted. A reopened spec counts from its latest
// completion.
type Completion struct {
	Commit  git.Hash
	Parents []git.Hash // of Commit, the first parent first; none of a root
	Path    string     // the spec's file in Commit, from the project's folder
	Blob    git.Hash   // the content of that file
	Current git.Hash   // the content of the spec's file where the search began; equal to Blob if nothing in it changed since

	// Err is set where the history that could hold the answer is missing: it
	// wraps git.ErrShallow. Only Current is set beside it.
	Err error
}

// Spec reads the spec as Commit holds it, as far as it can be read.
func (c Completion) Spec(repo Repository) (*spec.Spec, error) {
	return project{repo: repo}.spec(file{c.Path, c.Blob})
}

// Find finds the completion of each id, looking back from a commit. An id that
// the commit itself does not hold as completed is not in the result, and no id is
// where the commit is "". The prefix is the project's folder in the repository,
// "" for the top.
func Find(ctx context.Context, repo Repository, from git.Hash, ids []string, prefix string) (map[string]Completion, error) {
	found := map[string]Completion{}
	if from == "" || len(ids) == 0 {
		return found, nil
	}
	h, err := readHistory(ctx, repo, from)
	if err != nil {
		return nil, fmt.Errorf("reading the history of specs: %w", err)
	}
	s := search{
		project: project{repo, prefix}, history: h, answers: map[query]*answer{},
		statuses: map[git.Hash]status{}, contents: map[file]content{},
		renames: map[*commit]map[content]*version{}, relands: map[time.Time][]*version{},
	}
	start := h.commits[from]
	queries := make([]query, len(ids))
	for i, id := range ids {
		queries[i] = query{start, id}
	}
	if err := s.answer(ctx, queries); err != nil {
		return nil, err
	}
	for _, q := range queries {
		a := s.resolve(q)
		if a.version == nil {
			continue
		}
		c := Completion{Current: h.version(start, q.id).file().blob}
		if a.err != nil {
			c.Err = fmt.Errorf("looking for the commit that completed spec %s: %w", q.id, a.err)
		} else {
			c.fill(a.version, s.project)
		}
		found[q.id] = c
	}
	return found, nil
}

// fill tells of the version that completed a spec.
func (c *Completion) fill(v *version, p project) {
	if v.commit.first != nil {
		c.Parents = append([]git.Hash{v.commit.first.hash}, v.commit.merged...)
	}
	c.Commit, c.Path, c.Blob = v.commit.hash, p.relative(v.file()), v.file().blob
}
