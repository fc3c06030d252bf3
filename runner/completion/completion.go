// Package completion finds the commits that completed specs.
package completion

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"chant/runner/git"
	"chant/runner/project"
	"chant/spec"
)

// A completion is the commit that completed a spec: on the first-parent line
// back from a commit, the oldest of the unbroken run of commits, up to that
// one, in which the spec's file says completed. Where that is a merge which
// brought the completed spec in, the line of the merged branch goes on. Squash
// and rebase don't break it, nor does a revert that was reverted, and a spec
// that was renamed or archived is followed. One that was reopened counts from
// its latest completion.
type Completion struct {
	Commit  git.Hash
	Spec    *spec.Spec // as that commit holds it
	parents []git.Hash // of the commit
}

// Repository is what is read of git.
type Repository interface {
	// Entry gives the object at a path of a commit; "" where there is none.
	Entry(commit git.Hash, path string) (git.Hash, error)
	// ReadFile gives a file's content in a commit.
	ReadFile(commit git.Hash, path string) ([]byte, error)
	// Files lists the files below a folder of a commit.
	Files(commit git.Hash, under string) ([]string, error)
	// FirstParents walks back from a commit, itself first.
	FirstParents(from git.Hash) iter.Seq2[git.Commit, error]
}

// Find finds the completion of each id, looking back from a commit. An
// id that the commit itself doesn't hold as completed is not in the result.
func Find(repo Repository, from git.Hash, ids []string) (map[string]Completion, error) {
	found, err := onLine(repo, from, ids)
	if err != nil {
		return nil, err
	}
	merges := map[git.Hash][]string{}
	for id, c := range found {
		if len(c.parents) > 1 {
			merges[c.Commit] = append(merges[c.Commit], id)
		}
	}
	for merge, brought := range merges {
		for _, parent := range found[brought[0]].parents[1:] {
			names := map[string]string{} // at the merge, by the id asked for
			for _, id := range brought {
				names[id] = found[id].Spec.ID
			}
			before, err := Find(repo, parent, slices.Collect(maps.Values(names)))
			if err != nil {
				return nil, fmt.Errorf("following what commit %.12s merged: %w", merge, err)
			}
			for id, name := range names {
				if c, ok := before[name]; ok {
					found[id] = c
				}
			}
		}
	}
	return found, nil
}

// onLine finds the completions on the first-parent line.
func onLine(repo Repository, from git.Hash, ids []string) (map[string]Completion, error) {
	w := walk{repo: repo, found: map[string]Completion{}, open: map[string]string{}, gaps: map[string]bool{}}
	for _, id := range ids {
		w.open[id] = id
	}
	for c, err := range repo.FirstParents(from) {
		if errors.Is(err, git.ErrShallow) {
			return nil, fmt.Errorf("looking for the commits that completed specs: %w", err)
		}
		if err != nil {
			return nil, err
		}
		if err := w.step(c); err != nil {
			return nil, err
		}
		if len(w.open) == 0 {
			break
		}
	}
	return w.found, nil
}

// walk is the way back along first parents.
type walk struct {
	repo  Repository
	found map[string]Completion
	open  map[string]string // what a spec that is not settled yet is called, by id
	gaps  map[string]bool   // the open specs that the commit looked at last does not complete
	tree  git.Hash          // the .chant tree of that commit
	paths map[string]string // the specs of that tree
}

// step looks at one commit: open ids that it holds as completed move back to
// it, the others are settled, unless an older commit can have completed them.
func (w *walk) step(c git.Commit) error {
	tree, err := w.repo.Entry(c.Hash, project.ChantDir)
	if err != nil {
		return err
	}
	same, later := tree == w.tree && tree != "", w.paths
	if !same {
		if w.paths, err = specFiles(w.repo, c.Hash); err != nil {
			return err
		}
		w.tree = tree
	}
	for id := range w.open {
		s := w.found[id].Spec
		if !same || w.gaps[id] {
			if s, err = w.completed(c.Hash, id, later); err != nil {
				return err
			}
		}
		w.gaps[id] = s == nil
		switch {
		case s != nil:
			w.open[id], w.found[id] = s.ID, Completion{c.Hash, s, c.Parents}
		case !w.found[id].mayPrecede(c):
			delete(w.open, id)
		}
	}
	return nil
}

// completed gives an open spec as a commit holds it, nil where that doesn't
// complete it. Beyond a gap it has to be the same completion, as where a merge
// was reverted and landed again; a spec that was reopened has another time.
func (w *walk) completed(commit git.Hash, id string, later map[string]string) (*spec.Spec, error) {
	newer := w.found[id].Spec
	s, err := specAt(w.repo, commit, w.paths[w.open[id]])
	if s == nil && newer != nil && err == nil {
		s, err = namesake(w.repo, commit, w.paths, later, newer)
	}
	if err != nil || s == nil || s.Status != spec.StatusCompleted {
		return nil, err
	}
	if w.gaps[id] && (!s.CompletedAt.Equal(newer.CompletedAt) || s.Digest() != newer.Digest()) {
		return nil, nil
	}
	return s, nil
}

// mayPrecede tells whether the same completion may also lie before a commit that
// doesn't hold it: not where that was made before the time which the spec tells.
func (c Completion) mayPrecede(commit git.Commit) bool {
	return c.Spec != nil && !c.Spec.CompletedAt.IsZero() && !commit.Time.Before(c.Spec.CompletedAt)
}

// namesake finds, in the commit before a spec's file appeared, the file that it
// was renamed from: one with the same title, criteria and checks that is gone
// later.
func namesake(repo Repository, commit git.Hash, paths, later map[string]string, newer *spec.Spec) (*spec.Spec, error) {
	if len(newer.Criteria) == 0 {
		return nil, nil // the digest would tell nothing
	}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		if later[name] != "" {
			continue
		}
		s, err := specAt(repo, commit, paths[name])
		if err != nil {
			return nil, err
		}
		if s.Title == newer.Title && s.Digest() == newer.Digest() {
			return s, nil
		}
	}
	return nil, nil
}

// specFiles maps the ids of a commit's specs to their paths; a spec that was
// archived since keeps its id.
func specFiles(repo Repository, commit git.Hash) (map[string]string, error) {
	paths := map[string]string{}
	for _, dir := range []string{project.ArchiveDir, project.SpecsDir} { // a live spec wins over its archived namesake
		files, err := repo.Files(commit, dir)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if id, ok := strings.CutSuffix(path.Base(file), ".md"); ok {
				paths[id] = file
			}
		}
	}
	return paths, nil
}

func specAt(repo Repository, commit git.Hash, file string) (*spec.Spec, error) {
	if file == "" {
		return nil, nil
	}
	src, err := repo.ReadFile(commit, file)
	if err != nil {
		return nil, err
	}
	s, _ := spec.Parse(file, src)
	return s, nil
}
