package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// indexEntry is one record of git ls-files -s -v.
type indexEntry struct {
	tag  string // "S" and "s" mark skip-worktree, small letters assume-unchanged
	info string // mode, hash and stage, as git update-index --index-info reads them
	path string
}

func (e indexEntry) submodule() bool { return strings.HasPrefix(e.info, "160000 ") }

// tracked lists what the index has at the paths, above and below them. No
// paths list nothing, but show whether git can read the index.
func (r *Repo) tracked(ctx context.Context, paths []string) ([]indexEntry, error) {
	if err := r.checkIndex(); err != nil {
		return nil, err
	}
	specs := []string{exactly(".git")} // which no index has: no pathspec at all would mean everything
	above := make(map[string]bool)
	for _, p := range paths {
		specs = append(specs, literally(p))
		for dir := range folders(p) {
			if !above[dir] {
				above[dir] = true
				specs = append(specs, exactly(dir))
			}
		}
	}
	entries, err := r.lsFiles(ctx, specs, nil)
	if failed, ok := errors.AsType[*CommandError](err); ok && failed.Code == fatal {
		err = r.damagedIndex(err)
	}
	return entries, err
}

// lsFiles lists what an index has at the pathspecs, of which a part at a time
// fits on a command line.
func (r *Repo) lsFiles(ctx context.Context, specs, env []string) (entries []indexEntry, err error) {
	defer wrap(&err, "reading the index")
	for batch := range slices.Chunk(specs, 128) {
		out, err := r.git(ctx, call{args: append([]string{"ls-files", "-s", "-v", "-z", "--"}, batch...), env: env})
		if err != nil {
			return nil, err
		}
		for record := range strings.SplitSeq(string(out), "\x00") {
			head, name, _ := strings.Cut(record, "\t")
			if tag, info, ok := strings.Cut(head, " "); ok {
				entries = append(entries, indexEntry{tag: tag, info: info, path: name})
			}
		}
	}
	return entries, nil
}

func (r *Repo) damagedIndex(err error) error {
	return fmt.Errorf("%w: %s (move it away, then run git reset): %w", errDamagedIndex, filepath.Join(r.gitDir, "index"), err)
}

// checkIndex compares the index file with the checksum at its end, which git
// itself does in git fsck only.
func (r *Repo) checkIndex() error {
	f, err := r.format()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(r.gitDir, "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the index: %w", err)
	}
	h := newHash(f.digits)
	end := len(data) - h.Size()
	if end < 0 {
		return r.damagedIndex(io.ErrUnexpectedEOF)
	}
	h.Write(data[:end])
	if sum := data[end:]; !bytes.Equal(sum, h.Sum(nil)) && !bytes.Equal(sum, make([]byte, h.Size())) { // see index.skipHash
		return r.damagedIndex(errors.New("its checksum is wrong"))
	}
	return nil
}

// fileStat identifies a state of a file.
type fileStat struct {
	modified, changed unix.Timespec
	size              int64
	inode             uint64
}

// statOf returns the state of a file; zero where there is none.
func statOf(name string) fileStat {
	var st unix.Stat_t
	if unix.Stat(name, &st) != nil {
		return fileStat{}
	}
	return fileStat{st.Mtim, st.Ctim, st.Size, st.Ino}
}
