package runner

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"chant/runner/git"
)

// keepLimit is the most bytes of files not committed that are kept from an agent.
const keepLimit = 64 << 20

// The folders of a keep's commit.
const (
	keptFiles = "worktree" // what the files held
	keptIndex = "index"    // what was staged
)

// A keep is what the user had and git had not when an agent began. It is in the
// object database, under a ref of its own, where neither git clean nor git reset
// reaches, and in no tool's way.
type keep struct {
	*Engine
	ref    string
	commit git.Hash // "" where there was no content to keep
	head   git.Hash
	had    map[string]had
}

// had is what the user had at one path. Of what the work tree held there, nothing
// is known where no copy was made.
type had struct {
	head, index git.Version
	file        entry // without its data
	perm        fs.FileMode
	unknown     bool
}

func (h had) staged() bool { return h.index != h.head }

// newKeep keeps what is not committed.
func (c *crew) newKeep(ctx context.Context, run *AgentRun) (_ *keep, err error) {
	changes := c.begun
	if run.Attempt > 1 {
		if changes, err = c.changes(ctx); err != nil {
			return nil, err
		}
	}
	k := &keep{
		Engine: c.Engine, head: c.head.Commit, had: map[string]had{},
		ref: fmt.Sprintf("refs/chant/kept/%s-%d", c.ev.ID, run.Attempt),
	}
	for _, change := range changes {
		if change.Repository {
			continue
		}
		h := k.had[change.Path] // a path removed from the index may be there untracked
		if !change.Untracked {
			h.head, h.index = change.Head, change.Index
		}
		k.had[change.Path] = h
	}
	if err := c.leaveOwn(k); err != nil {
		return nil, err
	}
	files, leftOut, err := k.read()
	if err != nil {
		return nil, fmt.Errorf("reading what is not committed: %w", err)
	}
	run.LeftOut = append(run.LeftOut, leftOut...)
	if len(files) == 0 {
		return k, nil
	}
	k.commit, err = c.Git.Keep(ctx, k.ref, "Not committed when an agent began on spec "+c.spec.ID, files)
	if err != nil {
		return nil, err
	}
	run.Kept = k.ref
	return k, nil
}

// leaveOwn leaves out what the agent itself made in an attempt before.
func (c *crew) leaveOwn(k *keep) error {
	if c.left == nil {
		return nil
	}
	for _, at := range c.left.since(c.before) {
		now, err := stamps(c.Root, []git.Change{{Path: at}})
		if err != nil {
			return err
		}
		if then, ok := c.left[at]; ok && then == now[at] {
			delete(k.had, at)
		}
	}
	return nil
}

// read gives all that is to be kept, the small files first.
func (k *keep) read() (files []git.KeptFile, leftOut []string, err error) {
	root, err := os.OpenRoot(k.Root)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	p := &place{dir: k.Root, root: root}
	infos := map[string]fs.FileInfo{}
	for at := range k.had {
		info, err := p.look(at)
		if err != nil {
			return nil, nil, err
		}
		if info != nil && !info.IsDir() {
			infos[at] = info
		}
	}
	bySize := slices.SortedFunc(maps.Keys(infos), func(a, b string) int {
		return cmp.Or(cmp.Compare(infos[a].Size(), infos[b].Size()), cmp.Compare(a, b))
	})
	room := int64(keepLimit)
	for _, at := range bySize {
		h := k.had[at]
		h.perm = infos[at].Mode().Perm()
		room -= infos[at].Size()
		if h.unknown = room < 0; !h.unknown {
			h.file, err = onDisk(root, at, k.head)
			h.unknown = err != nil // it may not be read, or has just gone
		}
		if h.unknown {
			leftOut = append(leftOut, at)
		} else {
			files = append(files, git.KeptFile{Path: path.Join(keptFiles, at), Version: git.Version{Mode: h.file.mode}, Data: h.file.data})
			h.file.data = nil
		}
		k.had[at] = h
	}
	for at, h := range k.had {
		if h.staged() && h.index != (git.Version{}) {
			files = append(files, git.KeptFile{Path: path.Join(keptIndex, at), Version: h.index})
		}
	}
	return files, leftOut, nil
}

// drop forgets what was kept.
func (k *keep) drop(ctx context.Context, run *AgentRun) error {
	run.Kept = ""
	if k.commit == "" {
		return nil
	}
	return k.Git.DropRef(ctx, k.ref)
}

// giveBack undoes what has undone the user's work: a file that is gone or is
// HEAD's version again was not written by anybody, and neither was an index entry
// that is HEAD's. Anything else may be newer work. It stays, and what was there
// before stays kept, as does all where the work tree was moved to another commit
// and what is a target file, which is the agent's to write. It gives the state of
// what differs from HEAD then.
func (c *crew) giveBack(ctx context.Context, k *keep, m moved, run *AgentRun) (after worktree, err error) {
	r, changes, err := c.openReturn(ctx, k)
	if err != nil {
		return nil, err
	}
	defer r.root.Close()
	stage := map[string]git.Version{}
	for _, at := range slices.Sorted(maps.Keys(k.had)) {
		may := m.to == "" && !m.midway && r.now.Ref == c.head.Ref && !c.spec.Targets(at)
		file, err := r.file(at, may)
		if err != nil {
			return nil, fmt.Errorf("giving %s back: %w", at, err)
		}
		staged, err := r.entry(at, may)
		if err != nil {
			return nil, err
		}
		if staged == restored {
			stage[at] = k.had[at].index
		}
		if file == restored || staged == restored {
			run.Restored = append(run.Restored, at)
			changes = append(changes, git.Change{Path: at})
		}
		h := k.had[at]
		if file == replaced && h.file.exists() {
			run.Replaced = append(run.Replaced, path.Join(keptFiles, at))
		}
		if staged == replaced && h.index.Hash != h.file.blob && h.index != (git.Version{}) {
			run.Replaced = append(run.Replaced, path.Join(keptIndex, at))
		}
	}
	if len(stage) > 0 {
		if err := c.Git.Stage(ctx, stage); err != nil {
			return nil, err
		}
	}
	if len(run.Replaced) == 0 {
		if err := k.drop(ctx, run); err != nil {
			return nil, err
		}
	}
	return stamps(c.Root, changes)
}

// fate is what became of something that the user had.
type fate int

const (
	untouched fate = iota
	restored       // it was undone, and is as it was again
	replaced       // it is something else now
)

// giving is a keep beside what is there now.
type giving struct {
	*keep
	*place
	now     git.Head
	seen    worktree              // as it was when git looked for changes
	tracked map[string]git.Change // of those, what HEAD or the index has
}

// openReturn reads what is there now; the changes are all that differs from HEAD.
func (c *crew) openReturn(ctx context.Context, k *keep) (_ *giving, changes []git.Change, err error) {
	r := &giving{keep: k, place: &place{dir: c.Root}, tracked: map[string]git.Change{}}
	paths := make([]git.Change, 0, len(k.had))
	for at := range k.had {
		paths = append(paths, git.Change{Path: at})
	}
	if r.seen, err = stamps(c.Root, paths); err != nil {
		return nil, nil, err
	}
	if r.now, err = c.Git.Head(); err != nil {
		return nil, nil, err
	}
	if changes, err = c.changes(ctx); err != nil {
		return nil, nil, err
	}
	for _, change := range changes {
		if !change.Untracked {
			r.tracked[change.Path] = change
		}
	}
	r.root, err = os.OpenRoot(c.Root)
	return r, changes, err
}

// file looks after one file, and gives it back where that may be done.
func (g *giving) file(at string, may bool) (fate, error) {
	h := g.had[at]
	if h.unknown {
		return untouched, nil // a change of it is named as one outside target_files
	}
	info, err := g.look(at)
	if err != nil {
		return untouched, err
	}
	var now entry
	if info != nil && !info.IsDir() {
		if now, err = onDisk(g.root, at, g.head); err != nil {
			return replaced, nil //nolint:nilerr // what can't be read is not what was there
		}
	}
	if now.same(h.file) {
		return untouched, nil
	}
	undone, err := g.undone(at, now)
	if err == nil && !undone && isSpecFile(at) { // chant itself may have written it, for another run or a person
		if ours, err := g.wrote(at, now.data); err != nil || ours {
			return untouched, err
		}
	}
	if err != nil || !undone || !may {
		return replaced, err
	}
	if blocked, err := inTheWay(g.place, at); err != nil || blocked || info != nil && info.IsDir() {
		return replaced, err
	}
	var data []byte
	if h.file.exists() {
		if data, err = g.Git.ReadFile(g.commit, path.Join(keptFiles, at)); err != nil {
			return untouched, err
		}
	}
	if err := putBelow(g.place, at, h.file, data); err != nil {
		return untouched, err
	}
	if h.file.exists() && h.file.mode != modeSymlink {
		return restored, g.root.Chmod(at, h.perm)
	}
	return restored, nil
}

// undone tells whether a file is gone or is HEAD's: by its bytes or, where a
// filter of git stands between, by what git says of it.
func (g *giving) undone(at string, now entry) (bool, error) {
	h := g.had[at]
	if !now.exists() || h.head == (git.Version{Mode: now.mode, Hash: now.blob}) {
		return true, nil
	}
	index, err := g.indexed(at)
	if err != nil || h.head == (git.Version{}) || index != h.head || g.tracked[at].Unstaged {
		return false, err
	}
	again, err := stamps(g.Root, []git.Change{{Path: at}}) // nobody has written it since git looked
	return err == nil && again[at] == g.seen[at], err
}

// entry looks after what was staged of one file, and tells what to do.
func (g *giving) entry(at string, may bool) (fate, error) {
	h := g.had[at]
	if !h.staged() {
		return untouched, nil
	}
	now, err := g.indexed(at)
	switch {
	case err != nil || now == h.index:
		return untouched, err
	case may && now == h.head && !g.tracked[at].Unmerged:
		return restored, nil
	}
	return replaced, nil
}

// indexed gives what the index holds now.
func (g *giving) indexed(at string) (git.Version, error) {
	h := g.had[at]
	if change, ok := g.tracked[at]; ok {
		return change.Index, nil
	}
	if g.now.Commit == g.head || g.now.Commit == "" { // it is what HEAD holds
		return h.head, nil
	}
	hash, err := g.Git.Entry(g.now.Commit, at)
	switch hash {
	case "":
		return git.Version{}, err
	case h.index.Hash:
		return h.index, err
	case h.head.Hash:
		return h.head, err
	}
	return git.Version{Hash: hash}, err
}
