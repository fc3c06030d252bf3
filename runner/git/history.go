package git

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Commit is the part of a commit that chant reads.
type Commit struct {
	Hash    Hash
	Tree    Hash
	Parents []Hash
	Time    time.Time // the committer's, UTC
	Subject string    // the message's first paragraph on one line
}

// FirstParents walks back from a commit, itself included, along first
// parents to the root. An error ends the walk; in a shallow clone that is
// ErrShallow, after the last commit that is there.
func (r *Repo) FirstParents(from Hash) iter.Seq2[Commit, error] {
	return func(yield func(Commit, error) bool) {
		ends, err := r.shallow()
		if err != nil {
			yield(Commit{}, err)
			return
		}
		for next := from; ; {
			c, err := r.commitAt(next)
			if err != nil {
				yield(Commit{}, err)
				return
			}
			if !yield(c, nil) || len(c.Parents) == 0 {
				return
			}
			if ends[next] {
				yield(Commit{}, ErrShallow)
				return
			}
			next = c.Parents[0]
		}
	}
}

// Tips gives the objects that HEAD and every ref name, and those that tags among
// them are of.
func (r *Repo) Tips(ctx context.Context) ([]Hash, error) {
	head, err := r.Head()
	if err != nil {
		return nil, err
	}
	tips := []Hash{head.Commit}
	out, err := r.git(ctx, call{args: []string{"for-each-ref", "--format=%(objectname) %(*objectname)"}})
	if err != nil {
		return nil, fmt.Errorf("listing refs: %w", err)
	}
	for hash := range strings.FieldsSeq(string(out)) {
		tips = append(tips, Hash(hash))
	}
	return tips, nil
}

// Reaches tells whether a commit is one of from or an ancestor of one, by all
// parents. What is not there, or no commit, leads nowhere.
func (r *Repo) Reaches(from []Hash, commit Hash) (bool, error) {
	seen := map[Hash]bool{}
	for open := slices.Clone(from); len(open) > 0; {
		next := open[len(open)-1]
		open = open[:len(open)-1]
		if seen[next] || !next.valid() {
			continue
		}
		seen[next] = true
		c, err := r.commitAt(next)
		switch {
		case errors.Is(err, ErrUnknownRevision):
			continue
		case err != nil:
			return false, err
		case next == commit:
			return true, nil
		}
		open = append(open, c.Parents...)
	}
	return false, nil
}

// parseCommit reads the form that git-cat-file(1) shows: the tree, the
// parents, author and committer in this order, other headers, a blank line,
// the message. As in git, what stands elsewhere doesn't count.
func parseCommit(id Hash, data []byte) (Commit, error) {
	c := Commit{Hash: id, Parents: []Hash{}}
	header, message, _ := strings.Cut(string(data), "\n\n")
	lines := strings.Split(header, "\n")
	tree, _ := strings.CutPrefix(lines[0], "tree ")
	if c.Tree = Hash(tree); !c.Tree.valid() {
		return Commit{}, errors.New("it has no tree (run git fsck)")
	}
	for lines = lines[1:]; len(lines) > 0; lines = lines[1:] {
		parent, ok := strings.CutPrefix(lines[0], "parent ")
		if !ok {
			break
		}
		c.Parents = append(c.Parents, Hash(parent))
	}
	if len(lines) > 1 {
		committer, _ := strings.CutPrefix(lines[1], "committer ")
		c.Time = identTime(committer)
	}
	c.Subject = subject(message)
	return c, nil
}

// identTime reads the time of "Name <mail> 1700000000 +0100"; as in git, the
// epoch where there is none.
func identTime(ident string) time.Time {
	when := ident[strings.LastIndexByte(ident, '>')+1:]
	seconds, _, _ := strings.Cut(strings.TrimLeft(when, " "), " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		n = 0
	}
	return time.Unix(n, 0).UTC()
}

// subject gives the first paragraph of a message on one line, as git does.
func subject(message string) string {
	var lines []string
	for line := range strings.Lines(message) {
		line = strings.TrimRight(line, " \t\r\n")
		if line != "" {
			lines = append(lines, line)
		} else if len(lines) > 0 {
			break
		}
	}
	return strings.Join(lines, " ")
}

// Changed tells whether a commit differs from its first parent in the path of
// a file or submodule for which match is true; a commit without parents
// differs in all that it holds. The error is ErrShallow where the clone lacks
// the parent. match is called for changed paths only.
func (r *Repo) Changed(commit Hash, match func(path string) bool) (bool, error) {
	c, err := r.commitAt(commit)
	if err != nil {
		return false, err
	}
	var before Hash
	if len(c.Parents) > 0 {
		ends, err := r.shallow()
		if err != nil {
			return false, err
		}
		if ends[commit] {
			return false, ErrShallow
		}
		parent, err := r.commitAt(c.Parents[0])
		if err != nil {
			return false, err
		}
		before = parent.Tree
	}
	return r.differ(before, c.Tree, "", match)
}

// differ compares two trees, and looks only into folders whose hashes differ.
func (r *Repo) differ(a, b Hash, prefix string, match func(string) bool) (bool, error) {
	if a == b {
		return false, nil
	}
	before, err := r.tree(a)
	if err != nil {
		return false, err
	}
	after, err := r.tree(b)
	if err != nil {
		return false, err
	}
	pairs := make(map[string][2]entry, len(after))
	for _, e := range before {
		pairs[e.name] = [2]entry{e, {}}
	}
	for _, e := range after {
		pairs[e.name] = [2]entry{pairs[e.name][0], e}
	}
	for name, pair := range pairs {
		found, err := r.entryDiffers(pair[0], pair[1], prefix+name, match)
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// entryDiffers compares what is at one name before and after; a zero entry
// is nothing.
func (r *Repo) entryDiffers(a, b entry, name string, match func(string) bool) (bool, error) {
	if a.id == b.id && a.mode == b.mode {
		return false, nil
	}
	var trees [2]Hash
	leaf := false
	for i, e := range []entry{a, b} {
		if e.mode == filemode.Dir {
			trees[i] = e.id
		} else if e.mode != 0 {
			leaf = true
		}
	}
	if leaf && match(name) {
		return true, nil
	}
	return r.differ(trees[0], trees[1], name+"/", match)
}
