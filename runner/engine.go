package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chant/runner/check"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
	"chant/storage"
)

// Engine runs the specs of one project, and records attestations, approvals and skips. Its
// methods are not safe for concurrent use.
type Engine struct {
	Settings check.Settings
	Git      *git.Repo
	NewRunID func(at time.Time) string
}

// store opens the evidence, and closes it after write.
func (e *Engine) store(write func(record.History) error) error {
	h, err := record.OpenHistory(project.StorePath(e.Settings.Root), storage.Options{})
	if err != nil {
		return err
	}
	return errors.Join(write(h), h.Close())
}

// lock takes the spec's lock. The error is a *storage.LockedError if another process has it.
func (e *Engine) lock(ctx context.Context, specID string) (release func() error, err error) {
	return storage.Lock(ctx, project.StorePath(e.Settings.Root), project.LockName(specID), e.Settings.LockHolder())
}

// NotReadyError is returned for a spec that can't be run now.
type NotReadyError struct {
	ID     string
	State  spec.State
	Blocks []spec.Block
}

// Error says what the spec waits for.
func (n *NotReadyError) Error() string {
	if len(n.Blocks) == 0 {
		return fmt.Sprintf("spec %s: is %s", n.ID, n.State)
	}
	reasons := make([]string, len(n.Blocks))
	for i, b := range n.Blocks {
		reasons[i] = b.Reason
		if b.ID != n.ID && !strings.Contains(b.Reason, b.ID) {
			reasons[i] = b.ID + ": " + b.Reason
		}
	}
	return fmt.Sprintf("spec %s: is %s: %s", n.ID, n.State, strings.Join(reasons, "; "))
}

// Hint returns what to do.
func (n *NotReadyError) Hint() string {
	switch {
	case n.State == spec.StateCompleted:
		return "chant verify " + n.ID + " proves it again"
	case n.State == spec.StateBlocked:
		return "chant graph " + n.ID + " shows what it waits for"
	case n.State == spec.StateCancelled || n.State == spec.StatePaused || n.State == spec.StateNeedsAttention:
		return "set its status to pending to run it"
	}
	return ""
}
