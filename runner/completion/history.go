package completion

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"chant/runner/git"
)

// history holds a commit and all its ancestors, and the versions of every spec in them.
type history struct {
	order    []*commit // parents before their children
	commits  map[git.Hash]*commit
	versions map[string][]*version // by spec id; a commit's version comes after its ancestors'
	deleted  []*version            // the versions that deleted a spec, by descending depth, then by id
}

// commit is a commit, linked to its first parent.
type commit struct {
	hash    git.Hash
	parents []git.Hash
	time    time.Time // of the committer
	first   *commit   // the first parent; nil if it has none, or the clone lacks it
	shallow bool      // it has parents, but the clone lacks them
	depth   int       // the number of its first-parent ancestors
	chain   *chain    // that it belongs to
}

// chain is a chain of first parents, from a commit that is not a first parent itself back
// to the commit before base, which belongs to another chain or is nil.
type chain struct{ base *commit }

// version is the state of a spec's files since a commit that changed them.
type version struct {
	id     string
	commit *commit
	files  []file   // the spec's files, the one that takes precedence first; empty if the commit deleted them
	prev   *version // the version of the commit's first parent; nil if there is none
}

// file returns the file that takes precedence, or the zero file if there is none.
func (v *version) file() file {
	if v == nil || len(v.files) == 0 {
		return file{}
	}
	return v.files[0]
}

func (v *version) exists() bool { return v.file() != file{} }

// depth returns the depth of the version's commit, or -1 if there is no version.
func (v *version) depth() int {
	if v == nil {
		return -1
	}
	return v.commit.depth
}

// readHistory reads a commit and its ancestors.
func (p project) readHistory(ctx context.Context, from git.Hash) (*history, error) {
	out, err := p.repo.Run(ctx, call("rev-list", "--topo-order", "--reverse", "--timestamp", "--parents", string(from)))
	if err != nil {
		return nil, err
	}
	h := &history{commits: map[git.Hash]*commit{}, versions: map[string][]*version{}}
	for text := range strings.Lines(string(out)) {
		fields := strings.Fields(text)
		if len(fields) < 2 {
			return nil, fmt.Errorf("git rev-list printed %q", text)
		}
		seconds, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git rev-list printed %q: %w", text, err)
		}
		c := &commit{hash: git.Hash(fields[1]), time: time.Unix(seconds, 0)}
		for _, parent := range fields[2:] {
			c.parents = append(c.parents, git.Hash(parent))
		}
		if len(c.parents) > 0 {
			c.first = h.commits[c.parents[0]]
			c.depth = c.first.depth + 1
		}
		h.order = append(h.order, c)
		h.commits[c.hash] = c
	}
	h.findChains()
	return h, errors.Join(h.readShallow(ctx, p.repo), h.readVersions(ctx, p))
}

// findChains sets the chain of every commit. So has takes a step for each branch, and not
// for each commit.
func (h *history) findChains() {
	for _, tip := range slices.Backward(h.order) {
		if tip.chain != nil {
			continue
		}
		ch := &chain{}
		for ch.base = tip; ch.base != nil && ch.base.chain == nil; ch.base = ch.base.first {
			ch.base.chain = ch
		}
	}
}

// has reports whether a commit is c or one of its first-parent ancestors.
func (c *commit) has(other *commit) bool {
	for c != nil && c.chain != other.chain {
		c = c.chain.base
	}
	return c != nil && c.depth >= other.depth
}

// end returns git.ErrShallow if c's first-parent ancestors end at a shallow boundary.
func (c *commit) end() error {
	for c.first != nil {
		c = c.first
	}
	if c.shallow {
		return git.ErrShallow
	}
	return nil
}

// readShallow asks git for the commits that have no parents in this clone only.
func (h *history) readShallow(ctx context.Context, repo Repository) error {
	var ends strings.Builder
	for _, c := range h.order {
		if c.first == nil {
			fmt.Fprintln(&ends, c.hash)
		}
	}
	raw := call("rev-list", "--no-walk", "--stdin", "--format=raw")
	raw.Stdin = strings.NewReader(ends.String())
	out, err := repo.Run(ctx, raw)
	if err != nil {
		return err
	}
	for text := range strings.SplitSeq("\n"+string(out), "\ncommit ") { // lines of the message start with a space
		hash, header, _ := strings.Cut(text, "\n")
		if c := h.commits[git.Hash(hash)]; c != nil {
			c.shallow = strings.Contains(header, "\nparent ")
		}
	}
	return nil
}

// readVersions compares every commit with its first parent.
func (h *history) readVersions(ctx context.Context, p project) error {
	var pairs strings.Builder
	for _, c := range h.order {
		pairs.WriteString(string(c.hash))
		if c.first != nil {
			pairs.WriteString(" " + string(c.first.hash))
		}
		pairs.WriteByte('\n')
	}
	diff := call("diff-tree", "--stdin", "--root", "-r", "--raw", "-z", "--no-abbrev", "--no-renames", "--", p.live(), p.archive())
	diff.Stdin = strings.NewReader(pairs.String())
	out, err := p.repo.Run(ctx, diff)
	if err != nil {
		return err
	}
	if err := h.addChanges(strings.Split(string(out), "\x00")); err != nil {
		return err
	}
	for _, versions := range h.versions {
		for _, v := range versions {
			if v.prev.exists() && !v.exists() {
				h.deleted = append(h.deleted, v)
			}
		}
	}
	slices.SortFunc(h.deleted, func(a, b *version) int {
		return cmp.Or(cmp.Compare(b.commit.depth, a.commit.depth), cmp.Compare(a.id, b.id))
	})
	return nil
}

// addChanges reads the output of git diff-tree: the hash of a commit, then for each file
// ":MODE MODE BLOB BLOB STATUS" and its path.
func (h *history) addChanges(words []string) error {
	var c *commit
	for i := 0; i < len(words) && words[i] != ""; i++ {
		meta, ok := strings.CutPrefix(words[i], ":")
		if !ok {
			if c = h.commits[git.Hash(meta)]; c == nil {
				return fmt.Errorf("git diff-tree printed %q", meta)
			}
			continue
		}
		fields := strings.Fields(meta)
		if i++; len(fields) != 5 || i == len(words) || c == nil {
			return fmt.Errorf("git diff-tree printed %q", meta)
		}
		h.addChange(c, newFile(words[i], fields[1], fields[3]))
	}
	return nil
}

// addChange adds a file that a commit wrote or, if it has no blob, deleted.
func (h *history) addChange(c *commit, f file) {
	id, ok := f.id()
	if !ok {
		return
	}
	v := h.version(c, id)
	if v == nil || v.commit != c {
		v = &version{id: id, commit: c, prev: v}
		if v.prev != nil {
			v.files = slices.Clone(v.prev.files)
		}
		h.versions[id] = append(h.versions[id], v)
	}
	v.files = slices.DeleteFunc(v.files, func(was file) bool { return was.path == f.path })
	if f.blob != "" {
		v.files = append(v.files, f)
	}
	slices.SortFunc(v.files, byPrecedence)
}

// version returns a spec's version in a commit, or nil if the spec never existed.
func (h *history) version(c *commit, id string) *version {
	for _, v := range slices.Backward(h.versions[id]) {
		if c.has(v.commit) {
			return v
		}
	}
	return nil
}
