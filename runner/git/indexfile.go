package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"chant/runner/git/index"
)

// indexFile is the index as it was read.
type indexFile struct {
	path  string // behind any symlink
	data  []byte
	stamp stamp // zero where there is no index file
	file  *index.File
	err   error // why data can't be parsed
}

// stamp is what changes when a file does.
type stamp struct {
	dev, ino     uint64
	mode         uint32
	size         int64
	mtime, ctime unix.Timespec
}

func stampOf(st *unix.Stat_t) stamp {
	return stamp{
		//nolint:unconvert // the types differ between systems
		dev: uint64(st.Dev), ino: uint64(st.Ino), mode: uint32(st.Mode), size: st.Size, mtime: st.Mtim, ctime: st.Ctim,
	}
}

// readIndexFile reads the index; one that can't be parsed is no error yet.
func (r *Repo) readIndexFile() (indexFile, error) {
	x := indexFile{path: filepath.Join(r.gitDir, "index")}
	if target, err := filepath.EvalSymlinks(x.path); err == nil {
		x.path = target
	}
	f, err := os.Open(x.path)
	if errors.Is(err, fs.ErrNotExist) {
		x.file = index.Empty()
		return x, nil
	}
	if err != nil {
		return x, fmt.Errorf("reading the index: %w", err)
	}
	var st unix.Stat_t
	err = unix.Fstat(int(f.Fd()), &st)
	if err == nil {
		x.stamp = stampOf(&st)
		x.data = make([]byte, st.Size)
		_, err = io.ReadFull(f, x.data)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return x, fmt.Errorf("reading the index: %w", err)
	}
	x.file, x.err = index.Parse(x.data)
	return x, nil
}

// written gives the time at which the index file was written.
func (x indexFile) written() time.Time { return time.Unix(x.stamp.mtime.Unix()) }

// tailSize is the length of the checksum that ends an index.
const tailSize = 20

// current tells whether the index file is still the one that was read.
func (x indexFile) current() (bool, error) {
	f, err := os.Open(x.path)
	if errors.Is(err, fs.ErrNotExist) {
		return x.data == nil, nil
	}
	if err != nil {
		return false, err
	}
	var st unix.Stat_t
	err = unix.Fstat(int(f.Fd()), &st)
	same := err == nil && x.data != nil && stampOf(&st) == x.stamp
	if same {
		tail := make([]byte, min(tailSize, len(x.data)))
		_, err = f.ReadAt(tail, int64(len(x.data)-len(tail)))
		same = bytes.HasSuffix(x.data, tail)
	}
	return same, errors.Join(err, f.Close())
}
