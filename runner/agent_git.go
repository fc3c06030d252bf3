package runner

import (
	"context"
	"io/fs"
	"os"
	"path"
	"slices"

	"chant/runner/git"
)

// A watch is what of the repository itself an agent must not change unnoticed, as
// it was before the agent ran: what makes git run programs or overlook files, and
// the refs that hold the user's work.
type watch struct {
	dir      string   // the git folder
	names    []string // of what steers git there: files and folders
	steering tree     // the files
	flags    []git.Flag
	refs     []git.Ref
}

func (c *crew) newWatch(ctx context.Context) (*watch, error) {
	w := &watch{}
	w.dir, w.names = c.Git.Steering()
	if c.isolation != nil {
		_, more := c.isolation.repo.Steering()
		w.names = append(w.names, without(more, w.names)...)
	}
	var err error
	if w.steering, err = w.read(); err != nil {
		return nil, err
	}
	if w.flags, err = c.Git.Flags(ctx); err != nil {
		return nil, err
	}
	w.refs, err = c.Git.Refs(ctx)
	return w, err
}

// unreadable is the mode of a file whose content is not known.
const unreadable = "?"

// read gives the files that steer git.
func (w *watch) read() (tree, error) {
	root, err := os.OpenRoot(w.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	p := &place{dir: w.dir, root: root}
	t := tree{}
	add := func(at string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if t[at], err = onDisk(root, at, ""); err != nil {
			t[at] = entry{mode: unreadable}
		}
		return nil
	}
	for _, name := range w.names {
		info, err := p.look(name)
		switch {
		case err != nil:
			return nil, err
		case info == nil: // behind a link it is none of this repository's
		case info.IsDir():
			err = fs.WalkDir(root.FS(), name, add)
		default: // WalkDir would follow a link
			err = add(name, fs.FileInfoToDirEntry(info), nil)
		}
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// lookAtRepository compares the repository with what it was. What makes git run
// or overlook something goes back, and breaks the run; what an agent took from
// the user is named with the way back.
func (c *crew) lookAtRepository(ctx context.Context, aside string, run *AgentRun) error {
	changed, err := c.putSteeringBack(aside)
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		run.PutBack = append(run.PutBack, changed...)
		c.broken = append(c.broken, "the agent changed what git obeys: "+someOf(changed, 4))
	}
	flags, err := c.Git.Flags(ctx)
	if err != nil {
		return err
	}
	if flags = without(flags, c.watch.flags); len(flags) > 0 {
		var paths []string
		for _, f := range flags {
			paths = append(paths, f.Path)
		}
		slices.Sort(paths)
		c.broken = append(c.broken, "the agent made git overlook changes, by flags in the index: "+someOf(slices.Compact(paths), 3))
		if err := c.Git.Unflag(ctx, flags); err != nil {
			return err
		}
	}
	run.Refs, err = c.movedRefs(ctx)
	return err
}

// putSteeringBack gives the files that steer git their earlier content, sets what
// is there instead aside, and lists them.
func (c *crew) putSteeringBack(aside string) (changed []string, err error) {
	now, err := c.watch.read()
	if err != nil {
		return nil, err
	}
	var places [2]*place // of git, of the user
	for i, dir := range []string{c.watch.dir, c.Root} {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		places[i] = &place{dir: dir, root: root}
	}
	for _, at := range goingFirst(now, c.watch.steering) {
		was, is := c.watch.steering[at], now[at]
		if at == "config" && was.mode == is.mode && git.SameSettings(was.data, is.data) {
			continue
		}
		changed = append(changed, path.Join(".git", at))
		if is.exists() && is.mode != unreadable {
			if err := putBelow(places[1], path.Join(aside, "git", at), is, is.data); err != nil {
				return nil, err
			}
		}
		if was.mode == unreadable {
			continue
		}
		if info, err := places[0].look(at); err == nil && info != nil && info.IsDir() {
			if err := places[0].root.RemoveAll(at); err != nil {
				return nil, err
			}
		}
		if err := putBelow(places[0], at, was, was.data); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

// movedRefs lists the refs that are not what they were. Of HEAD's branch
// lookAtHead tells.
func (c *crew) movedRefs(ctx context.Context) ([]MovedRef, error) {
	head, err := c.Git.Head()
	if err != nil {
		return nil, err
	}
	refs, err := c.Git.Refs(ctx)
	if err != nil {
		return nil, err
	}
	moved := []MovedRef{}
	for _, was := range without(c.watch.refs, refs) {
		m := MovedRef{Ref: was.Name, Was: was.Hash}
		i := slices.IndexFunc(refs, func(r git.Ref) bool { return r.Name == was.Name })
		if i >= 0 && was.Name != git.Stash {
			m.Is = refs[i].Hash
		}
		if m.Is == "" || m.Ref != c.head.Ref || m.Ref != head.Ref {
			moved = append(moved, m)
		}
	}
	return moved, nil
}

// without gives those of a that are not in b.
func without[T comparable](a, b []T) []T {
	in := map[T]bool{}
	for _, one := range b {
		in[one] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(one T) bool { return in[one] })
}
