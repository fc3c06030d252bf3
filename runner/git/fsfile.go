package git

import (
	"bytes"
	"io"
	"io/fs"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// fileInfo is the fs.DirEntry and fs.FileInfo of an entry. git keeps no sizes
// in its trees, so the size is read when Info is called.
type fileInfo struct {
	entry
	fs    *treeFS
	size  int64
	sized bool
}

// Info describes the entry in full.
func (i *fileInfo) Info() (fs.FileInfo, error) {
	if i.sized || isFolder(i.mode) {
		return i, nil
	}
	full := *i
	err := i.fs.repo.with(func(o objects) (err error) {
		full.size, err = copyBlob(o, io.Discard, i.id)
		return err
	})
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: i.name, Err: err}
	}
	full.sized = true
	return &full, nil
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) IsDir() bool        { return isFolder(i.mode) }
func (i *fileInfo) Type() fs.FileMode  { return i.Mode().Type() }
func (i *fileInfo) Size() int64        { return i.size }
func (i *fileInfo) ModTime() time.Time { return i.fs.time }
func (i *fileInfo) Sys() any           { return nil }
func (i *fileInfo) String() string     { return fs.FormatFileInfo(i) }

func (i *fileInfo) Mode() fs.FileMode {
	switch i.mode {
	case filemode.Dir, filemode.Submodule:
		return fs.ModeDir | 0o755
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777
	case filemode.Executable:
		return 0o755
	default:
		return 0o644
	}
}

// openFile is an open file. Its content stays valid even when the repository
// is closed.
type openFile struct {
	*bytes.Reader
	info *fileInfo
}

// Stat describes the file.
func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close does nothing.
func (f *openFile) Close() error { return nil }

// openFolder is an open folder.
type openFolder struct {
	info *fileInfo
	path string
	left []fs.DirEntry
}

// Stat describes the folder.
func (f *openFolder) Stat() (fs.FileInfo, error) { return f.info, nil }

// Read fails: a folder has no content.
func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.path, Err: fs.ErrInvalid}
}

// Close does nothing.
func (f *openFolder) Close() error { return nil }

// ReadDir gives the next n entries, or all that are left where n is not
// positive.
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(f.left) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(f.left) {
		n = len(f.left)
	}
	list := f.left[:n:n]
	f.left = f.left[n:]
	return list, nil
}
