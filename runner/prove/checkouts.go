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

func (t *testTree) close() error { return errors.Join(t.files.Close(), t.checkout.Close()) }

// wayBackError tells that runs may use files of the user's work tree.
type wayBackError struct{ ways []string }

func (e *wayBackError) Error() string {
	return "a run may test the code in the work tree instead of its checkout: " + strings.Join(e.ways, "; ") +
		" (install it by worktree.setup instead)"
}

func (p *proving) openCheckouts(ctx context.Context) error {
	config := p.head.project.Config
	source, err := checkout.Open(ctx, p.prover.Git, checkout.Options{
		Limit: mostTrees, Keep: p.opts.Keep, Link: config.Link, Setup: config.Setup, Env: p.checker.Env,
		Processes: p.prover.Settings.Processes,
	})
	p.checkouts = checkouts{
		source: source, open: map[*treeSpec]*testTree{}, folders: map[string]git.Hash{},
		guarded: slices.Concat(p.tests, p.fixed, changedPaths(p.base.files, p.head.tree.files, p.isTest)),
	}
	return err
}

// mostTrees is how many checkouts there are at most at a time: those of red, green
// and causal. Others take their place.
const mostTrees = 3

// checkOut checks out those of the trees that are not on the disk. The error is a
// *wayBackError if a run in one of them may tell nothing about its tree.
func (p *proving) checkOut(ctx context.Context, specs ...*treeSpec) error {
	missing := p.missing(specs)
	if len(p.checkouts.open)+len(missing) > mostTrees {
		if err := p.closeCheckouts(); err != nil {
			return err
		}
		missing = p.missing(specs)
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
	back := &wayBackError{}
	for i, t := range trees {
		if t == nil {
			continue
		}
		missing[i].id = t.checkout.Tree()
		p.checkouts.open[missing[i]], p.checkouts.folders[t.checkout.Top()] = t, t.checkout.Tree()
		for _, text := range t.checkout.Missing() {
			p.note("%s", text)
		}
		for _, text := range t.checkout.WaysBack() {
			p.note("%s", text)
			if !slices.Contains(back.ways, text) {
				back.ways = append(back.ways, text)
			}
		}
	}
	if err == nil && back.ways != nil {
		return back
	}
	return err
}

// missing returns those of the trees that are not on the disk, each once.
func (p *proving) missing(specs []*treeSpec) []*treeSpec {
	var list []*treeSpec
	for _, s := range specs {
		if p.checkouts.open[s] == nil && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
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

// tampered returns a test file that is not as the tree has it; "" if there is none.
func (p *proving) tampered(t *testTree) string {
	for _, path := range t.files.Changed() {
		if p.isTest(path) {
			return path
		}
	}
	return ""
}

// closeCheckouts removes the checkouts, or tells where they are.
func (p *proving) closeCheckouts() error {
	var err error
	for s, t := range p.checkouts.open {
		if err = errors.Join(err, t.close()); p.opts.Keep {
			text := fmt.Sprintf("tree %.12s is kept in %s", s.id, t.checkout.Top())
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
