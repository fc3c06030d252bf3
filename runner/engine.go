package runner

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"chant/runner/check"
	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
	"chant/storage"
)

// Repository is what the engine needs of git; *git.Repo is the one in use.
type Repository interface {
	// Head gives what HEAD points to.
	Head() (git.Head, error)
	// Resolve gives the commit that a revision names.
	Resolve(ctx context.Context, rev string) (git.Hash, error)
	// Tree gives a commit's tree.
	Tree(commit git.Hash) (git.Hash, error)
	// Entry gives the object at a path of a commit; "" where there is none.
	Entry(commit git.Hash, path string) (git.Hash, error)
	// ReadFile gives a file's content in a commit.
	ReadFile(commit git.Hash, path string) ([]byte, error)
	// Files lists the files below a folder of a commit.
	Files(commit git.Hash, under string) ([]string, error)
	// List lists all files of a commit with their modes and blobs.
	List(commit git.Hash) ([]git.File, error)
	// FirstParents walks back from a commit, itself first.
	FirstParents(from git.Hash) iter.Seq2[git.Commit, error]
	// Changed tells whether a commit differs from its first parent in a path that matches.
	Changed(commit git.Hash, match func(path string) bool) (bool, error)
	// Export writes a commit's tree into an empty folder.
	Export(ctx context.Context, commit git.Hash, dir string) error
	// Status lists what differs from HEAD in index or worktree.
	Status(ctx context.Context) ([]git.Change, error)
	// Ready tells whether a commit can be made.
	Ready(ctx context.Context) error
	// Identity gives the committer as "Name <email>".
	Identity(ctx context.Context) (string, error)
	// Commit commits exactly the named paths.
	Commit(ctx context.Context, req git.CommitRequest) (git.Hash, error)
}

// Engine runs the specs of one project and records what people say of them. Its
// fields are set once; its methods may be called one at a time.
type Engine struct {
	Settings check.Settings
	Git      Repository
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
