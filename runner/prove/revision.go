package prove

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"

	"chant/runner/checkout"
	"chant/runner/git"
	"chant/runner/process"
	"chant/runner/project"
)

// revision is a state of the repository, and the project in it.
type revision struct {
	tree    *treeSpec
	project *project.Project
	loose   map[git.Hash][]byte // blobs of the work tree, which the repository may lack
}

// start reads the revision that the options name. The specs to prove are found
// in it.
func (e Prover) start(ctx context.Context, opts Options) (revision, error) {
	if opts.Worktree && opts.At != "" {
		return revision{}, &project.UsageError{Msg: "a proof is of a revision or of the worktree", Mend: "leave out --at or --worktree"}
	}
	commit, err := e.Git.Resolve(ctx, cmp.Or(opts.At, "HEAD"))
	if err != nil {
		return revision{}, err
	}
	if opts.Worktree {
		return e.worktree(ctx, commit)
	}
	return e.at(commit)
}

// at reads a commit.
func (e Prover) at(commit git.Hash) (revision, error) {
	tree, err := e.commitTree(commit)
	if err != nil {
		return revision{}, err
	}
	p, err := project.At(e.Git, e.Settings.Root, commit)
	return revision{tree: tree, project: p}, err
}

func (e Prover) commitTree(commit git.Hash) (*treeSpec, error) {
	id, err := e.Git.Tree(commit)
	if err != nil {
		return nil, err
	}
	files, err := e.Git.List(commit)
	t := treeOf(files)
	return &treeSpec{commit: commit, committed: t, files: t, id: id}, err
}

// worktree reads the work tree on a commit: changed and new files as git would
// store them. Files that git ignores do not count.
func (e Prover) worktree(ctx context.Context, commit git.Hash) (revision, error) {
	committed, err := e.commitTree(commit)
	if err != nil {
		return revision{}, err
	}
	contents, loose, err := e.uncommitted(ctx)
	if err != nil {
		return revision{}, fmt.Errorf("reading the work tree's changes: %w", err)
	}
	files := maps.Clone(committed.files)
	for _, c := range contents {
		files.put(c)
	}
	p, err := project.Load(e.Settings.Root)
	return revision{tree: committed.with(files), project: p, loose: loose}, err
}

// uncommitted returns the changed files of the work tree, sorted by path, and
// what their blobs hold. It leaves nothing in the repository.
func (e Prover) uncommitted(ctx context.Context) (contents []git.Content, blobs map[git.Hash][]byte, err error) {
	changes, err := project.ReadChanges(ctx, e.Git)
	if err != nil {
		return nil, nil, err
	}
	var paths []string
	for _, c := range changes {
		if !c.Repository {
			paths = append(paths, c.Path)
		}
	}
	source, err := checkout.Open(ctx, e.Git, checkout.Options{Env: process.Environ(e.Settings.Env), Processes: e.Settings.Processes})
	if err != nil {
		return nil, nil, err
	}
	draft, err := source.New()
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	if contents, err = e.Git.Store(ctx, paths, draft.Objects()); err != nil {
		return nil, nil, err
	}
	blobs = map[git.Hash][]byte{}
	for _, c := range contents {
		if c.Mode == "" || c.Mode == modeSubmodule {
			continue
		}
		call := git.Call{Args: []string{"cat-file", "blob", string(c.Hash)}, Env: []string{"GIT_OBJECT_DIRECTORY=" + draft.Objects()}}
		if blobs[c.Hash], err = e.Git.Run(ctx, call); err != nil {
			return nil, nil, err
		}
	}
	return contents, blobs, nil
}
