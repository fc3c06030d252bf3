package prove

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"chant/runner/git"
)

// A layout is a tree to run checks in: a commit to export, with the tree that
// it has, and what it is to hold in the end.
type layout struct {
	commit    git.Hash
	committed tree
	tree      tree
	id        git.Hash
	folder    string // of its place: equal trees share one
}

func newLayout(commit git.Hash, committed, t tree) layout {
	id := t.id()
	return layout{commit: commit, committed: committed, tree: t, id: id, folder: string(id)}
}

// apart gives the same tree with a place of its own.
func (l layout) apart(name string) layout {
	l.folder = name + "-" + l.folder
	return l
}

// place is a layout on the disk.
type place struct {
	dir     string
	tree    git.Hash
	root    *os.Root // of dir: what a check makes of it leads nothing of ours out of it
	test    func(path string) bool
	guarded []guarded
}

// guarded is a file that every run has to begin with.
type guarded struct {
	path string
	entry
}

// newPlace exports l into dir, which must be empty. The files at the paths of
// guard are put back before every run; those for which test is true must be
// the same after it.
func newPlace(ctx context.Context, repo Repository, dir string, l layout, guard []string, test func(string) bool) (p *place, err error) {
	if err := repo.Export(ctx, l.commit, dir); err != nil {
		return nil, fmt.Errorf("exporting commit %.12s: %w", l.commit, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	p = &place{dir: dir, tree: l.id, root: root, test: test}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("laying files over commit %.12s: %w", l.commit, err), root.Close())
		}
	}()
	load := func(at string) (_ guarded, err error) {
		e := l.tree[at]
		if e.exists() && e.from != "" && e.mode != modeSubmodule {
			e.data, err = repo.ReadFile(e.from, at)
		}
		return guarded{at, e}, err
	}
	differing := changedPaths(l.committed, l.tree, everywhere)
	for _, gone := range []bool{true, false} { // first what goes, lest it stand in the way
		for _, at := range differing {
			if l.tree[at].exists() == gone {
				continue
			}
			g, err := load(at)
			if err != nil {
				return nil, err
			}
			if err := p.put(g); err != nil {
				return nil, err
			}
		}
	}
	for _, at := range guard {
		g, err := load(at)
		if err != nil {
			return nil, err
		}
		p.guarded = append(p.guarded, g)
	}
	return p, nil
}

func (p *place) close() error { return p.root.Close() }

// restore puts every guarded file back that is not as it has to be.
func (p *place) restore() error {
	for _, g := range p.guarded {
		if p.holds(g) {
			continue
		}
		if err := p.put(g); err != nil {
			return fmt.Errorf("putting %s back: %w", g.path, err)
		}
	}
	return nil
}

// tampered gives the first test file that is not as it has to be; "" where all
// are.
func (p *place) tampered() string {
	for _, g := range p.guarded {
		if p.test(g.path) && !p.holds(g) {
			return g.path
		}
	}
	return ""
}

// holds tells whether the file is as it has to be. What can't be read is not.
func (p *place) holds(g guarded) bool {
	if g.mode == modeSubmodule {
		return true // an empty folder, whatever is made of it
	}
	info, err := p.look(g.path)
	if !g.exists() {
		return err == nil && (info == nil || info.IsDir())
	}
	if err != nil || info == nil {
		return false
	}
	if g.mode == modeSymlink {
		target, err := p.root.Readlink(g.path)
		return err == nil && target == string(g.data)
	}
	executable := info.Mode()&0o100 != 0
	if !info.Mode().IsRegular() || executable != (g.mode == modeExecutable) || info.Size() != int64(len(g.data)) {
		return false
	}
	return p.reads(g.path, g.data)
}

// reads tells whether a file holds data and nothing more. It takes half of the
// system calls of os.Root's ReadFile, which are a good part of what a short check
// takes: O_NONBLOCK keeps package os from trying whether the file can be polled.
func (p *place) reads(at string, data []byte) bool {
	f, err := p.root.OpenFile(at, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	got := make([]byte, len(data)+1)
	n, err := io.ReadFull(f, got)
	return bytes.Equal(got[:n], data) && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF))
}

// look gives what is at a path, nil where nothing is. What lies behind a symlink
// is somewhere else.
func (p *place) look(at string) (fs.FileInfo, error) {
	for i, c := range at {
		if c != '/' {
			continue
		}
		info, err := p.root.Lstat(at[:i])
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	info, err := p.root.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}

// put writes one file, or removes what is there, with whatever is in its way.
func (p *place) put(g guarded) error {
	if g.exists() {
		if err := p.folder(path.Dir(g.path)); err != nil {
			return err
		}
	}
	there, err := p.look(g.path)
	if err != nil {
		return err
	}
	if there != nil {
		if err := p.root.RemoveAll(g.path); err != nil {
			return err
		}
	}
	if !g.exists() {
		return nil
	}
	switch g.mode {
	case modeSubmodule:
		return p.root.Mkdir(g.path, 0o777)
	case modeSymlink:
		return p.root.Symlink(string(g.data), g.path)
	case modeExecutable:
		return p.write(g, 0o777)
	}
	return p.write(g, 0o666)
}

func (p *place) write(g guarded, perm fs.FileMode) error {
	f, err := p.root.OpenFile(g.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(g.data)
	return errors.Join(err, f.Close())
}

// folder makes a folder; a file or a symlink that stands for it, or for one
// above it, goes.
func (p *place) folder(dir string) error {
	if dir == "." {
		return nil
	}
	if err := p.folder(path.Dir(dir)); err != nil {
		return err
	}
	info, err := p.root.Lstat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		if err := p.root.Remove(dir); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return p.root.Mkdir(dir, 0o777)
}

// link gives the place symlinks to what the work tree at root has at paths and
// the place has not, such as installed dependencies.
func (p *place) link(root string, paths []string) error {
	for _, at := range paths {
		from := filepath.Join(root, filepath.FromSlash(at))
		if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if there, err := p.look(at); err != nil || there != nil {
			if err != nil {
				return fmt.Errorf("linking %s: %w", at, err)
			}
			continue
		}
		if err := p.folder(path.Dir(at)); err != nil {
			return fmt.Errorf("linking %s: %w", at, err)
		}
		if err := p.root.Symlink(from, at); err != nil {
			return fmt.Errorf("linking %s: %w", at, err)
		}
	}
	return nil
}
