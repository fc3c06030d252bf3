// Package git reads a git repository and commits exactly the named paths.
//
// Objects, trees and history are read by go-git, which also writes the trees
// and the commits. The git program does what depends on configuration or
// changes more than objects: content and filters, index, refs, hooks,
// signing, status; and it reads the objects of repositories that go-git does
// not read. Nothing outside this package sees go-git.
//
// Replacements (git-replace(1)) and grafts are ignored: a hash means its own
// content.
package git

import (
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Hash is the name of a git object: 40 lower-case hexadecimal digits, 64 in a
// sha256 repository, or "" for none.
type Hash string

// Content is what a tree has at a path: a file, a symlink or a submodule.
type Content struct {
	Path string // slash-separated, from the top of the repository
	Mode string // as a tree has it: 100644, 100755, 120000 or 160000; "" for nothing at the path
	Hash Hash   // the blob; of a submodule, its commit
}

// Repo is an open repository with a work tree. Its methods may be called from
// several goroutines at once, and while other git processes run.
type Repo struct {
	top     string   // top of the work tree; absolute, symlinks resolved
	gitDir  string   // HEAD, the index and the work tree's own state
	common  string   // refs, config, objects; differs from gitDir in a linked worktree
	program string   // the git program; "" where there is none
	given   []string // the environment that Open got
	user    []string // for git commands that run the user's hooks and filters
	quiet   []string // for all other git commands

	patience time.Duration     // how long locks of other programs are waited for
	now      func() time.Time  // the clock
	step     func(name string) // called at each step of a commit; nil outside of crash tests
	format   func() (format, error)

	mu     sync.Mutex // guards what follows
	idle   []*objects // readers that no goroutine uses at the moment
	closed bool
}

// Dir returns the top of the work tree: absolute, with symlinks resolved.
func (r *Repo) Dir() string { return r.top }

// at marks a step of a commit, at which a test may kill the process.
func (r *Repo) at(step string) {
	if r.step != nil {
		r.step(step)
	}
}

// plumb converts an object name to go-git's form.
func (h Hash) plumb() plumbing.Hash { return plumbing.NewHash(string(h)) }

// valid reports whether h is a full object name.
func (h Hash) valid() bool {
	return (len(h) == sha1Digits || len(h) == sha256Digits) && strings.Trim(string(h), "0123456789abcdef") == ""
}
