package runner

import (
	"context"
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

// Engine runs the specs of one project and records what people say of them. Its
// fields are set once; its methods may be called one at a time.
type Engine struct {
	Settings check.Settings
	Git      *git.Repo
	NewRunID func(at time.Time) string
	// Ancestors gives the ids of the processes above chant's own.
	Ancestors func() ([]int, error)
}

// History gives the project's evidence.
func (e *Engine) History() (record.History, error) {
	return record.OpenHistory(project.StorePath(e.Settings.Root), storage.Options{})
}

// lock takes the spec's lock; a second run of the same spec gets a
// *storage.LockedError that names the first.
func (e *Engine) lock(ctx context.Context, specID string) (release func() error, err error) {
	return storage.Lock(ctx, project.StorePath(e.Settings.Root), project.LockName(specID), e.Settings.LockHolder())
}

// NotReadyError tells why a spec can't be run now.
type NotReadyError struct {
	ID     string
	State  spec.State
	Blocks []spec.Block
}

// Error names what the spec waits for.
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

// Hint gives the way on.
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
