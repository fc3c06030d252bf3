package runner

import (
	"context"
	"errors"
	"slices"

	"chant/runner/completion"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
	"chant/storage"
)

// Repository is what the board needs of git.
type Repository interface {
	completion.Repository
	// Head returns what HEAD points to.
	Head() (git.Head, error)
}

// Live is what the board shows beyond the files.
type Live struct {
	Facts       spec.Live
	Holders     map[string]storage.Holder  // of running specs
	Last        map[string]record.Evidence // the newest run, by spec id
	Interrupted map[string]record.Begun    // runs that were killed, by spec id
}

// ReadLive reads held locks, last runs, and which completions HEAD holds: a spec
// whose file alone says completed is not. It writes nothing. A nil repo is none:
// the files' own word counts then.
func ReadLive(ctx context.Context, p *project.Project, repo Repository) (live Live, err error) {
	live = Live{
		Holders: map[string]storage.Holder{}, Interrupted: map[string]record.Begun{},
		Facts: spec.Live{Running: map[string]bool{}, Failed: map[string]bool{}, Invalid: p.Invalid()},
	}
	if repo != nil {
		if live.Facts.Unrecorded, err = unrecorded(ctx, p, repo); err != nil {
			return live, err
		}
	}
	history, err := record.OpenHistory(project.StorePath(p.Root), storage.Options{ReadOnly: true})
	if err != nil {
		return live, err
	}
	defer func() { err = errors.Join(err, history.Close()) }()
	if live.Last, err = history.Last(); err != nil {
		return live, err
	}
	begun, err := history.Begun()
	if err != nil {
		return live, err
	}
	for _, s := range p.Set.All() {
		holder, held, err := storage.Held(project.StorePath(p.Root), project.LockName(s.ID))
		if err != nil {
			return live, err
		}
		if held {
			live.Holders[s.ID] = holder
			live.Facts.Running[s.ID] = true
		} else if b, ok := begun[s.ID]; ok {
			live.Interrupted[s.ID] = b
		}
		ev, ran := live.Last[s.ID]
		live.Facts.Failed[s.ID] = ran && ev.Verdict == record.Failed && ev.Digest == s.Digest()
	}
	return live, nil
}

// unrecorded returns the specs whose files say completed and which HEAD does not
// hold as completed, by id.
func unrecorded(ctx context.Context, p *project.Project, repo Repository) (map[string]bool, error) {
	var claimed []*spec.Spec
	for _, s := range p.Set.All() {
		if s.Status == spec.StatusCompleted {
			claimed = append(claimed, s)
		}
	}
	if len(claimed) == 0 {
		return nil, nil
	}
	head, err := repo.Head()
	if err != nil {
		return nil, err
	}
	recorded, err := completion.Recorded(ctx, repo, head.Commit, claimed, "")
	if err != nil {
		return nil, err
	}
	missing := map[string]bool{}
	for _, s := range claimed {
		missing[s.ID] = !recorded[s.ID]
	}
	return missing, nil
}

// Ready gives the specs that could be run now, in order, without those named
// and without archived ones, which nobody expects to run by themselves.
func Ready(p *project.Project, facts spec.Live, without map[string]bool) []*spec.Spec {
	return slices.DeleteFunc(p.Set.Order(), func(s *spec.Spec) bool { return without[s.ID] || !ready(p, s, facts) })
}

// ReadyInTurn gives the specs that could be run now, or once those before them
// are completed.
func ReadyInTurn(p *project.Project, facts spec.Live) []*spec.Spec {
	facts.Done = map[string]bool{}
	return slices.DeleteFunc(p.Set.Order(), func(s *spec.Spec) bool {
		facts.Done[s.ID] = ready(p, s, facts)
		return !facts.Done[s.ID]
	})
}

func ready(p *project.Project, s *spec.Spec, facts spec.Live) bool {
	state, _ := p.Set.State(s, facts)
	return !s.Archived && (state == spec.StateReady || state == spec.StateFailed)
}
