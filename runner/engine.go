package runner

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chant/runner/git"
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
	Settings Settings
	Git      Repository
	NewRunID func(at time.Time) string
	// Ancestors gives the ids of the processes above chant's own.
	Ancestors func() ([]int, error)
}

// History gives the project's evidence.
func (e *Engine) History() (History, error) {
	return OpenHistory(e.Settings.Root, storage.Options{})
}

// OpenHistory gives the evidence kept in the project at root. Nothing is
// written before the first run is added.
func OpenHistory(root string, opts storage.Options) (History, error) {
	store, err := storage.Open(storeDir(root), opts)
	if err != nil {
		return History{}, fmt.Errorf("opening the store: %w", err)
	}
	return History{Store: store}, nil
}

func storeDir(root string) string {
	return filepath.Join(root, filepath.FromSlash(StoreDir))
}

func lockName(specID string) string { return "spec/" + specID }

// lock takes the spec's lock; a second run of the same spec gets a
// *storage.LockedError that names the first.
func (e *Engine) lock(ctx context.Context, specID string) (release func() error, err error) {
	return storage.Lock(ctx, storeDir(e.Settings.Root), lockName(specID), e.Settings.holder())
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

// ReadLive gives what the board shows beyond the files: held locks and last
// runs. It writes nothing and starts nothing.
func ReadLive(p *Project) (live Live, err error) {
	live = Live{
		Holders: map[string]storage.Holder{},
		Facts:   spec.Live{Running: map[string]bool{}, Failed: map[string]bool{}, Invalid: p.Invalid()},
	}
	history, err := OpenHistory(p.Root, storage.Options{ReadOnly: true})
	if err != nil {
		return live, err
	}
	defer func() { err = errors.Join(err, history.Close()) }()
	if live.Last, err = history.Last(); err != nil {
		return live, err
	}
	for _, s := range p.Set.All() {
		holder, held, err := storage.Held(storeDir(p.Root), lockName(s.ID))
		if err != nil {
			return live, err
		}
		if held {
			live.Holders[s.ID] = holder
			live.Facts.Running[s.ID] = true
		}
		ev, ran := live.Last[s.ID]
		live.Facts.Failed[s.ID] = ran && ev.Verdict == Failed && ev.Digest == s.Digest()
	}
	return live, nil
}

// Live is what the board shows beyond the files.
type Live struct {
	Facts   spec.Live
	Holders map[string]storage.Holder // of running specs
	Last    map[string]Evidence       // the newest run, by spec id
}

// Ready gives the specs that could be run now, in order, without those named
// and without archived ones, which nobody expects to run by themselves.
func Ready(p *Project, facts spec.Live, without map[string]bool) []*spec.Spec {
	return slices.DeleteFunc(p.Set.Order(), func(s *spec.Spec) bool { return without[s.ID] || !ready(p, s, facts) })
}

// ReadyInTurn gives the specs that could be run now, or once those before them
// are completed.
func ReadyInTurn(p *Project, facts spec.Live) []*spec.Spec {
	facts.Done = map[string]bool{}
	return slices.DeleteFunc(p.Set.Order(), func(s *spec.Spec) bool {
		facts.Done[s.ID] = ready(p, s, facts)
		return !facts.Done[s.ID]
	})
}

func ready(p *Project, s *spec.Spec, facts spec.Live) bool {
	state, _ := p.Set.State(s, facts)
	return !s.Archived && (state == spec.StateReady || state == spec.StateFailed)
}
