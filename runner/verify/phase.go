package verify

import (
	"context"
	"fmt"

	"chant/runner/checkout"
	"chant/runner/completion"
	"chant/runner/git"
	"chant/runner/record"
	"chant/spec"
)

// phaseTree names the tree of at=phase checks: that of a commit, or the one that was
// rebuilt on a commit for a spec.
type phaseTree struct {
	commit  git.Hash
	rebuilt string // the spec's id; "" for the commit's own tree
}

// phaseDir returns the folder of a checkout of the tree that a spec was completed in, which
// done has to name. It is removed when phaseDir is called for another tree.
func (r *verification) phaseDir(ctx context.Context, s *spec.Spec, done map[string]completion.Completion) (string, error) {
	c := done[s.ID]
	at := phaseTree{commit: c.Commit}
	if shows(s) && completion.Squashed(r.project.Set, s, done) {
		at = phaseTree{c.Parents[0], s.ID}
	}
	if r.phase != nil && r.phaseAt == at {
		return r.phase.Dir(), nil
	}
	if err := closeTree(&r.phase); err != nil {
		return "", err
	}
	var changes []checkout.Change
	if at.rebuilt != "" {
		then, err := c.Spec(r.verifier.Git)
		if err != nil {
			return "", err
		}
		files, err := c.Rebuilt(r.verifier.Git, then)
		if err != nil {
			return "", err
		}
		changes = checkout.Changes(files)
		r.verifier.Settings.Emit(record.Notice{Spec: s.ID, Text: fmt.Sprintf("commit %.12s is squashed: it completed %s and what depends on it"+
			" at once, so checks of the phase run in its first parent with the target files of %[2]s", c.Commit, s.ID)})
	}
	tree, err := r.checkOut(ctx, at.commit, changes...)
	if err != nil {
		return "", err
	}
	r.phase, r.phaseAt = tree, at
	return r.phase.Dir(), nil
}

// shows tells whether a spec shows a bug: by a check that has to fail in its phase only.
func shows(s *spec.Spec) bool {
	for _, c := range s.Criteria {
		if c.Check != nil && c.Check.ExpectFail && c.Check.At == spec.AtPhase {
			return true
		}
	}
	return false
}
