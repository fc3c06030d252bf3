package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// leaf is a file or symlink to be written.
type leaf struct {
	dir, name string // the folder is in the host's form
	mode      filemode.FileMode
	id        Hash
	pack      string // the pack that holds it, "" where it is loose
	offset    int64
}

// exportPlan makes the folders of a tree and collects its leaves.
type exportPlan struct {
	repo   *Repo
	ctx    context.Context //nolint:containedctx // the plan lives no longer than the call that makes it
	leaves []leaf
}

// folder makes what is in a tree; at is the folder for it, dir its name.
func (p *exportPlan) folder(at *os.Root, dir string, tree Hash) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	entries, err := p.repo.tree(tree)
	if err != nil {
		return err
	}
	if err := checkNames(entries, dir+"/"); err != nil {
		return err
	}
	for _, e := range entries {
		if !isFolder(e.mode) {
			p.leaves = append(p.leaves, leaf{dir: dir, name: e.name, mode: e.mode, id: e.id})
			continue
		}
		if err := at.Mkdir(e.name, 0o777); err != nil {
			return err
		}
		if e.mode == filemode.Submodule {
			continue
		}
		if err := p.below(at, path.Join(dir, e.name), e); err != nil {
			return err
		}
	}
	return nil
}

// below opens the folder that was made for e and fills it.
func (p *exportPlan) below(at *os.Root, dir string, e entry) (err error) {
	sub, err := at.OpenRoot(e.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sub.Close()) }()
	return p.folder(sub, dir, e.id)
}

// batches cuts the leaves into pieces of work: each is a stretch of a pack,
// so that what deltas build upon is read once.
func (p *exportPlan) batches() ([][]leaf, error) {
	err := p.repo.with(func(o objects) error {
		if o, ok := o.(locator); ok {
			return p.place(o)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("finding the files in the packs: %w", err)
	}
	slices.SortStableFunc(p.leaves, func(a, b leaf) int {
		return cmp.Or(strings.Compare(a.pack, b.pack), cmp.Compare(a.offset, b.offset))
	})
	size := min(max(len(p.leaves)/(8*exportWorkers()), 64), 8192)
	return slices.Collect(slices.Chunk(p.leaves, size)), nil
}

// locator is a way of reading that knows where objects lie.
type locator interface {
	find(id Hash) (location, error)
}

// place finds out where the leaves lie. What is missing fails when it is read.
func (p *exportPlan) place(o locator) error {
	for i := range p.leaves {
		l := &p.leaves[i]
		at, err := o.find(l.id)
		if err != nil && !errors.Is(err, errNoObject) {
			return err
		}
		if at.pack != nil {
			l.pack, l.offset = at.pack.name, at.offset
		}
	}
	return nil
}

func isFolder(m filemode.FileMode) bool { return m == filemode.Dir || m == filemode.Submodule }
