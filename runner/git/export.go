package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"golang.org/x/sys/unix"
)

// Export writes a commit's whole tree into dir, which must exist and be
// empty: files as git stores them (no filter is run), with their exec bit,
// symlinks as symlinks, submodules as empty folders. The tree appears as a
// whole or not at all: it grows in a folder beside dir, whose place it then
// takes with dir's mode.
//
// A tree is foreign input: no entry leads out of dir or into a .git folder.
func (r *Repo) Export(ctx context.Context, commit Hash, dir string) error {
	c, err := r.commitAt(commit)
	if err != nil {
		return err
	}
	if err := r.exportInto(ctx, c.Tree, dir); err != nil {
		return fmt.Errorf("exporting %s: %w", commit, err)
	}
	return nil
}

func (r *Repo) exportInto(ctx context.Context, tree Hash, dir string) (err error) {
	dir, err = filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	held, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(held) > 0 {
		return fmt.Errorf("the folder %s isn't empty", dir)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".export-*")
	if err != nil {
		return err
	}
	err = r.export(ctx, tree, temp)
	if err == nil {
		err = os.Chmod(temp, info.Mode().Perm())
	}
	if err == nil {
		err = unix.Rename(temp, dir) // os.Rename wouldn't take an empty folder's place
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	return nil
}

// export fills dir, to which nobody else writes.
func (r *Repo) export(ctx context.Context, tree Hash, dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	p := exportPlan{repo: r, ctx: ctx}
	if err := p.folder(root, ".", tree); err != nil {
		return err
	}
	batches, err := p.batches()
	if err != nil {
		return err
	}
	work := exportWork{repo: r, root: root, batches: batches}
	if err := work.run(ctx); err != nil {
		return err
	}
	if n := work.wrote.Load(); n != int64(len(p.leaves)) {
		return fmt.Errorf("only %d of %d files were written", n, len(p.leaves))
	}
	return nil
}

// exportWork is what the workers of an export share.
type exportWork struct {
	repo    *Repo
	root    *os.Root
	batches [][]leaf
	next    atomic.Int64 // the batch to begin with
	wrote   atomic.Int64 // leaves
}

// run writes all batches; the first error ends it.
func (e *exportWork) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var workers sync.WaitGroup
	for range min(exportWorkers(), len(e.batches)) {
		workers.Go(func() {
			if err := e.work(ctx); err != nil {
				stop(err)
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

// work writes batches until there are none left.
func (e *exportWork) work(ctx context.Context) (err error) {
	from, err := e.repo.openObjects(ctx)
	if err != nil {
		return err
	}
	w := exporter{root: e.root, from: from, folders: make(map[string]*os.File)}
	defer func() { err = errors.Join(err, w.leave(), from.Close()) }()
	for i := e.next.Add(1); i <= int64(len(e.batches)); i = e.next.Add(1) {
		for _, l := range e.batches[i-1] {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := w.leaf(l); err != nil {
				return err
			}
		}
		e.wrote.Add(int64(len(e.batches[i-1])))
	}
	return nil
}

// exportWorkers gives how many files are written at once: creating them is
// most of the work, which more than a few only get into each other's way with.
func exportWorkers() int { return min(4, max(2, runtime.GOMAXPROCS(0))) }

// exporter writes files, and holds the folders of the last ones open.
type exporter struct {
	root    *os.Root
	from    objects
	folders map[string]*os.File
}

// maxOpen is how many folders an exporter holds open: enough for files that
// stand in a pack in another order than in the tree.
const maxOpen = 64

// enter gives the open folder that leaves are created in.
func (w *exporter) enter(dir string) (*os.File, error) {
	if f := w.folders[dir]; f != nil {
		return f, nil
	}
	if len(w.folders) == maxOpen {
		if err := w.leave(); err != nil {
			return nil, err
		}
	}
	f, err := w.root.Open(dir)
	if err == nil {
		w.folders[dir] = f
	}
	return f, err
}

// leave closes the folders.
func (w *exporter) leave() error {
	var errs []error
	for _, f := range w.folders {
		errs = append(errs, f.Close())
	}
	clear(w.folders)
	return errors.Join(errs...)
}

// leaf creates a file or symlink, which must not exist yet.
func (w *exporter) leaf(l leaf) error {
	folder, err := w.enter(l.dir)
	if err != nil {
		return err
	}
	if l.mode == filemode.Symlink {
		err = w.symlink(folder, l)
	} else {
		err = w.file(folder, l)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Join(l.dir, l.name), err)
	}
	return nil
}

func (w *exporter) symlink(folder *os.File, l leaf) error {
	target, err := readKind(w.from, plumbing.BlobObject, l.id)
	if err != nil {
		return err
	}
	return retry(func() error { return unix.Symlinkat(string(target), int(folder.Fd()), l.name) })
}

func (w *exporter) file(folder *os.File, l leaf) error {
	perm := uint32(0o666)
	if l.mode == filemode.Executable {
		perm = 0o777
	}
	f, err := create(folder, l.name, perm)
	if err != nil {
		return err
	}
	_, err = copyBlob(w.from, f, l.id)
	return errors.Join(err, f.Close())
}
