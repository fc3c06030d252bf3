package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"chant/runner/agent"
	"chant/runner/git"
	"chant/spec"
	"chant/storage"
)

// atWork is what the store holds of a run while its agent works, to tell of it
// where chant is killed. It is the run's evidence so far; the last of its agents
// is the one at work.
type atWork struct {
	Commit git.Hash          `json:"commit"` // of the keep; "" where nothing was kept
	Run    Evidence          `json:"run"`
	Specs  map[string]string `json:"specs"` // what decisive gave of each, by path
}

func (w atWork) agent() *AgentRun { return &w.Run.Agents[len(w.Run.Agents)-1] }

func keepKey(specID string) string { return "kept/" + specID }

// KilledError tells that what specs ask for or record changed since a run was
// killed while its agent worked. A person has to look: nobody kept the agent, or
// what it left running, from writing there what it liked. It is told once.
type KilledError struct {
	ID    string
	Paths []string
}

// Error names the files.
func (k *KilledError) Error() string {
	return fmt.Sprintf("spec %s: a run was killed while its agent worked, and since then changed, not by chant: %s", k.ID, strings.Join(k.Paths, ", "))
}

// Hint gives the way on.
func (k *KilledError) Hint() string { return "look at them, and run it again" }

// remember lets the store know, as long as the run itself has not told, that an
// agent works, and on what.
func (c *crew) remember(k *keep, g *guard, run AgentRun) error {
	so := atWork{Commit: k.commit, Run: c.ev, Specs: map[string]string{}}
	for at, src := range g.specs {
		s, _ := spec.Parse(at, src)
		so.Specs[at] = decisive(s)
	}
	run.Agent, run.Started, run.Exit = c.agent.Name, c.Now().UTC(), -1
	so.Run.Agents = append(slices.Clone(c.ev.Agents), run)
	value, err := json.Marshal(so)
	if err != nil {
		return err
	}
	h, err := c.History()
	if err != nil {
		return err
	}
	return errors.Join(h.Store.Put(keepKey(c.spec.ID), value), h.Close())
}

// forgetKeep is for a run whose own evidence tells all.
func (h History) forgetKeep(specID string) error {
	err := h.Store.Delete(keepKey(specID))
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

// killed gives what is known of a run that is at work or was killed; nil where
// there is none.
func (h History) killed(specID string) (*atWork, error) {
	value, err := h.Store.Get(keepKey(specID))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	var w atWork
	if err == nil {
		err = json.Unmarshal(value, &w)
	}
	if err == nil && len(w.Run.Agents) == 0 {
		err = errors.New("it names no agent")
	}
	if err != nil {
		return nil, fmt.Errorf("reading of the run of %s in which an agent worked: %w", specID, err)
	}
	return &w, nil
}

// tellKilled records a run of the spec that was killed while an agent worked, and
// compares what was kept of it with what is there now. Who knows what happened
// since: nothing is given back.
func (e *Engine) tellKilled(ctx context.Context, specID string) (err error) {
	h, err := OpenHistory(e.Root, storage.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	w, err := h.killed(specID)
	if err = errors.Join(err, h.Close()); err != nil || w == nil {
		return err
	}
	run := w.agent()
	run.Status, run.Reason = agent.Cancelled, "chant was killed"
	w.Run.Verdict, w.Run.Reason = Stopped, "chant was killed while an agent worked"
	if run.Kept != "" {
		if run.Replaced, err = e.notAsKept(ctx, run.Kept); err != nil {
			return err
		}
	}
	changed, err := e.specsSince(w.Specs)
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		w.Run.Reason += "; changed since then, not by chant: " + strings.Join(changed, ", ")
	}
	if len(run.Replaced) == 0 && run.Kept != "" {
		if err := e.Git.DropRef(ctx, run.Kept); err != nil {
			return err
		}
		run.Kept = ""
	}
	for _, text := range run.Notices() {
		e.Emit(Notice{Spec: specID, Text: "the run before was killed: " + text})
	}
	if h, err = e.History(); err != nil {
		return err
	}
	err = h.Add(w.Run)
	if err == nil {
		err = h.forgetKeep(specID)
	}
	if err = errors.Join(err, h.Close()); err == nil && len(changed) > 0 {
		return &KilledError{ID: specID, Paths: changed}
	}
	return err
}

// decisive is a digest of what decides about a spec: its criteria, checks and
// frontmatter, and not its ticks, which every run sets.
func decisive(s *spec.Spec) string { return digestOf(fmt.Appendf(nil, "%+v %s", s.Meta, s.Digest())) }

// specsSince lists the specs of which something decisive changed, and the new ones
// with a record, where chant was not the last to write them. It lists none where
// nothing is known of what was before.
func (e *Engine) specsSince(before map[string]string) ([]string, error) {
	if before == nil {
		return nil, nil
	}
	p, err := Load(e.Root)
	if err != nil {
		return nil, err
	}
	gone := maps.Clone(before)
	var changed []string
	for _, s := range p.Set.All() {
		was, old := before[s.Path]
		delete(gone, s.Path)
		if old && was == decisive(s) || !old && born(s) == "" {
			continue
		}
		ours := false
		if src, err := os.ReadFile(p.abs(s.Path)); err == nil {
			if ours, err = e.wrote(s.Path, src); err != nil {
				return nil, err
			}
		}
		if !ours {
			changed = append(changed, s.Path)
		}
	}
	return slices.Sorted(slices.Values(slices.AppendSeq(changed, maps.Keys(gone)))), nil
}

// notAsKept lists what is below a keep's ref and no longer in the work tree or
// the index.
func (e *Engine) notAsKept(ctx context.Context, ref string) ([]string, error) {
	commit, err := e.Git.Resolve(ctx, ref)
	if errors.Is(err, git.ErrUnknownRevision) { // somebody has removed it
		return []string{}, nil
	}
	if err != nil {
		return nil, err
	}
	files, err := e.Git.List(commit)
	if err != nil {
		return nil, err
	}
	staged, err := e.stagedHashes(ctx)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(e.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	kept := map[string]git.Hash{}
	for _, f := range files {
		kept[f.Path] = f.Hash
	}
	gone := []string{}
	for _, f := range files {
		where, at, _ := strings.Cut(f.Path, "/")
		same := false
		if where == keptFiles {
			now, err := onDisk(root, at, f.Hash)
			same = err == nil && now.same(entry{mode: f.Mode, blob: f.Hash})
		} else {
			hash, err := staged(at)
			if err != nil {
				return nil, err
			}
			same = hash == f.Hash || kept[path.Join(keptFiles, at)] == f.Hash
		}
		if !same {
			gone = append(gone, f.Path)
		}
	}
	return gone, nil
}

// stagedHashes tells what the index holds at a path.
func (e *Engine) stagedHashes(ctx context.Context) (func(at string) (git.Hash, error), error) {
	head, err := e.Git.Head()
	if err != nil {
		return nil, err
	}
	changes, err := e.Git.Status(ctx)
	if err != nil {
		return nil, err
	}
	differing := map[string]git.Hash{}
	for _, change := range changes {
		if !change.Untracked {
			differing[change.Path] = change.Index.Hash
		}
	}
	return func(at string) (git.Hash, error) {
		if hash, ok := differing[at]; ok || head.Commit == "" {
			return hash, nil
		}
		return e.Git.Entry(head.Commit, at)
	}, nil
}
