package git

import (
	"context"
	"fmt"
	"strings"
)

// Change is one path that differs from HEAD, in the index or in the work tree.
type Change struct {
	Path       string // slash-separated, from the top of the work tree
	Staged     bool   // the index differs from HEAD
	Unstaged   bool   // the work tree differs from the index
	Untracked  bool   // neither in HEAD nor in the index, and not ignored
	Unmerged   bool   // left in conflict by a merge
	Repository bool   // a submodule, or an untracked repository inside this one

	// Head and Index are what HEAD and the index hold at the path. Of an
	// untracked or unmerged one they are zero.
	Head, Index Version
}

// Version is what is at a path: a file, a symlink or a submodule. The zero
// Version is nothing.
type Version struct {
	Mode string // as a tree has it: 100644, 100755, 120000 or 160000
	Hash Hash   // the blob; of a submodule, its commit
}

// Status lists the paths that differ from HEAD, untracked files one by one.
// A renamed file is two changes: the old path and the new one. It starts a
// git process, which takes no lock.
func (r *Repo) Status(ctx context.Context) ([]Change, error) {
	out, err := r.git(ctx, call{args: []string{
		"status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames",
	}})
	if err != nil {
		return nil, fmt.Errorf("reading the work tree's status: %w", err)
	}
	return parseStatus(string(out))
}

// parseStatus reads git-status(1), "Porcelain Format Version 2", with -z and
// without renames.
func parseStatus(out string) ([]Change, error) {
	var changes []Change
	for out != "" {
		record, rest, ended := strings.Cut(out, "\x00")
		out = rest
		c, ok := parseChange(record)
		if !ok || !ended {
			return nil, fmt.Errorf("reading the work tree's status: unknown record %q", record)
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// parseChange reads one record. The fields before the path are
// "1 XY sub mH mI mW hH hI" and "u XY sub m1 m2 m3 mW h1 h2 h3".
func parseChange(record string) (Change, bool) {
	kind, rest, _ := strings.Cut(record, " ")
	fields := map[string]int{"?": 0, "1": 7, "u": 9}
	n, ok := fields[kind]
	if !ok {
		return Change{}, false
	}
	parts := strings.SplitN(rest, " ", n+1)
	if len(parts) != n+1 || parts[n] == "" {
		return Change{}, false
	}
	if kind == "?" {
		path, repository := strings.CutSuffix(parts[0], "/")
		return Change{Path: path, Untracked: true, Repository: repository}, path != ""
	}
	xy, sub := parts[0], parts[1]
	if len(xy) != 2 || sub == "" {
		return Change{}, false
	}
	c := Change{Path: parts[n], Unmerged: kind == "u", Repository: sub[0] == 'S'}
	if kind == "1" {
		c.Staged, c.Unstaged = xy[0] != '.', xy[1] != '.'
		c.Head, c.Index = version(parts[2], parts[5]), version(parts[3], parts[6])
	}
	return c, true
}

// version reads a mode and a hash, which are all zeros for nothing.
func version(mode, hash string) Version {
	if strings.Trim(mode, "0") == "" || strings.Trim(hash, "0") == "" {
		return Version{}
	}
	return Version{Mode: mode, Hash: Hash(hash)}
}
