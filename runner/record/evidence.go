package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"chant/storage"
)

func TranscriptKey(specID, runID string, n int) string {
	return fmt.Sprintf("transcripts/%s/%s/%d", specID, runID, n)
}

// Transcript gives what the agent said in the n-th attempt of a run.
func (h History) Transcript(specID, runID string, n int) (string, error) {
	value, err := h.Store.Get(TranscriptKey(specID, runID, n))
	if err != nil {
		return "", fmt.Errorf("reading what the agent said in run %s of %s: %w", runID, specID, err)
	}
	return string(value), nil
}

// Verdict sums up one run of a spec.
type Verdict string

// The verdicts of a run.
const (
	Completed Verdict = "completed" // all held, and the completion is committed
	AllHeld   Verdict = "held"      // all held, and nothing was to be committed
	Waiting   Verdict = "waiting"   // every check held; a person's word is still missing
	Failed    Verdict = "failed"    // a criterion did not hold, or the criteria changed meanwhile
	Stopped   Verdict = "interrupted"
	Broken    Verdict = "error" // chant could not do its job
)

// Evidence is what one run recorded. It is kept as JSON in the store under the
// key "runs/<spec>/<id>"; fields are only ever added.
type Evidence struct {
	ID         string     `json:"id"`
	Spec       string     `json:"spec"`
	Started    time.Time  `json:"started"`
	DurationMS int64      `json:"duration_ms"`
	Commit     string     `json:"commit"` // HEAD when the run began; "" on an unborn branch
	Tree       string     `json:"tree"`   // of that commit
	Dirty      []string   `json:"dirty"`  // paths that differed from it
	Digest     string     `json:"digest"` // of the spec's criteria and checks
	Verdict    Verdict    `json:"verdict"`
	Reason     string     `json:"reason"` // why, where the criteria do not tell
	Criteria   []Result   `json:"criteria"`
	Commits    []string   `json:"commits"` // what the run committed, and an agent during it
	Outside    []string   `json:"outside"` // paths outside target_files that changed during the run
	Extra      []string   `json:"extra"`   // paths that differed from HEAD before the run and are in no commit of it
	Sealed     bool       `json:"sealed"`  // the criteria held, or not, in a checkout of what was to be committed
	Agents     []AgentRun `json:"agents"`  // one for each attempt; none where no agent was run
}

// Result is what a run found of one criterion.
type Result struct {
	Number  int          `json:"number"`
	Text    string       `json:"text"`
	Line    int          `json:"line"` // in the spec's file
	Manual  bool         `json:"manual"`
	Outcome Outcome      `json:"outcome"`
	Reason  string       `json:"reason"`
	Check   *CheckResult `json:"check"` // null for a manual criterion
}

// CheckResult is what the runs of one check gave. Criteria that share a check
// share its result.
type CheckResult struct {
	Lang         string  `json:"lang"`
	Command      string  `json:"command"`
	ExpectFail   bool    `json:"expect_fail"`
	Outcome      Outcome `json:"outcome"`
	Reason       string  `json:"reason"`
	Planned      int     `json:"planned"` // runs wanted
	Runs         int     `json:"runs"`    // runs done
	HeldRuns     int     `json:"held"`
	Exits        []int   `json:"exits"` // per run; -1 where there was none
	DurationMS   int64   `json:"duration_ms"`
	Output       string  `json:"output"`        // of the run that decided, masked, head and tail
	OutputDigest string  `json:"output_digest"` // sha256 of all of that output, masked
}

// Tally returns the number of runs that held, as in "failed as expected 20/20" or
// "passed 1/1".
func (c CheckResult) Tally() string {
	held := "passed"
	if c.ExpectFail {
		held = "failed as expected"
	}
	return fmt.Sprintf("%s %d/%d", held, c.HeldRuns, c.Planned)
}

// Some names the first few of a list.
func Some(names []string) string {
	const few = 5
	text := strings.Join(names[:min(len(names), few)], ", ")
	if more := len(names) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// OneLine gives an error's words on one line: joined errors stand on several.
func OneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// History reads and writes the evidence in a store. Close it after use.
type History struct {
	Store *storage.Store
}

// OpenHistory opens the evidence in the store at dir. Nothing is written before the
// first run is added.
func OpenHistory(dir string, opts storage.Options) (History, error) {
	store, err := storage.Open(dir, opts)
	if err != nil {
		return History{}, fmt.Errorf("opening the store: %w", err)
	}
	return History{Store: store}, nil
}

// Close closes the store.
func (h History) Close() error { return h.Store.Close() }

func runKey(specID, runID string) string { return "runs/" + specID + "/" + runID }

// Begun is a run that has not ended, or was killed.
type Begun struct {
	Spec    string    `json:"spec"`
	Run     string    `json:"run"`
	Started time.Time `json:"started"`
}

const begunPrefix = "begun/"

// Begin notes that a run is under way.
func (h History) Begin(b Begun) error {
	value, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encoding the beginning of run %s: %w", b.Run, err)
	}
	if err := h.Store.Put(begunPrefix+b.Spec, value); err != nil {
		return fmt.Errorf("recording the beginning of run %s: %w", b.Run, err)
	}
	return nil
}

// Begun returns the runs that have not ended, by spec id. Whether one is still
// going is known by its spec's lock.
func (h History) Begun() (map[string]Begun, error) {
	keys, err := h.Store.List(begunPrefix)
	if err != nil {
		return nil, fmt.Errorf("listing runs under way: %w", err)
	}
	begun := map[string]Begun{}
	for _, key := range keys {
		value, err := h.Store.Get(key)
		if errors.Is(err, storage.ErrNotFound) {
			continue // ended since it was listed
		}
		var b Begun
		if err == nil {
			err = json.Unmarshal(value, &b)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", key, err)
		}
		begun[b.Spec] = b
	}
	return begun, nil
}

// Add stores ev; its ID must be new.
func (h History) Add(ev Evidence) error {
	value, err := json.Marshal(ev)
	if err != nil {
		return fmt.Errorf("encoding the evidence of %s: %w", ev.Spec, err)
	}
	if err := h.Store.Put(runKey(ev.Spec, ev.ID), value); err != nil {
		return fmt.Errorf("storing the evidence of %s: %w", ev.Spec, err)
	}
	return nil
}

// End stores the evidence of a run and notes that it has ended.
func (h History) End(ev Evidence) error {
	if err := h.Add(ev); err != nil {
		return err
	}
	if err := h.Store.Delete(begunPrefix + ev.Spec); err != nil {
		return fmt.Errorf("recording the end of run %s: %w", ev.ID, err)
	}
	return nil
}

// Runs gives the ids of the spec's runs, oldest first.
func (h History) Runs(specID string) ([]string, error) {
	prefix := runKey(specID, "")
	keys, err := h.Store.List(prefix)
	if err != nil {
		return nil, fmt.Errorf("listing the runs of %s: %w", specID, err)
	}
	for i := range keys {
		keys[i] = strings.TrimPrefix(keys[i], prefix)
	}
	return keys, nil
}

// Get reads one run.
func (h History) Get(specID, runID string) (Evidence, error) {
	value, err := h.Store.Get(runKey(specID, runID))
	if err != nil {
		return Evidence{}, fmt.Errorf("reading run %s of %s: %w", runID, specID, err)
	}
	var ev Evidence
	if err := json.Unmarshal(value, &ev); err != nil {
		return Evidence{}, fmt.Errorf("reading run %s of %s: %w", runID, specID, err)
	}
	return ev, nil
}

// Last gives the newest run of every spec that has one, by spec id.
func (h History) Last() (map[string]Evidence, error) {
	keys, err := h.Store.List("runs/")
	if err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	newest := map[string]string{}
	for _, key := range keys { // in key order: the newest of a spec comes last
		specID, runID, ok := strings.Cut(strings.TrimPrefix(key, "runs/"), "/")
		if ok {
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
