package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"chant/runner/git"
)

// Files are some files of a checkout with the content that git gave them. Don't
// call the methods while a command changes the files.
type Files struct {
	root  *os.Root // of the checkout, so that no symlink leads out of it
	files []file
}

// file is what has to be at a path.
type file struct {
	path       string
	absent     bool
	symlink    bool
	executable bool
	data       []byte // of a symlink its target
}

// Files reads files of the checkout, after it has put back those that have
// changed. Paths are from the top of the checkout. Of a path that the commit
// does not have, the file has to be absent; submodules are left out.
//
// It runs git in the checkout, so call it before any command that is not trusted
// runs there. Close the result.
func (c *Checkout) Files(ctx context.Context, paths []string) (*Files, error) {
	f, err := c.readFiles(ctx, paths)
	if err != nil {
		return nil, fmt.Errorf("reading files of commit %.12s: %w", c.folder.commit, err)
	}
	return f, nil
}

func (c *Checkout) readFiles(ctx context.Context, paths []string) (_ *Files, err error) {
	root, err := os.OpenRoot(c.folder.top)
	if err != nil {
		return nil, err
	}
	f := &Files{root: root}
	defer func() {
		if err != nil {
			root.Close()
		}
	}()
	var present []string
	for _, at := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		switch c.folder.modes[at] {
		case "":
			f.files = append(f.files, file{path: at, absent: true})
		case modeSubmodule:
		default:
			present = append(present, at)
		}
	}
	if len(present) > 0 {
		if err := c.checkOut(ctx, present); err != nil {
			return nil, err
		}
	}
	for _, at := range present {
		one, err := f.read(at)
		if err != nil {
			return nil, err
		}
		f.files = append(f.files, one)
	}
	return f, nil
}

// checkOut puts files back as they are in the commit.
func (c *Checkout) checkOut(ctx context.Context, paths []string) error {
	_, err := c.source.repo.Run(ctx, git.Call{
		Args:  []string{"checkout", "--quiet", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", string(c.folder.commit)},
		Dir:   c.folder.top,
		Stdin: strings.NewReader(strings.Join(paths, "\x00")),
		Env:   []string{lazyFetch, literally},
	})
	return err
}

// literally keeps git from reading paths as patterns.
const literally = "GIT_LITERAL_PATHSPECS=1"

// Close ends the use of the files. It leaves them as they are.
func (f *Files) Close() error { return f.root.Close() }

// Restore puts every file back that is not as it has to be.
func (f *Files) Restore() error {
	for _, one := range f.files {
		if f.holds(one) {
			continue
		}
		if err := f.put(one); err != nil {
			return fmt.Errorf("putting %s back: %w", one.path, err)
		}
	}
	return nil
}

// Changed returns the paths of files that are not as they have to be, or that
// can't be read.
func (f *Files) Changed() []string {
	var paths []string
	for _, one := range f.files {
		if !f.holds(one) {
			paths = append(paths, one.path)
		}
	}
	return paths
}

// read reads a file that git has just written.
func (f *Files) read(at string) (file, error) {
	info, err := f.root.Lstat(at)
	if err != nil {
		return file{}, err
	}
	one := file{path: at, symlink: info.Mode().Type() == fs.ModeSymlink, executable: info.Mode()&0o100 != 0}
	if one.symlink {
		target, err := f.root.Readlink(at)
		one.data = []byte(target)
		return one, err
	}
	one.data, err = f.root.ReadFile(at)
	return one, err
}

// holds tells whether a file is as it has to be. What can't be read is not.
func (f *Files) holds(one file) bool {
	info, err := f.look(one.path)
	if one.absent {
		return err == nil && (info == nil || info.IsDir())
	}
	if err != nil || info == nil {
		return false
	}
	if one.symlink {
		target, err := f.root.Readlink(one.path)
		return err == nil && target == string(one.data)
	}
	executable := info.Mode()&0o100 != 0
	if !info.Mode().IsRegular() || executable != one.executable || info.Size() != int64(len(one.data)) {
		return false
	}
	return f.reads(one.path, one.data)
}

// reads tells whether a file holds data and nothing more. It takes half of the
// system calls of os.Root's ReadFile, which are a good part of what a short check
// takes: O_NONBLOCK keeps package os from trying whether the file can be polled.
func (f *Files) reads(at string, data []byte) bool {
	r, err := f.root.OpenFile(at, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer r.Close()
	got := make([]byte, len(data)+1)
	n, err := io.ReadFull(r, got)
	return bytes.Equal(got[:n], data) && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF))
}

// look returns what is at a path, nil where nothing is. What lies behind a
// symlink is somewhere else.
func (f *Files) look(at string) (fs.FileInfo, error) {
	for i, c := range at {
		if c != '/' {
			continue
		}
		info, err := f.root.Lstat(at[:i])
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	info, err := f.root.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}

// put writes one file, or removes it, with whatever is in its way.
func (f *Files) put(one file) error {
	if one.absent {
		return f.root.RemoveAll(one.path)
	}
	if err := f.makeFolder(path.Dir(one.path)); err != nil {
		return err
	}
	if err := f.root.RemoveAll(one.path); err != nil {
		return err
	}
	if one.symlink {
		return f.root.Symlink(string(one.data), one.path)
	}
	perm := fs.FileMode(0o666)
	if one.executable {
		perm = 0o777
	}
	w, err := f.root.OpenFile(one.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = w.Write(one.data)
	return errors.Join(err, w.Close())
}

// makeFolder makes a folder; a file or a symlink in its place, or in that of one
// above it, is removed.
func (f *Files) makeFolder(dir string) error {
	if dir == "." {
		return nil
	}
	if err := f.makeFolder(path.Dir(dir)); err != nil {
		return err
	}
	info, err := f.root.Lstat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		if err := f.root.Remove(dir); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return f.root.Mkdir(dir, 0o777)
}
