// Package checkout makes the temporary folders that commands run in. Each holds
// a tree as git checks it out, and a repository of its own, which borrows the
// user's objects and has the user's refs, but no remote and no hooks. So git works
// there, and nothing that it does reaches the user's repository.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"chant/runner/git"
)

// Checkout is a tree on the disk. Checkouts of equal trees from one Source share
// a folder, so a command that changes files on purpose, such as an agent, needs a
// Source of its own. The methods are safe for concurrent use.
type Checkout struct {
	folder *folder
	close  func() error
}

// folder is a tree on the disk, which several Checkouts may hold.
type folder struct {
	draft        *Draft
	commit, tree git.Hash
	users        int          // guarded by the Source's mutex
	fill         func() error // sets what follows; only the first call does anything

	counted  bool          // the folder takes one of the Source's slots
	files    []git.Content // of the commit
	missing  []string
	waysBack []string
}

// Top returns the top of the checkout: absolute, with symlinks resolved.
func (c *Checkout) Top() string { return c.folder.draft.top }

// Dir returns the project's folder in the checkout.
func (c *Checkout) Dir() string { return filepath.Join(c.Top(), c.folder.draft.source.opts.Prefix) }

// Commit returns the commit that is checked out. Where the folder is shared it
// is that of the first holder, whose tree is the same.
func (c *Checkout) Commit() git.Hash { return c.folder.commit }

// Tree returns the tree of that commit.
func (c *Checkout) Tree() git.Hash { return c.folder.tree }

// Missing returns a sentence for every submodule that is not in the checkout,
// because the user's repository has no copy of it.
func (c *Checkout) Missing() []string { return c.folder.missing }

// WaysBack returns a sentence for every way that was found from the checkout
// back into the user's work tree. What ran here may have used the code there.
func (c *Checkout) WaysBack() []string { return c.folder.waysBack }

// Close releases the checkout. Its folder is removed when all checkouts that
// share it are closed. Calls after the first return the same.
func (c *Checkout) Close() error { return c.close() }

// Commit checks a commit out. If another call is checking out the same tree,
// Commit waits for it and fails if it does.
func (s *Source) Commit(ctx context.Context, commit git.Hash) (*Checkout, error) {
	tree, err := s.repo.Tree(commit)
	if err != nil {
		return nil, fmt.Errorf("checking out commit %.12s: %w", commit, err)
	}
	return s.acquire(ctx, &Draft{source: s}, commit, tree)
}

// Tree checks out the tree of a commit with some files changed. The tree gets a
// temporary commit on top of that one, see Draft.Checkout.
func (s *Source) Tree(ctx context.Context, base git.Hash, changes []Change) (*Checkout, error) {
	d, err := s.New()
	if err != nil {
		return nil, err
	}
	return d.Checkout(ctx, base, changes)
}

// acquire returns a checkout of the tree: in the folder in use that holds it, or in
// the draft. It closes a draft that is not needed.
func (s *Source) acquire(ctx context.Context, d *Draft, commit, tree git.Hash) (*Checkout, error) {
	s.mu.Lock()
	f := s.inUse[tree]
	own := f == nil
	if own {
		f = &folder{draft: d, commit: commit, tree: tree}
		f.fill = sync.OnceValue(func() error { return s.mended(s.fill(ctx, f)) })
		s.inUse[tree] = f
	}
	f.users++
	s.mu.Unlock()
	c := &Checkout{folder: f, close: sync.OnceValue(func() error { return s.release(f) })}
	err := f.fill()
	if !own {
		err = errors.Join(err, d.Close())
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// release takes a user away. The last one removes the folder, unless it is to be kept.
func (s *Source) release(f *folder) error {
	s.mu.Lock()
	if f.users--; f.users > 0 {
		s.mu.Unlock()
		return nil
	}
	delete(s.inUse, f.tree)
	s.mu.Unlock()
	var err error
	if !s.opts.Keep || f.fill() != nil {
		err = f.draft.Close()
	}
	if f.counted {
		<-s.slots
	}
	return err
}
