package completion

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"chant/runner/git"
	"chant/spec"
)

// This file holds the search that Find replaced: it goes from commit to commit and
// reads every tree. TestFindAsBefore compares the two. Three faults are corrected
// here. A namesake that can't be the answer hid others that can. Of a merge of
// several branches, the later ones were asked for the name that the spec had in the
// first. And a branch whose history is missing was an error where a later branch
// has the answer.

// memory is a repository in memory.
type memory struct {
	commits []testCommit
	hashes  []git.Hash // of the commits
	cut     []git.Hash // where a shallow clone ends
}

func (m *memory) commit(h git.Hash) testCommit { return m.commits[slices.Index(m.hashes, h)] }

func (m *memory) parents(h git.Hash) []git.Hash {
	var parents []git.Hash
	for _, number := range m.commit(h).parents {
		parents = append(parents, m.hashes[number-1])
	}
	return parents
}

// walkedCommit is what the search reads of a commit.
type walkedCommit struct {
	hash    git.Hash
	parents []git.Hash
	time    time.Time // the committer's
}

func (m *memory) firstParents(from git.Hash) iter.Seq2[walkedCommit, error] {
	return func(yield func(walkedCommit, error) bool) {
		for next := from; ; {
			c := walkedCommit{next, m.parents(next), m.commit(next).time}
			if !yield(c, nil) || len(c.parents) == 0 {
				return
			}
			if slices.Contains(m.cut, next) {
				yield(walkedCommit{}, git.ErrShallow)
				return
			}
			next = c.parents[0]
		}
	}
}

// Entry names a folder by all that it holds.
func (m *memory) Entry(commit git.Hash, folder string) (git.Hash, error) {
	var b strings.Builder
	files := m.commit(commit).files
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasPrefix(name, folder+"/") {
			fmt.Fprintf(&b, "%s=%q;", name, files[name])
		}
	}
	return git.Hash(b.String()), nil
}

func (m *memory) Files(commit git.Hash, under string) ([]string, error) {
	names := slices.Sorted(maps.Keys(m.commit(commit).files))
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, under+"/") }), nil
}

func (m *memory) ReadFile(commit git.Hash, name string) ([]byte, error) {
	return []byte(m.commit(commit).files[name]), nil
}

type completion struct {
	commit  git.Hash
	spec    *spec.Spec // as that commit holds it
	parents []git.Hash // of the commit
}

// completions finds the completion of each id, looking back from a commit. An
// id that the commit itself doesn't hold as completed is not in the result.
func completions(repo *memory, from git.Hash, ids []string) (map[string]completion, error) {
	found, err := onLine(repo, from, ids)
	if err != nil {
		return nil, err
	}
	merges := map[git.Hash][]string{}
	for id, c := range found {
		if len(c.parents) > 1 {
			merges[c.commit] = append(merges[c.commit], id)
		}
	}
	for merge, brought := range merges {
		names := map[string]string{} // at the merge, by the id asked for
		for _, id := range brought {
			names[id] = found[id].spec.ID
		}
		for _, parent := range slices.Backward(found[brought[0]].parents[1:]) {
			before, err := completions(repo, parent, slices.Collect(maps.Values(names)))
			if err != nil {
				return nil, fmt.Errorf("following what commit %.12s merged: %w", merge, err)
			}
			for id, name := range names {
				if c, ok := before[name]; ok {
					found[id] = c
					delete(names, id)
				}
			}
			if len(names) == 0 {
				break
			}
		}
	}
	return found, nil
}

// onLine finds the completions on the first-parent line.
func onLine(repo *memory, from git.Hash, ids []string) (map[string]completion, error) {
	w := walk{repo: repo, found: map[string]completion{}, open: map[string]string{}, gaps: map[string]bool{}}
	for _, id := range ids {
		w.open[id] = id
	}
	for c, err := range repo.firstParents(from) {
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
	repo  *memory
	found map[string]completion
	open  map[string]string // what a spec that is not settled yet is called, by id
	gaps  map[string]bool   // the open specs that the commit looked at last does not complete
	tree  git.Hash          // the .chant tree of that commit
	paths map[string]string // the specs of that tree
}

// step looks at one commit: open ids that it holds as completed move back to
// it, the others are settled, unless an older commit can have completed them.
func (w *walk) step(c walkedCommit) error {
	tree, err := w.repo.Entry(c.hash, ".chant")
	if err != nil {
		return err
	}
	same, later := tree == w.tree && tree != "", w.paths
	if !same {
		if w.paths, err = specFiles(w.repo, c.hash); err != nil {
			return err
		}
		w.tree = tree
	}
	for id := range w.open {
		s := w.found[id].spec
		if !same || w.gaps[id] {
			if s, err = w.completed(c.hash, id, later); err != nil {
				return err
			}
		}
		w.gaps[id] = s == nil
		switch {
		case s != nil:
			w.open[id], w.found[id] = s.ID, completion{c.hash, s, c.parents}
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
	newer := w.found[id].spec
	s, err := specAt(w.repo, commit, w.paths[w.open[id]])
	if s == nil && newer != nil && err == nil {
		s, err = namesake(w.repo, commit, w.paths, later, newer, w.gaps[id])
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
func (c completion) mayPrecede(commit walkedCommit) bool {
	return c.spec != nil && !c.spec.CompletedAt.IsZero() && !commit.time.Before(c.spec.CompletedAt)
}

// namesake finds, in the commit before a spec's file appeared, the file that it
// was renamed from: one with the same title, criteria and checks that is gone
// later.
func namesake(repo *memory, commit git.Hash, paths, later map[string]string, newer *spec.Spec, gap bool) (*spec.Spec, error) {
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
		if s.Title != newer.Title || s.Digest() != newer.Digest() {
			continue
		}
		if s.Status == spec.StatusCompleted && (!gap || s.CompletedAt.Equal(newer.CompletedAt)) {
			return s, nil
		}
	}
	return nil, nil
}

// specFiles maps the ids of a commit's specs to their paths; a spec that was
// archived since keeps its id.
func specFiles(repo *memory, commit git.Hash) (map[string]string, error) {
	paths := map[string]string{}
	for _, dir := range []string{".chant/archive", ".chant/specs"} { // a live spec wins over its archived namesake
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

func specAt(repo *memory, commit git.Hash, file string) (*spec.Spec, error) {
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
