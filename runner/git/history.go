package git

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Commit is the part of a commit that chant reads.
type Commit struct {
	Hash    Hash
	Tree    Hash
	Parents []Hash
	Time    time.Time // the committer's, UTC
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

// shallow returns the commits whose parents a shallow clone lacks.
func (r *Repo) shallow() (map[Hash]bool, error) {
	data, err := os.ReadFile(filepath.Join(r.common, "shallow"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the shallow boundary: %w", err)
	}
	ends := make(map[Hash]bool)
	for line := range strings.FieldsSeq(string(data)) {
		ends[Hash(line)] = true
	}
	return ends, nil
}

// commitAt reads a commit; ErrUnknownRevision where h names none.
func (r *Repo) commitAt(h Hash) (Commit, error) {
	data, err := r.read(plumbing.CommitObject, h)
	if errors.Is(err, errNoObject) {
		return Commit{}, fmt.Errorf("reading commit %q: %w", h, ErrUnknownRevision)
	}
	if err != nil {
		return Commit{}, err
	}
	c, err := parseCommit(h, data)
	if err != nil {
		return Commit{}, fmt.Errorf("reading commit %s: %w", h, err)
	}
	return c, nil
}

// parseCommit reads the form that git-cat-file(1) shows: the tree, the
// parents, author and committer in this order. As in git, what is elsewhere
// doesn't count.
func parseCommit(id Hash, data []byte) (Commit, error) {
	c := Commit{Hash: id, Parents: []Hash{}}
	header, _, _ := strings.Cut(string(data), "\n\n")
	lines := strings.Split(header, "\n")
	if c.Tree = Hash(strings.TrimPrefix(lines[0], "tree ")); !c.Tree.valid() {
		return Commit{}, errors.New("it has no tree (run git fsck)")
	}
	for lines = lines[1:]; len(lines) > 0 && strings.HasPrefix(lines[0], "parent "); lines = lines[1:] {
		c.Parents = append(c.Parents, Hash(lines[0][len("parent "):]))
	}
	if len(lines) > 1 {
		var committer object.Signature
		committer.Decode([]byte(lines[1]))
		c.Time = committer.When.UTC()
	}
	return c, nil
}
