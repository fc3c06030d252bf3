package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"chant/runner/agent"
	"chant/runner/git"
	"chant/storage"
)

// atWork is what the store holds of a run while its agent works, to tell of it
// where chant is killed. It is the run's evidence so far; the last of its agents
// is the one at work.
type atWork struct {
	Commit git.Hash `json:"commit"` // of the keep
	Run    Evidence `json:"run"`
}

func (w atWork) agent() *AgentRun { return &w.Run.Agents[len(w.Run.Agents)-1] }

func keepKey(specID string) string { return "kept/" + specID }

func (c *crew) rememberKeep(k *keep, run AgentRun) error {
	so := atWork{Commit: k.commit, Run: c.ev}
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
	if run.Replaced, err = e.notAsKept(ctx, run.Kept); err != nil {
		return err
	}
	if len(run.Replaced) == 0 {
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
	return errors.Join(err, h.Close())
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
