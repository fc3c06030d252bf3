package checkout

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"chant/runner/git"
	"chant/runner/process"
)

// Repository is the user's repository; *git.Repo is one.
type Repository interface {
	// Dir returns the top of the work tree: absolute, with symlinks resolved.
	Dir() string
	// Tree returns a commit's tree.
	Tree(commit git.Hash) (git.Hash, error)
	// Run runs git with an environment that leads it to no other repository, and
	// messages in English.
	Run(ctx context.Context, c git.Call) ([]byte, error)
}

// Options say where checkouts are made and what they need besides files of git.
type Options struct {
	Prefix    string           // the project's folder below the repository's top, slash-separated; "" is the top
	Temp      string           // the folder that checkouts are made in; "" is the system's
	Limit     int              // the most folders at a time, at least 1; a call that needs another one waits
	Keep      bool             // leave the folders of closed checkouts, for somebody to look at; Limit does not count them
	Link      []string         // paths of the project that become symlinks to the user's, where a checkout lacks them
	Setup     []string         // sh commands that make a checkout ready, run in the project's folder
	Env       []string         // the complete environment of commands, but of git
	Secrets   []*regexp.Regexp // patterns to mask in the output of Setup, besides the secrets of Env
	Processes process.Runner
	// Wrap, if it is not nil, returns the program and arguments that git is started by in the
	// checkouts.
	Wrap func(path string, argv []string) (string, []string)
}

// Source makes checkouts of one repository. It is safe for concurrent use.
type Source struct {
	repo         Repository
	opts         Options
	secrets      []string
	setupTimeout time.Duration // of each command
	origin       origin
	slots        chan struct{} // one is taken for each folder

	mu    sync.Mutex
	inUse map[git.Hash]*folder // by tree

	waysMu sync.Mutex
	ways   map[string][]string // found before, by what was searched
}

// Open reads from a repository what its checkouts need: refs, configuration, the
// location of its objects. Later changes of those are not seen.
func Open(ctx context.Context, repo Repository, opts Options) (*Source, error) {
	var err error
	if opts.Temp, err = filepath.Abs(cmp.Or(opts.Temp, os.TempDir())); err == nil {
		opts.Temp, err = filepath.EvalSymlinks(opts.Temp)
	}
	if err != nil {
		return nil, fmt.Errorf("finding the folder for temporary files: %w (set TMPDIR to a folder that can be written to)", err)
	}
	if within(repo.Dir(), opts.Temp) {
		return nil, fmt.Errorf("the folder for temporary files, %s, is inside of the work tree (set TMPDIR to one outside of it)", opts.Temp)
	}
	secrets := process.Secrets(opts.Env)
	opts.Env = process.Environ(opts.Env)
	s := &Source{
		repo: repo, opts: opts, secrets: secrets, setupTimeout: 10 * time.Minute, slots: make(chan struct{}, max(opts.Limit, 1)),
		inUse: map[git.Hash]*folder{}, ways: map[string][]string{},
	}
	if s.origin, err = s.readOrigin(ctx, repo.Dir(), ""); err != nil {
		return nil, fmt.Errorf("reading the repository %s: %w", repo.Dir(), err)
	}
	return s, nil
}

// within tells whether a path is a folder or lies below it. Both are absolute.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
