package checkout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"chant/runner/git"
)

// entry is a file of a commit.
type entry struct {
	path, mode string
	blob       git.Hash
}

// git runs git in a checkout. Partial clones fetch what they lack into it.
func (s *Source) git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	return s.repo.Run(ctx, git.Call{Args: args, Dir: dir, Env: []string{lazyFetch}})
}

// lazyFetch lets git fetch from a promisor remote.
const lazyFetch = "GIT_NO_LAZY_FETCH=0"

// fill writes the files of a commit, and what commands need beside them.
func (d *Draft) fill(ctx context.Context, commit, tree git.Hash) (*folder, error) {
	f := &folder{top: d.top, commit: commit, tree: tree, modes: map[string]string{}}
	s := d.source
	entries, err := s.writeFiles(ctx, d.root, commit)
	if err == nil {
		f.missing, err = s.fillSubmodules(ctx, s.origin, d.root, "", entries)
	}
	if err != nil {
		return nil, fmt.Errorf("checking out commit %.12s: %w", commit, err)
	}
	for _, e := range entries {
		f.modes[e.path] = e.mode
	}
	if f.waysBack, err = s.furnish(ctx, d.root, entries); err != nil {
		return nil, fmt.Errorf("making the checkout of commit %.12s ready: %w", commit, err)
	}
	return f, nil
}

// writeFiles checks a commit out into a new repository and lists its files. It
// looks for missing ones, because git can leave files out and exit with 0.
func (s *Source) writeFiles(ctx context.Context, root *os.Root, commit git.Hash) ([]entry, error) {
	// So git checkout finds no other commit to switch from.
	if err := root.WriteFile(".git/HEAD", []byte(commit+"\n"), 0o666); err != nil {
		return nil, s.mended(err)
	}
	if _, err := s.git(ctx, root.Name(), "checkout", "--quiet", "--detach", string(commit)); err != nil {
		return nil, s.mended(err)
	}
	out, err := s.git(ctx, root.Name(), "ls-files", "--stage", "--deleted", "-t", "-z")
	if err != nil {
		return nil, err
	}
	entries, deleted, err := parseFiles(string(out))
	if err != nil {
		return nil, err
	}
	if len(deleted) > 0 {
		return nil, s.mended(fmt.Errorf("git left out %s (git checkout %.12s in a clone says why)", some(deleted), commit))
	}
	return entries, nil
}

// parseFiles reads "H MODE BLOB STAGE\tPATH" for each file, and the same with
// an R for those that are not there.
func parseFiles(list string) (entries []entry, deleted []string, err error) {
	for record := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		if record == "" {
			continue
		}
		facts, name, _ := strings.Cut(record, "\t")
		words := strings.Fields(facts)
		if len(words) != 4 {
			return nil, nil, fmt.Errorf("git ls-files answered %q", record)
		}
		if words[0] == "R" {
			deleted = append(deleted, name)
			continue
		}
		entries = append(entries, entry{path: name, mode: words[1], blob: git.Hash(words[2])})
	}
	return entries, deleted, nil
}

// modes returns the modes of a commit's files, by path.
func (s *Source) modes(ctx context.Context, dir string, commit git.Hash) (map[string]string, error) {
	out, err := s.git(ctx, dir, "ls-tree", "-r", "-z", "--full-tree", string(commit))
	if err != nil {
		return nil, err
	}
	modes := map[string]string{}
	for record := range strings.SplitSeq(string(out), "\x00") {
		facts, name, _ := strings.Cut(record, "\t")
		mode, _, _ := strings.Cut(facts, " ")
		modes[name] = mode
	}
	return modes, nil
}

// some names the first few of a list.
func some(names []string) string {
	const few = 5
	text := strings.Join(names[:min(len(names), few)], ", ")
	if more := len(names) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// mended adds a mend to an error of writing below the temporary folder.
func (s *Source) mended(err error) error {
	var disk unix.Statfs_t
	const enough = 1 << 20 // bytes
	switch {
	case errors.Is(err, os.ErrPermission), errors.Is(err, unix.EROFS):
		return fmt.Errorf("%w (set TMPDIR to a folder that can be written to)", err)
	case unix.Statfs(s.temp, &disk) != nil:
	case disk.Bavail*uint64(disk.Bsize) < enough, disk.Files > 0 && disk.Ffree == 0:
		return fmt.Errorf("%w (the disk of %s is full: free space, or set TMPDIR to a folder on another one)", err, s.temp)
	}
	return err
}
