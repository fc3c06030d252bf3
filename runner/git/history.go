package git

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
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
// parents, author and committer in this order, other headers, a blank line,
// the message. As in git, what is elsewhere doesn't count.
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

// subject returns the first paragraph of a message on one line, as git does.
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

// shallow returns the commits whose parents a shallow clone lacks.
func (r *Repo) shallow() (map[Hash]bool, error) {
	data, err := os.ReadFile(filepath.Join(r.common, "shallow"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the shallow boundary: %w", err)
	}
	ends := make(map[Hash]bool)
	for line := range strings.Lines(string(data)) {
		ends[Hash(strings.TrimSpace(line))] = true
	}
	return ends, nil
}
