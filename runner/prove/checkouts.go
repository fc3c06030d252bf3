package prove

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"chant/runner/checkout"
	"chant/runner/git"
	"chant/runner/record"
)

// checkouts are the trees of a proof on the disk.
type checkouts struct {
	source  *checkout.Source
	guarded []string // the paths that every run has to find as its tree has them
	open    map[*treeSpec]*testTree
	folders map[string]git.Hash // every folder that was used, with its tree
}

// testTree is a checkout with the files that every run has to find as they are in
// the tree.
type testTree struct {
	checkout *checkout.Checkout
	files    *checkout.Files
}

// errWayBack is returned if runs may use files of the user's work tree.
var errWayBack = errors.New("a run may test the code in the work tree instead of its checkout")

func (p *proving) openCheckouts(ctx context.Context) error {
	source, err := checkout.Open(ctx, p.prover.Git, checkout.Options{
		Limit: mostTrees, Keep: p.opts.Keep, Link: p.config.Link, Setup: p.config.Setup, Env: p.checker.Env,
		Secrets: p.config.Secrets, Processes: p.prover.Settings.Processes,
	})
	p.checkouts = checkouts{
		source: source, open: map[*treeSpec]*testTree{}, folders: map[string]git.Hash{},
		guarded: slices.Concat(p.tests, changedPaths(p.base.files, p.head.tree.files, func(path string) bool {
			return p.isTest(path) || p.isFix(path) || p.isJudge(path)
		})),
	}
	return err
}

// mostTrees is how many checkouts there are at most at a time: those of red, green
// and causal, that of green judged by head, and that of head.
const mostTrees = 5

// checkOut checks out those of the trees that are not on the disk. The error is
// errWayBack if a run in one of them may tell nothing about its tree.
func (p *proving) checkOut(ctx context.Context, specs ...*treeSpec) error {
	var missing []*treeSpec
	for _, s := range specs {
		if p.checkouts.open[s] == nil && !slices.Contains(missing, s) {
			missing = append(missing, s)
		}
	}
	trees := make([]*testTree, len(missing))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, s := range missing {
		group.Go(func() (err error) {
			trees[i], err = p.newTestTree(groupCtx, s)
			return err
		})
	}
	err := group.Wait()
	var ways []string
	for i, t := range trees {
		if t == nil {
			continue
		}
		missing[i].id = t.checkout.Tree()
		p.checkouts.open[missing[i]], p.checkouts.folders[t.checkout.Top()] = t, t.checkout.Tree()
		ways = append(ways, t.checkout.WaysBack()...)
		for _, text := range slices.Concat(t.checkout.Missing(), t.checkout.WaysBack()) {
			p.note("%s", text)
		}
	}
	if err == nil && ways != nil {
		slices.Sort(ways)
		err = fmt.Errorf("%w: %s (install it by worktree.setup instead)", errWayBack, strings.Join(slices.Compact(ways), "; "))
	}
	return err
}

func (p *proving) newTestTree(ctx context.Context, s *treeSpec) (t *testTree, err error) {
	var c *checkout.Checkout
	if changes := s.changes(p.head.loose); len(changes) > 0 {
		c, err = p.checkouts.source.Tree(ctx, s.commit, changes)
	} else {
		c, err = p.checkouts.source.Commit(ctx, s.commit)
	}
	if err != nil {
		return nil, err
	}
	files, err := c.Files(ctx, p.checkouts.guarded)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &testTree{c, files}, nil
}

// closeCheckouts removes the checkouts, or tells where they are.
func (p *proving) closeCheckouts() error {
	var err error
	for spec, t := range p.checkouts.open {
		if err = errors.Join(err, t.files.Close(), t.checkout.Close()); p.opts.Keep {
			text := fmt.Sprintf("tree %.12s is kept in %s", spec.id, t.checkout.Top())
			p.prover.Settings.Emit(record.Notice{Spec: p.pair.fix.ID, Text: text})
		}
	}
	clear(p.checkouts.open)
	return err
}

// withoutFolders takes the folders of checkouts out of a text, as they differ from
// proof to proof.
func (p *proving) withoutFolders(text string) string {
	for folder, tree := range p.checkouts.folders {
		text = strings.ReplaceAll(text, folder, fmt.Sprintf("/%.12s", tree))
	}
	return text
}
