// Package git is the seam between chant and a git repository: it reads any
// tree, and commits exactly the named paths.
//
// History, trees and blobs are read from packs and loose files, or by one git
// cat-file where only git knows their form; replacements and grafts are
// ignored. A commit is made here, too, with git's own lock files, so that
// other git processes and a kill at any moment do no harm; where a repository
// has hooks, filters or a form that only git knows, git commit --only makes
// it. Either way it is signed as configured, and refused where git would
// refuse it or leave something out. Nothing outside this package sees go-git.
package git

import (
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// Hash is the name of a git object: 40 lower-case hexadecimal digits, 64 in a
// sha256 repository, or "" for none.
type Hash string

// Repo is an open repository with a work tree. Its methods may be called from
// several goroutines at once, and beside other git processes.
type Repo struct {
	top     string   // top of the work tree; absolute, symlinks resolved
	gitDir  string   // HEAD, the index and the work tree's own state
	common  string   // refs, config, objects; differs from gitDir in a linked worktree
	program string   // the git program; "" where there is none
	env     []string // of git children that only answer
	base    []string // of git children that run the user's hooks and filters
	given   []string // the environment that Open got

	patience time.Duration     // how long other writers' locks are waited for
	now      func() time.Time  // the clock
	step     func(name string) // told of each step of a commit; nil but in crash tests

	format format
	stored *objectFolders

	mu      sync.Mutex // guards what follows; objects serves one goroutine
	objects objects    // nil until something is read
	closed  bool
}

// Dir gives the top of the work tree: absolute, with symlinks resolved.
func (r *Repo) Dir() string { return r.top }

// at marks a step of a commit, at which a test may kill the process.
func (r *Repo) at(step string) {
	if r.step != nil {
		r.step(step)
	}
}

// hashOf turns go-git's form of an object name into ours.
func hashOf(h plumbing.Hash) Hash {
	if h.IsZero() {
		return ""
	}
	return Hash(h.String())
}

// plumb turns our form of an object name into go-git's.
func (h Hash) plumb() plumbing.Hash { return plumbing.NewHash(string(h)) }

// valid tells whether h is a full object name.
func (h Hash) valid() bool {
	if len(h) != 40 && len(h) != 64 {
		return false
	}
	for _, c := range []byte(h) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
