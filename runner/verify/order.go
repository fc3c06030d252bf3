package verify

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"chant/runner/completion"
	"chant/runner/git"
	"chant/runner/record"
	"chant/spec"
)

// search begins to look for the completions of specs, because checks that need none of
// them can run meanwhile. The caller calls stop in the end.
func (r *verification) search(ctx context.Context, from git.Hash, specs []*spec.Spec) (stop func()) {
	var ids []string
	for _, s := range specs {
		if ids = append(ids, s.ID); !shows(s) {
			continue
		}
		for _, d := range completion.Dependents(r.project.Set, s) { // they tell whether the commit of s was squashed
			ids = append(ids, d.ID)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	r.done = sync.OnceValues(func() (map[string]completion.Completion, error) {
		return completion.Find(ctx, r.verifier.Git, from, ids, "")
	})
	go func() { _, _ = r.done() }() // whoever asks gets the same answer
	return func() {
		cancel()
		_, _ = r.done() // waits for the end
	}
}

// all runs the checks of specs until there is an error.
func (r *verification) all(ctx context.Context, specs []*spec.Spec) (map[*spec.Spec]record.Verified, error) {
	found := map[*spec.Spec]record.Verified{}
	run := func(list []*spec.Spec) (err error) {
		for i := 0; i < len(list) && err == nil; i++ {
			found[list[i]], err = r.verify(ctx, list[i])
		}
		return err
	}
	first := slices.IndexFunc(specs, needsPhase)
	if first < 0 {
		return found, run(specs)
	}
	if err := run(specs[:first]); err != nil {
		return found, err
	}
	done, err := r.done()
	if err != nil {
		return found, err
	}
	return found, run(byTree(specs[first:], done))
}

// needsPhase reports whether a spec has a check that runs in its completion commit.
func needsPhase(s *spec.Spec) bool {
	return slices.ContainsFunc(s.Criteria, func(c spec.Criterion) bool { return !c.Manual() && c.Check.At == spec.AtPhase })
}

// byTree returns the specs with those that have the same completion commit next to each
// other, so that it is checked out once.
func byTree(specs []*spec.Spec, done map[string]completion.Completion) []*spec.Spec {
	first := map[git.Hash]int{} // the index of a commit's first spec
	for i, s := range slices.Backward(specs) {
		first[done[s.ID].Commit] = i
	}
	index := make(map[*spec.Spec]int, len(specs))
	for i, s := range specs {
		index[s] = i
		if commit := done[s.ID].Commit; commit != "" {
			index[s] = first[commit]
		}
	}
	ordered := slices.Clone(specs)
	slices.SortStableFunc(ordered, func(a, b *spec.Spec) int { return cmp.Compare(index[a], index[b]) })
	return ordered
}
