// Package completion finds the commits that completed specs, and the specs that are
// completed in a commit.
//
// It runs git rev-list for the commits, and git diff-tree once for all changes of spec
// files, with their blobs. From these it makes the versions of each spec, linked to the
// versions that they replaced. A search follows these links, and reads only the blobs of
// the versions that it meets.
package completion

import (
	"context"
	"fmt"

	"chant/runner/git"
	"chant/spec"
)

// Repository reads a git repository.
type Repository interface {
	// Run runs the git program at the top of the work tree and returns its stdout.
	Run(ctx context.Context, c git.Call) ([]byte, error)
	// Blob returns the content of a blob.
	Blob(h git.Hash) ([]byte, error)
	// Size returns the size of a blob.
	Size(h git.Hash) (int64, error)
}

// Completion is the commit that completed a spec: on first-parent history, the oldest of
// the unbroken run of commits in which the spec is completed. If this commit is a merge
// that brought the completed spec in, it is the commit of the merged branch that completed
// it. Renamed and archived specs are followed, and so are reverts that were reverted. A
// spec that was reopened counts from its latest completion.
type Completion struct {
	Commit  git.Hash
	Parents []git.Hash // of Commit, the first parent first; empty for a root
	Path    string     // the spec's file in Commit, relative to the project's folder
	Blob    git.Hash   // of that file
	Current git.Hash   // the blob of the spec's file in the commit where the search began

	// Err wraps git.ErrShallow if the clone lacks the history that is needed. Then of the
	// other fields only Current is set.
	Err error
}

// Spec reads the spec in Commit, as far as it can be parsed.
func (c Completion) Spec(repo Repository) (*spec.Spec, error) {
	return project{repo: repo}.spec(file{c.Path, c.Blob})
}

// Find returns the completion of each id, looking back from a commit. An id that is not
// completed in this commit is not in the result. If the commit is "", the result is empty.
// The prefix is the project's folder in the repository, "" for the top.
func Find(ctx context.Context, repo Repository, from git.Hash, ids []string, prefix string) (map[string]Completion, error) {
	found := map[string]Completion{}
	if from == "" || len(ids) == 0 {
		return found, nil
	}
	p := project{repo, prefix}
	h, err := p.readHistory(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("reading the history of specs: %w", err)
	}
	s := search{
		project: p, history: h, answers: map[query]answer{}, statuses: map[git.Hash]status{}, contents: map[file]content{},
	}
	start := h.commits[from]
	for _, id := range ids {
		a, err := s.answer(query{start, id})
		if err != nil {
			return nil, err
		}
		if a.version == nil {
			continue
		}
		c := Completion{Current: h.version(start, id).file().blob}
		if a.err != nil {
			c.Err = fmt.Errorf("looking for the commit that completed spec %s: %w", id, a.err)
		} else {
			at, f := a.version.commit, a.version.file()
			c.Commit, c.Parents, c.Path, c.Blob = at.hash, at.parents, p.relative(f), f.blob
		}
		found[id] = c
	}
	return found, nil
}
