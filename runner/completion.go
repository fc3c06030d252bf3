package runner

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"chant/runner/git"
	"chant/spec"
)

// A completion is the commit that completed a spec: on the first-parent line
// back from a commit, the oldest of the unbroken run of commits, up to that
// one, in which the spec's file says completed. Where that is a merge which
// brought the completed spec in, the line of the merged branch goes on. Squash
// and rebase don't break it, a spec that was renamed or archived is followed,
// and one that was reopened counts from its latest completion.
type completion struct {
	commit  git.Hash
	spec    *spec.Spec // as that commit holds it
	parents []git.Hash // of the commit
}

// completions finds the completion of each id, looking back from a commit. An
// id that the commit itself doesn't hold as completed is not in the result.
func completions(repo Repository, from git.Hash, ids []string) (map[string]completion, error) {
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
		for _, parent := range found[brought[0]].parents[1:] {
			names := map[string]string{} // at the merge, by the id asked for
			for _, id := range brought {
				names[id] = found[id].spec.ID
			}
			before, err := completions(repo, parent, slices.Collect(maps.Values(names)))
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
func onLine(repo Repository, from git.Hash, ids []string) (map[string]completion, error) {
	found := map[string]completion{}
	open := map[string]string{} // what a spec that is not settled yet was called, by id
	for _, id := range ids {
		open[id] = id
	}
	var seen git.Hash           // the .chant tree that found was last brought up to
	var newer map[string]string // the specs of that tree
	for c, err := range repo.FirstParents(from) {
		if errors.Is(err, git.ErrShallow) {
			return nil, fmt.Errorf("looking for the commits that completed specs: %w", err)
		}
		if err != nil {
			return nil, err
		}
		tree, err := repo.Entry(c.Hash, ChantDir)
		if err != nil {
			return nil, err
		}
		if tree == seen && tree != "" {
			for id := range open {
				found[id] = completion{c.Hash, found[id].spec, c.Parents}
			}
			continue
		}
		paths, err := specFiles(repo, c.Hash)
		if err != nil {
			return nil, err
		}
		if err := step(repo, c, paths, newer, open, found); err != nil {
			return nil, err
		}
		newer = paths
		if seen = tree; len(open) == 0 {
			break
		}
	}
	return found, nil
}

// step looks at one commit: open ids that it holds as completed move back to
// it, the others are settled.
func step(repo Repository, c git.Commit, paths, later, open map[string]string, found map[string]completion) error {
	for id, name := range open {
		s, err := specAt(repo, c.Hash, paths[name])
		if err != nil {
			return err
		}
		if newer, ok := found[id]; s == nil && ok {
			if s, err = namesake(repo, c.Hash, paths, later, newer.spec); err != nil {
				return err
			}
		}
		if s == nil || s.Status != spec.StatusCompleted {
			delete(open, id)
			continue
		}
		open[id] = s.ID
		found[id] = completion{c.Hash, s, c.Parents}
	}
	return nil
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
	for _, dir := range []string{ArchiveDir, SpecsDir} { // a live spec wins over its archived namesake
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
