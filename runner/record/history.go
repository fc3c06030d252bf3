package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"chant/storage"
)

// History reads and writes the evidence in a store. Close it after use. It is safe for
// concurrent use.
type History struct {
	Store *storage.Store
}

// Begun is a run that has not ended, or that was killed.
type Begun struct {
	Spec    string    `json:"spec"`
	Run     string    `json:"run"`
	Started time.Time `json:"started"`
}

// Left is the checkout of an agent whose run was interrupted or killed.
type Left struct {
	Run    string `json:"run"`
	Agent  string `json:"agent"`
	Folder string `json:"folder"` // of the run, with all that was made for it
	Dir    string `json:"dir"`    // where the agent worked, in it
	Start  string `json:"start"`  // identifies what the checkout held before
}

// Exists reports whether it is still there.
func (l Left) Exists() bool {
	info, err := os.Stat(l.Dir)
	return err == nil && info.IsDir()
}

// Prefixes of the keys of evidence, of runs that have begun, and of what they left.
const (
	runPrefix   = "runs/"
	begunPrefix = "begun/"
	leftPrefix  = "left/"
)

func runKey(specID, runID string) string { return runPrefix + specID + "/" + runID }

// TranscriptKey returns the key of an agent's transcript in the n-th attempt of a run.
func TranscriptKey(specID, runID string, n int) string {
	return fmt.Sprintf("transcripts/%s/%s/%d", specID, runID, n)
}

// OpenHistory opens the evidence in the store at dir. It writes nothing before the first
// run is added.
func OpenHistory(dir string, opts storage.Options) (History, error) {
	store, err := storage.Open(dir, opts)
	if err != nil {
		return History{}, fmt.Errorf("opening the store: %w", err)
	}
	return History{Store: store}, nil
}

// Close closes the store.
func (h History) Close() error { return h.Store.Close() }

// Begin records that a run has begun.
func (h History) Begin(b Begun) error { return h.put(begunPrefix+b.Spec, b) }

// Add stores the evidence of a run.
func (h History) Add(ev Evidence) error { return h.put(runKey(ev.Spec, ev.ID), ev) }

// End stores the evidence of a run and records that it has ended.
func (h History) End(ev Evidence) error {
	if err := h.Add(ev); err != nil {
		return err
	}
	if err := h.Store.Delete(begunPrefix + ev.Spec); err != nil {
		return fmt.Errorf("recording the end of run %s: %w", ev.ID, err)
	}
	return nil
}

// Begun returns the runs that have not ended, by spec id. A run is still going if its
// spec's lock is held; else it was killed.
func (h History) Begun() (map[string]Begun, error) { return all[Begun](h, begunPrefix) }

// Leave records what a run leaves if it does not end as it should.
func (h History) Leave(specID string, l Left) error { return h.put(leftPrefix+specID, l) }

// Left returns what runs left, or leave if they are killed now, by spec id.
func (h History) Left() (map[string]Left, error) { return all[Left](h, leftPrefix) }

// Clear records that nothing is left of a spec's runs.
func (h History) Clear(specID string) error {
	if err := h.Store.Delete(leftPrefix + specID); err != nil {
		return fmt.Errorf("recording that nothing is left of spec %s: %w", specID, err)
	}
	return nil
}

// all returns the records with a prefix, by spec id.
func all[T any](h History, prefix string) (map[string]T, error) {
	keys, err := h.list(prefix)
	if err != nil {
		return nil, err
	}
	found := map[string]T{}
	for _, specID := range keys {
		var one T
		err := h.get(prefix+specID, &one)
		if errors.Is(err, storage.ErrNotFound) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, err
		}
		found[specID] = one
	}
	return found, nil
}

// Runs returns the ids of the spec's runs, the oldest first.
func (h History) Runs(specID string) ([]string, error) { return h.list(runKey(specID, "")) }

// Get returns the evidence of one run. The error is storage.ErrNotFound if there is none.
func (h History) Get(specID, runID string) (ev Evidence, err error) {
	err = h.get(runKey(specID, runID), &ev)
	return ev, err
}

// Last returns the newest run of every spec that has one, by spec id.
func (h History) Last() (map[string]Evidence, error) {
	keys, err := h.list(runPrefix)
	if err != nil {
		return nil, err
	}
	newest := map[string]string{}
	for _, key := range keys { // sorted, so the newest of a spec comes last
		if specID, runID, ok := strings.Cut(key, "/"); ok {
			newest[specID] = runID
		}
	}
	last := make(map[string]Evidence, len(newest))
	for specID, runID := range newest {
		ev, err := h.Get(specID, runID)
		if errors.Is(err, storage.ErrNotFound) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, err
		}
		last[specID] = ev
	}
	return last, nil
}

// Transcript returns the agent's transcript in the n-th attempt of a run.
func (h History) Transcript(specID, runID string, n int) (string, error) {
	value, err := h.Store.Get(TranscriptKey(specID, runID, n))
	if err != nil {
		return "", fmt.Errorf("reading the transcript of run %s of %s: %w", runID, specID, err)
	}
	return string(value), nil
}

// list returns the keys that have a prefix, sorted and without it.
func (h History) list(prefix string) ([]string, error) {
	keys, err := h.Store.List(prefix)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", prefix, err)
	}
	for i := range keys {
		keys[i] = strings.TrimPrefix(keys[i], prefix)
	}
	return keys, nil
}

func (h History) put(key string, value any) error {
	data, err := json.Marshal(value)
	if err == nil {
		err = h.Store.Put(key, data)
	}
	if err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	return nil
}

func (h History) get(key string, value any) error {
	data, err := h.Store.Get(key)
	if err == nil {
		err = json.Unmarshal(data, value)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", key, err)
	}
	return nil
}
