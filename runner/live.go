package runner

import (
	"context"
	"errors"
	"maps"
	"slices"

	"chant/runner/completion"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
	"chant/storage"
)

// Repository reads a git repository.
type Repository interface {
	completion.Repository
	// Head returns what HEAD points to.
	Head() (git.Head, error)
}

// Live is the state of the specs beyond their files.
type Live struct {
	Facts       spec.Live
	Holders     map[string]storage.Holder  // of running specs
	Last        map[string]record.Evidence // the newest run, by spec id
	Interrupted map[string]record.Begun    // runs that were killed, by spec id
	Left        map[string]record.Left     // the work of agents that interrupted runs left, or that runs leave if they are killed, by spec id
}

// ReadLive reads the held locks, the last runs, and which specs are completed in HEAD. It
// writes nothing. If repo is nil, it does not check which specs are completed in HEAD.
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
	if live.Left, err = history.Left(); err != nil {
		return live, err
	}
	maps.DeleteFunc(live.Left, func(_ string, l record.Left) bool { return !l.Exists() })
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

// unrecorded reports, by id, which of the specs with status completed are not completed in
// HEAD.
func unrecorded(ctx context.Context, p *project.Project, repo Repository) (map[string]bool, error) {
	completed := slices.DeleteFunc(p.Set.All(), func(s *spec.Spec) bool { return s.Status != spec.StatusCompleted })
	if len(completed) == 0 {
		return nil, nil
	}
	head, err := repo.Head()
	if err != nil {
		return nil, err
	}
	recorded, err := completion.Recorded(ctx, repo, head.Commit, completed, "")
	if err != nil {
		return nil, err
	}
	missing := map[string]bool{}
	for _, s := range completed {
		missing[s.ID] = !recorded[s.ID]
	}
	return missing, nil
}

// Ready returns the specs that can be run now, in order, without archived ones and without
// those whose ids are in without.
func Ready(p *project.Project, facts spec.Live, without map[string]bool) []*spec.Spec {
	return slices.DeleteFunc(p.Set.Order(), func(s *spec.Spec) bool { return without[s.ID] || !ready(p, s, facts) })
}

// ReadyInTurn returns the specs that can be run now, or after the specs before them in the
// result are completed.
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
