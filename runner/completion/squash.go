package completion

import (
	"strings"

	"chant/runner/git"
	"chant/spec"
)

// Lister lists the files of commits; *git.Repo is one.
type Lister interface {
	// List returns the files of a commit.
	List(commit git.Hash) ([]git.Content, error)
}

// Dependents returns what depends on s, directly or through others.
func Dependents(set *spec.Set, s *spec.Spec) []*spec.Spec {
	var list []*spec.Spec
	reached := map[*spec.Spec]bool{s: true}
	for queue := []*spec.Spec{s}; len(queue) > 0; queue = queue[1:] {
		for _, d := range set.Dependents(queue[0]) {
			if !reached[d] {
				reached[d] = true
				list, queue = append(list, d), append(queue, d)
			}
		}
	}
	return list
}

// Squashed tells whether the commit that completed s also completed a spec that depends on
// s and changes files of the project. Then this commit does not have the tree that s was
// completed in, but the one after the later spec. Done has the completions of both.
func Squashed(set *spec.Set, s *spec.Spec, done map[string]Completion) bool {
	c := done[s.ID]
	if c.Err != nil || len(c.Parents) == 0 {
		return false
	}
	for _, d := range Dependents(set, s) {
		for _, target := range d.TargetFiles {
			if done[d.ID].Commit == c.Commit && !strings.HasPrefix(target.Value, ".chant/") {
				return true
			}
		}
	}
	return false
}

// Rebuilt returns what has to be changed in the first parent of c.Commit to rebuild the
// tree that s was completed in, as far as that can be known: the target files of s, as in
// c.Commit. A file that is to be removed has no mode. S is the spec in c.Commit, which has
// a parent.
func (c Completion) Rebuilt(repo Lister, s *spec.Spec) ([]git.Content, error) {
	before, err := repo.List(c.Parents[0])
	if err != nil {
		return nil, err
	}
	after, err := repo.List(c.Commit)
	if err != nil {
		return nil, err
	}
	there := map[string]git.Content{}
	for _, f := range before {
		if s.Targets(f.Path) {
			there[f.Path] = f
		}
	}
	var changes []git.Content
	for _, f := range after {
		if !s.Targets(f.Path) {
			continue
		}
		if there[f.Path] != f {
			changes = append(changes, f)
		}
		delete(there, f.Path)
	}
	for _, f := range before {
		if _, gone := there[f.Path]; gone {
			changes = append(changes, git.Content{Path: f.Path})
		}
	}
	return changes, nil
}
