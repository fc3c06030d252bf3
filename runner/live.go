package runner

import (
	"errors"
	"slices"

	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
	"chant/storage"
)

// ReadLive gives what the board shows beyond the files: held locks and last
// runs. It writes nothing and starts nothing.
func ReadLive(p *project.Project) (live Live, err error) {
	live = Live{
		Holders: map[string]storage.Holder{},
		Facts:   spec.Live{Running: map[string]bool{}, Failed: map[string]bool{}, Invalid: p.Invalid()},
	}
	history, err := record.OpenHistory(project.StorePath(p.Root), storage.Options{ReadOnly: true})
	if err != nil {
		return live, err
	}
	defer func() { err = errors.Join(err, history.Close()) }()
	if live.Last, err = history.Last(); err != nil {
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
		}
		ev, ran := live.Last[s.ID]
		live.Facts.Failed[s.ID] = ran && ev.Verdict == record.Failed && ev.Digest == s.Digest()
	}
	return live, nil
}

// Live is what the board shows beyond the files.
type Live struct {
	Facts   spec.Live
	Holders map[string]storage.Holder  // of running specs
	Last    map[string]record.Evidence // the newest run, by spec id
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
