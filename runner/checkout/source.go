package checkout

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"chant/runner/git"
	"chant/runner/process"
)

// Repository is the user's repository; *git.Repo is one.
type Repository interface {
	// Dir gives the top of the work tree: absolute, with symlinks resolved.
	Dir() string
	// Tree gives a commit's tree.
	Tree(commit git.Hash) (git.Hash, error)
	// Run runs git with an environment that leads it to no other repository.
	Run(ctx context.Context, c git.Call) ([]byte, error)
}

// Processes runs commands; *process.Supervisor does.
type Processes interface {
	Run(ctx context.Context, c process.Command) process.Result
}

// Options say where checkouts are made and what they need besides files of git.
type Options struct {
	Prefix string   // the project's folder below the repository's top, slash-separated; "" is the top
	Temp   string   // the folder that checkouts are made in; "" is the system's
	Limit  int      // the most folders at a time, at least 1; a call that needs another one waits
	Keep   bool     // leave the folders of closed checkouts, for somebody to look at; Limit does not count them
	Link   []string // paths of the project that become symlinks to the user's, where a checkout lacks them
	Setup  []string // sh commands that make a checkout ready, run in the project's folder
	// SetupTimeout is how long each of them may take; 0 is 10 minutes.
	SetupTimeout time.Duration
	Env          []string // the complete environment of commands, but of git
	Processes    Processes
}

// setupTimeout is the default of Options.SetupTimeout.
const setupTimeout = 10 * time.Minute

// Source makes checkouts of one repository. It is safe for concurrent use.
type Source struct {
	repo   Repository
	opts   Options
	temp   string
	origin origin
	slots  chan struct{} // one is taken for each folder

	submodules memo[origin]   // by git folder
	ways       memo[[]string] // by what was searched

	mu    sync.Mutex
	inUse map[git.Hash]*shared // by tree
}

// Open reads from a repository what its checkouts need: refs, configuration, the
// place of its objects. Later changes of those are not seen.
func Open(ctx context.Context, repo Repository, opts Options) (*Source, error) {
	temp, err := filepath.EvalSymlinks(cmp.Or(opts.Temp, os.TempDir()))
	if err != nil {
		return nil, noFolder(err)
	}
	if temp, err = filepath.Abs(temp); err != nil {
		return nil, noFolder(err)
	}
	if within(repo.Dir(), temp) {
		return nil, fmt.Errorf("the folder for temporary files, %s, is inside of the work tree (set TMPDIR to one outside of it)", temp)
	}
	opts.SetupTimeout = cmp.Or(opts.SetupTimeout, setupTimeout)
	opts.Env = process.Environ(opts.Env)
	s := &Source{repo: repo, opts: opts, temp: temp, slots: make(chan struct{}, max(opts.Limit, 1)), inUse: map[git.Hash]*shared{}}
	s.origin, err = s.readOrigin(ctx, location{top: repo.Dir()})
	if foreign(err) {
		return nil, fmt.Errorf("%w (if you trust it: git config --global --add safe.directory %s)", err, repo.Dir())
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func noFolder(err error) error {
	return fmt.Errorf("finding the folder for temporary files: %w (set TMPDIR to a folder that can be written to)", err)
}

// projectDir returns the project's folder below the top of a checkout.
func (s *Source) projectDir(top string) string {
	return filepath.Join(top, filepath.FromSlash(s.opts.Prefix))
}

// within tells whether a path is a folder or lies below it. Both are absolute.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// memo remembers answers by their key. Two calls at the same time may both look
// for the answer.
type memo[V any] struct {
	mu      sync.Mutex
	answers map[string]V
}

func (m *memo[V]) get(key string, find func() (V, error)) (V, error) {
	m.mu.Lock()
	v, ok := m.answers[key]
	m.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := find()
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil {
		m.answers = map[string]V{}
	}
	m.answers[key] = v
	return v, nil
}
