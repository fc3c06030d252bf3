package checkout

import (
	"context"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"

	"chant/runner/git"
)

// git runs git in a folder; "" is the top of the user's work tree. In the checkout
// of a partial clone it fetches what is lacking.
func (s *Source) git(ctx context.Context, dir string, stdin io.Reader, args ...string) ([]byte, error) {
	c := git.Call{Args: args, Dir: dir, Stdin: stdin}
	if dir != "" {
		c.Wrap = s.opts.Wrap // the user's filters may run programs of the checkout
	}
	return s.repo.Run(ctx, c)
}

// fill writes the files of the commit, and what commands need beside them, as soon
// as there may be one more folder.
func (s *Source) fill(ctx context.Context, f *folder) error {
	select {
	case s.slots <- struct{}{}:
		f.counted = true
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	d := f.draft
	var err error
	if d.temp == "" {
		err = d.create()
	}
	if err == nil {
		f.files, err = s.writeFiles(ctx, d.top, f.commit)
	}
	if err == nil {
		f.missing, err = s.fillSubmodules(ctx, s.origin, d.top, "", f.files)
	}
	if err == nil {
		f.waysBack, err = s.furnish(ctx, d.top, f.commit, f.files)
	}
	if err != nil {
		return fmt.Errorf("checking out commit %.12s: %w", f.commit, err)
	}
	return nil
}

// writeFiles checks a commit out into a new repository and lists its files. It
// looks for missing ones, because git can leave files out and exit with 0.
func (s *Source) writeFiles(ctx context.Context, dir string, commit git.Hash) ([]git.Content, error) {
	if _, err := s.git(ctx, dir, nil, "checkout", "--quiet", "--detach", string(commit)); err != nil {
		return nil, err
	}
	out, err := s.git(ctx, dir, nil, "ls-files", "--stage", "--deleted", "-t", "-z")
	if err != nil {
		return nil, err
	}
	files, deleted, err := parseFiles(string(out))
	if err == nil && len(deleted) > 0 {
		err = fmt.Errorf("git left out %q (git checkout %.12s in a clone says why)", deleted[:min(len(deleted), 5)], commit)
	}
	return files, err
}

// parseFiles reads "H MODE BLOB STAGE\tPATH" for each file, and the same with
// an R for those that are not there.
func parseFiles(list string) (files []git.Content, deleted []string, err error) {
	for list != "" {
		var record string
		record, list, _ = strings.Cut(list, "\x00")
		facts, name, _ := strings.Cut(record, "\t")
		words := strings.Fields(facts)
		switch {
		case len(words) != 4:
			return nil, nil, fmt.Errorf("git ls-files answered %q", record)
		case words[0] == "R":
			deleted = append(deleted, name)
		default:
			files = append(files, git.Content{Path: name, Mode: words[1], Hash: git.Hash(words[2])})
		}
	}
	return files, deleted, nil
}

// mended adds a mend to an error, if the disk of the temporary folder is full.
func (s *Source) mended(err error) error {
	const enough = 1 << 20 // bytes
	var disk unix.Statfs_t
	if err == nil || unix.Statfs(s.opts.Temp, &disk) != nil {
		return err
	}
	if disk.Bavail*uint64(disk.Bsize) >= enough && (disk.Ffree > 0 || disk.Files == 0) {
		return err
	}
	return fmt.Errorf("%w (the disk of %s is full: free space, or set TMPDIR to a folder on another one)", err, s.opts.Temp)
}
