// Package checkout makes the temporary folders that commands run in. Each holds
// a tree as git checks it out, and a repository of its own, which borrows the
// user's objects and has the user's refs, but no remote and no hooks. So git works
// there, and nothing that it does reaches the user's repository.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"chant/runner/git"
)

// Checkout is a tree on the disk. Checkouts of equal trees from one Source share
// a folder, so a command that changes files on purpose, such as an agent, needs a
// Source of its own. The methods are safe for concurrent use.
type Checkout struct {
	source *Source
	folder *folder
	close  func() error
}

// Top returns the top of the checkout: absolute, with symlinks resolved.
func (c *Checkout) Top() string { return c.folder.top }

// Dir returns the project's folder in the checkout.
func (c *Checkout) Dir() string { return c.source.projectDir(c.folder.top) }

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

// folder is a tree on the disk, which several Checkouts may hold.
type folder struct {
	top          string
	commit, tree git.Hash
	modes        map[string]string // of the commit's files, by path
	missing      []string
	waysBack     []string
}

// shared is a folder in use, or about to be.
type shared struct {
	users int // guarded by the Source's mutex

	once      sync.Once // sets what follows
	folder    *folder
	remove    func() error
	err       error
	cancelled bool // the context of the call that made it has ended
}

// Commit checks a commit out.
func (s *Source) Commit(ctx context.Context, commit git.Hash) (*Checkout, error) {
	tree, err := s.repo.Tree(commit)
	if err != nil {
		return nil, fmt.Errorf("checking out commit %.12s: %w", commit, err)
	}
	d := &Draft{source: s}
	return s.acquire(ctx, tree, d, func() (*folder, error) {
		if err := d.create(); err != nil {
			return nil, err
		}
		return d.fill(ctx, commit, tree)
	})
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

// acquire returns a checkout of the tree: the folder in use that holds it, or the
// draft, which fill has to turn into one. It closes the draft with the checkout,
// or where there is an error.
func (s *Source) acquire(ctx context.Context, tree git.Hash, d *Draft, fill func() (*folder, error)) (*Checkout, error) {
	f, own, err := s.share(ctx, tree, d, fill)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &Checkout{source: s, folder: f.folder, close: sync.OnceValue(func() error {
		err := s.release(tree, f)
		if !own {
			err = errors.Join(err, d.Close())
		}
		return err
	})}, nil
}

// share returns the folder in use that holds the tree. If there is none it calls
// fill, and own is true. If another caller is filling it, share waits, and tries
// itself if that caller was interrupted.
func (s *Source) share(ctx context.Context, tree git.Hash, d *Draft, fill func() (*folder, error)) (f *shared, own bool, err error) {
	for {
		f = s.join(tree)
		f.once.Do(func() {
			own = true
			f.folder, f.err = s.limited(ctx, fill)
			f.cancelled = ctx.Err() != nil
			f.remove = func() error {
				defer s.leave()
				if s.opts.Keep {
					return d.root.Close()
				}
				return d.Close()
			}
		})
		if f.err == nil {
			return f, own, nil
		}
		s.forget(tree, f)
		if own || ctx.Err() != nil || !f.cancelled {
			return nil, false, f.err
		}
	}
}

// limited calls fill as soon as there may be one more folder.
func (s *Source) limited(ctx context.Context, fill func() (*folder, error)) (*folder, error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	f, err := fill()
	if err != nil {
		s.leave()
	}
	return f, err
}

func (s *Source) leave() { <-s.slots }

// join adds a user to the tree's folder.
func (s *Source) join(tree git.Hash) *shared {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.inUse[tree]
	if f == nil {
		f = &shared{}
		s.inUse[tree] = f
	}
	f.users++
	return f
}

// release takes a user away. The last one removes the folder.
func (s *Source) release(tree git.Hash, f *shared) error {
	s.mu.Lock()
	f.users--
	last := f.users == 0
	if last {
		delete(s.inUse, tree)
	}
	s.mu.Unlock()
	if !last {
		return nil
	}
	return f.remove()
}

// forget keeps a folder that could not be made from being joined.
func (s *Source) forget(tree git.Hash, f *shared) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inUse[tree] == f {
		delete(s.inUse, tree)
	}
}
