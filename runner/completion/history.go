package completion

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"chant/runner/git"
)

// history holds the commits behind one commit, and the versions of specs that
// were read from them so far.
type history struct {
	order    []*commit // parents before their children
	commits  map[git.Hash]*commit
	versions map[string][]*version // by spec id; of two on one line the older comes first
	deleted  []*version            // those without a file, in the same order
}

// commit is one commit, linked to its first parent.
type commit struct {
	hash    git.Hash
	time    time.Time // the committer's
	first   *commit   // the first parent; nil where history ends
	merged  []git.Hash
	cut     bool       // it has parents, but the clone is shallow and lacks them
	depth   int        // the number of commits behind it on its first-parent line
	read    bool       // its versions are in the history
	deleted []*version // the specs that it deleted, the first id last

	// jump is an ancestor further back, the commit itself where history ends, and
	// oldest the earliest time from the commit to the one before jump. They make
	// every search on a line logarithmic (Myers, "An applicative random-access
	// stack", 1983).
	jump   *commit
	oldest time.Time
}

// version is the state of a spec's files from one commit on.
type version struct {
	id     string
	commit *commit
	files  []file   // the files with that id, the one that counts first; none where the commit deleted them
	prev   *version // what it replaced; nil where there was nothing
}

// file returns the file that counts; the zero file where there is none.
func (v *version) file() file {
	if v == nil || len(v.files) == 0 {
		return file{}
	}
	return v.files[0]
}

func (v *version) exists() bool { return v.file() != file{} }

// readHistory reads the commits behind from, but no version yet.
func readHistory(ctx context.Context, repo Repository, from git.Hash) (*history, error) {
	out, err := repo.Run(ctx, call("rev-list", "--topo-order", "--reverse", "--timestamp", "--parents", string(from)))
	if err != nil {
		return nil, err
	}
	h := &history{commits: map[git.Hash]*commit{}, versions: map[string][]*version{}}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			return nil, fmt.Errorf("git rev-list wrote %q", line)
		}
		seconds, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git rev-list wrote %q: %w", line, err)
		}
		c := &commit{hash: git.Hash(fields[1]), time: time.Unix(seconds, 0)}
		if len(fields) > 2 {
			c.first = h.commits[git.Hash(fields[2])]
			for _, parent := range fields[3:] {
				c.merged = append(c.merged, git.Hash(parent))
			}
		}
		c.link()
		h.order = append(h.order, c)
		h.commits[c.hash] = c
	}
	return h, h.findCuts(ctx, repo)
}

// findCuts asks for the true parents of the commits that have none here.
func (h *history) findCuts(ctx context.Context, repo Repository) error {
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
	var c *commit
	for line := range strings.Lines(string(out)) { // lines of the message start with a space
		if hash, ok := strings.CutPrefix(line, "commit "); ok {
			c = h.commits[git.Hash(strings.TrimSpace(hash))]
		} else if strings.HasPrefix(line, "parent ") && c != nil {
			c.cut = true
		}
	}
	return nil
}

// link sets what a commit knows of its line. With jumps of these lengths, every
// ancestor is a logarithmic number of steps away.
func (c *commit) link() {
	c.jump, c.oldest = c, c.time
	p := c.first
	if p == nil {
		return
	}
	c.depth, c.jump = p.depth+1, p
	if p.depth-p.jump.depth == p.jump.depth-p.jump.jump.depth {
		c.jump = p.jump.jump
		for _, t := range []time.Time{p.oldest, p.jump.oldest} {
			if t.Before(c.oldest) {
				c.oldest = t
			}
		}
	}
}

// has tells whether a commit is c or one behind it on c's first-parent line.
func (c *commit) has(other *commit) bool {
	for c.depth > other.depth {
		if c.jump.depth >= other.depth {
			c = c.jump
		} else {
			c = c.first
		}
	}
	return c == other
}

// madeBefore returns the nearest commit on the first-parent line, c included,
// that was made before t; nil where there is none.
func (c *commit) madeBefore(t time.Time) *commit {
	for c != nil && !c.time.Before(t) {
		if c.jump != c && !c.oldest.Before(t) {
			c = c.jump
		} else {
			c = c.first
		}
	}
	return c
}

// end returns git.ErrShallow where the line behind a commit ends because the clone
// is shallow.
func (c *commit) end() error {
	for c.first != nil {
		c = c.jump
	}
	if c.cut {
		return git.ErrShallow
	}
	return nil
}

// version returns the version of a spec that a commit holds; nil where no commit
// on its line made one.
func (h *history) version(c *commit, id string) *version {
	for _, v := range slices.Backward(h.versions[id]) {
		if c.has(v.commit) {
			return v
		}
	}
	return nil
}

// unread returns the commits on a first-parent line whose versions were not read
// yet, parents before children, and takes them for read.
func (c *commit) unread() []*commit {
	var line []*commit
	for ; c != nil && !c.read; c = c.first {
		c.read = true
		line = append(line, c)
	}
	slices.Reverse(line)
	return line
}

// readVersions reads the versions that some commits made. Those of their first
// parents were read before, or come before them in the list.
func (h *history) readVersions(ctx context.Context, p project, commits []*commit) error {
	if len(commits) == 0 {
		return nil
	}
	var pairs strings.Builder
	for _, c := range commits {
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
	return h.addChanges(strings.Split(string(out), "\x00"))
}

// addChanges reads what git diff-tree wrote: the name of a commit, then for each
// file ":MODE MODE BLOB BLOB STATUS" and its path.
func (h *history) addChanges(words []string) error {
	var c *commit
	changes := map[string][]file{}
	for i := 0; i < len(words) && words[i] != ""; i++ {
		meta, ok := strings.CutPrefix(words[i], ":")
		if !ok {
			h.addVersions(c, changes)
			clear(changes)
			if c = h.commits[git.Hash(words[i])]; c == nil {
				return fmt.Errorf("git diff-tree wrote %q", words[i])
			}
			continue
		}
		fields := strings.Fields(meta)
		if i++; len(fields) != 5 || i == len(words) || c == nil {
			return fmt.Errorf("git diff-tree wrote %q", meta)
		}
		f := newFile(words[i], fields[1], fields[3])
		if id, ok := f.id(); ok {
			changes[id] = append(changes[id], f)
		}
	}
	h.addVersions(c, changes)
	return nil
}

// addVersions adds what a commit made of the files of each id.
func (h *history) addVersions(c *commit, changes map[string][]file) {
	for id, list := range changes {
		v := &version{id: id, commit: c}
		if c.first != nil {
			v.prev = h.version(c.first, id)
		}
		if v.prev != nil {
			v.files = slices.Clone(v.prev.files)
		}
		for _, now := range list {
			v.files = slices.DeleteFunc(v.files, func(was file) bool { return was.path == now.path })
			if now.blob != "" {
				v.files = append(v.files, now)
			}
		}
		slices.SortFunc(v.files, byPrecedence)
		h.versions[id] = append(h.versions[id], v)
		if v.prev.exists() && !v.exists() {
			c.deleted = append(c.deleted, v)
		}
	}
	if c != nil {
		slices.SortFunc(c.deleted, func(a, b *version) int { return cmp.Compare(b.id, a.id) })
		h.deleted = append(h.deleted, c.deleted...)
	}
}
