package prove

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// side is base or head of a proof.
type side struct {
	layout
	worktree bool
}

func (s side) revision() record.Revision {
	return record.Revision{Commit: string(s.commit), Tree: string(s.id), Worktree: s.worktree}
}

// commitSide reads a commit.
func commitSide(repo Repository, commit git.Hash) (side, error) {
	files, err := repo.List(commit)
	if err != nil {
		return side{}, err
	}
	t := treeOf(commit, files)
	return side{layout: newLayout(commit, t, t)}, nil
}

// head settles what is proved, and loads the specs that it holds.
func (e Prover) head(ctx context.Context, opts ProveOptions) (side, *project.Project, error) {
	if opts.Worktree && opts.At != "" {
		return side{}, nil, &project.UsageError{Msg: "a proof is of a revision or of the worktree", Mend: "leave out --at or --worktree"}
	}
	rev := opts.At
	if rev == "" {
		rev = "HEAD"
	}
	commit, err := e.Git.Resolve(ctx, rev)
	if err != nil {
		return side{}, nil, err
	}
	head, err := commitSide(e.Git, commit)
	if err != nil {
		return side{}, nil, err
	}
	if !opts.Worktree {
		p, err := e.projectAt(head)
		return head, p, err
	}
	t, err := e.overWorktree(ctx, head.tree)
	if err != nil {
		return side{}, nil, fmt.Errorf("reading the worktree's changes: %w", err)
	}
	p, err := project.Load(e.Settings.Root)
	return side{layout: newLayout(commit, head.tree, t), worktree: true}, p, err
}

// projectAt loads the project as a commit holds it.
func (e Prover) projectAt(s side) (*project.Project, error) {
	p := &project.Project{Root: e.Settings.Root, Problems: map[string]spec.Problems{}}
	if s.tree[project.ConfigFile].exists() {
		src, err := e.Git.ReadFile(s.commit, project.ConfigFile)
		if err != nil {
			return nil, err
		}
		config, problems := spec.ParseConfig(project.ConfigFile, src)
		if err := problems.Err(); err != nil {
			return nil, err
		}
		p.Config = config
	}
	var specs []*spec.Spec
	for _, at := range slices.Sorted(maps.Keys(s.tree)) {
		if !project.IsSpecFile(at) {
			continue
		}
		src, err := e.Git.ReadFile(s.commit, at)
		if err != nil {
			return nil, err
		}
		one, problems := spec.Parse(at, src)
		specs = append(specs, one)
		p.Problems[at] = problems
	}
	p.Set = spec.NewSet(specs)
	return p, nil
}

// unfitError tells why a file of a work tree can't be read as a tree has it. All
// others were read.
type unfitError struct {
	paths []string
	first error
}

func (u *unfitError) Error() string { return u.first.Error() }

func (u *unfitError) Unwrap() error { return u.first }

// overWorktree gives t with the changed and new files of the work tree. They
// count as they are on the disk: no filter of git is run. The error may be an
// *unfitError.
func (e Prover) overWorktree(ctx context.Context, t tree) (_ tree, err error) {
	changes, err := project.ReadChanges(ctx, e.Git)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(e.Settings.Root)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	out := maps.Clone(t)
	like := t.anyBlob()
	var unfit *unfitError
	for _, c := range changes {
		if c.Repository {
			continue
		}
		now, err := onDisk(root, c.Path, like)
		if err != nil {
			if unfit == nil {
				unfit = &unfitError{first: err}
			}
			unfit.paths = append(unfit.paths, c.Path)
			continue
		}
		out.put(c.Path, now)
	}
	if unfit != nil {
		return out, unfit
	}
	return out, nil
}

func (t tree) anyBlob() git.Hash {
	for _, e := range t {
		return e.blob
	}
	return ""
}

// onDisk reads one file; the zero entry where there is none, or it is behind a
// link.
func onDisk(root *os.Root, at string, like git.Hash) (entry, error) {
	info, err := (&place{root: root}).look(at)
	if err != nil || info == nil || info.IsDir() {
		return entry{}, err
	}
	e := entry{mode: modeFile}
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		target, err := root.Readlink(at)
		if err != nil {
			return entry{}, err
		}
		e.mode, e.data = modeSymlink, []byte(target)
	case info.Size() > project.FileLimit:
		return entry{}, project.TooLarge(at)
	case info.Mode().IsRegular():
		if info.Mode()&0o100 != 0 {
			e.mode = modeExecutable
		}
		if e.data, err = root.ReadFile(at); err != nil {
			return entry{}, err
		}
	default:
		return entry{}, fmt.Errorf("%s is neither a file nor a symlink", at)
	}
	e.blob = blobID(like, e.data)
	return e, nil
}
