package record

import (
	"encoding/json"
	"errors"
	"fmt"
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

// Prefixes of the keys of evidence and of runs that have begun.
const (
	runPrefix   = "runs/"
	begunPrefix = "begun/"
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
func (h History) Begun() (map[string]Begun, error) {
	keys, err := h.list(begunPrefix)
	if err != nil {
		return nil, err
	}
	begun := map[string]Begun{}
	for _, specID := range keys {
		var b Begun
		err := h.get(begunPrefix+specID, &b)
		if errors.Is(err, storage.ErrNotFound) {
			continue // ended since it was listed
		}
		if err != nil {
			return nil, err
		}
		begun[specID] = b
	}
	return begun, nil
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
