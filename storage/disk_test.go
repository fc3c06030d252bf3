package storage

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// disk is a folder in memory that simulates power loss. A power loss may undo all
// changes to a file or to the folder since the last sync of that file or folder.
type disk struct {
	dir string // a real folder, for the files that kernel locks are taken on

	mu       sync.Mutex
	names    map[string]*inode
	kept     map[string]*inode // names at the last sync of the folder
	pending  []func(names map[string]*inode)
	failSync bool           // the next sync of a log fails
	step     func(d *disk)  // called before every operation, with mu held
	done     map[string]int // counts operations by kind
}

type inode struct {
	data    []byte
	kept    []byte
	pending []change // since the last sync
	links   int
}

// change is a write, or a truncation if data is nil.
type change struct {
	at   int64
	data []byte
}

const sector = 512

func newDisk(t testing.TB) *disk {
	return &disk{dir: t.TempDir(), names: map[string]*inode{}, kept: map[string]*inode{}, done: map[string]int{}}
}

// store opens a store on the disk.
func (d *disk) store(opts Options) (*Store, error) {
	return openStore(d.dir, opts, func(string) (folder, error) { return diskView{d}, nil })
}

func (d *disk) before(kind string) {
	d.done[kind]++
	if d.step != nil {
		d.step(d)
	}
}

func (d *disk) listed() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.names)), nil
}

// loss returns the disk after a power loss. Function keep decides for each sector and for
// each change of a name whether it has survived.
func (d *disk) loss(keep func() bool) *disk {
	after := &disk{dir: d.dir, names: map[string]*inode{}, kept: map[string]*inode{}, done: map[string]int{}}
	names := maps.Clone(d.kept)
	for _, change := range d.pending {
		if keep() {
			change(names)
		}
	}
	for name, node := range names {
		data := bytes.Clone(node.kept)
		for _, c := range node.pending {
			data = c.lose(data, keep)
		}
		copied := &inode{data: data, kept: bytes.Clone(data), links: 1}
		after.names[name], after.kept[name] = copied, copied
	}
	return after
}

// lose applies the part of c that survives.
func (c change) lose(data []byte, keep func() bool) []byte {
	if c.data == nil {
		if keep() {
			return resize(data, c.at)
		}
		return data
	}
	for from := int64(0); from < int64(len(c.data)); {
		to := min(int64(len(c.data)), (c.at+from)/sector*sector+sector-c.at)
		if keep() {
			data = write(data, c.at+from, c.data[from:to])
		}
		from = to
	}
	return data
}

func resize(data []byte, size int64) []byte {
	if size <= int64(len(data)) {
		return data[:size]
	}
	return append(data, make([]byte, size-int64(len(data)))...)
}

func write(data []byte, at int64, b []byte) []byte {
	if end := at + int64(len(b)); end > int64(len(data)) {
		data = resize(data, end)
	}
	copy(data[at:], b)
	return data
}

func (d *disk) open1(name string, how access) (*inode, error) {
	node := d.names[name]
	switch {
	case node == nil && (how == reading || how == writing):
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case node == nil:
		node = &inode{links: 1}
		d.rename1(func(names map[string]*inode) { names[name] = node })
	case how == truncating:
		node.data = nil
		node.pending = append(node.pending, change{})
	}
	return node, nil
}

// rename1 changes names. The next sync of the folder makes the change durable.
func (d *disk) rename1(change func(names map[string]*inode)) {
	change(d.names)
	d.pending = append(d.pending, change)
}

// diskHandle is an open file of a disk.
type diskHandle struct {
	*disk
	*inode
	name string
	real *os.File
}

func (d *disk) openFile(name string, how access) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before("open")
	node, err := d.open1(name, how)
	if err != nil {
		return nil, err
	}
	f := &diskHandle{disk: d, inode: node, name: name}
	if name == writeLockName || name == compactLockName || strings.HasSuffix(name, markSuffix) {
		f.real, err = os.OpenFile(filepath.Join(d.dir, name), os.O_RDWR|os.O_CREATE, 0o600)
	}
	return f, err
}

func (f *diskHandle) ReadAt(b []byte, at int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at > int64(len(f.inode.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.inode.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *diskHandle) WriteAt(b []byte, at int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before("write")
	c := change{at, bytes.Clone(b)}
	f.inode.data = write(f.inode.data, at, c.data)
	f.inode.pending = append(f.inode.pending, c)
	return len(b), nil
}

func (f *diskHandle) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before("truncate")
	f.inode.data = resize(f.inode.data, size)
	f.inode.pending = append(f.inode.pending, change{at: size})
	return nil
}

var errDisk = errors.New("input/output error")

func (f *diskHandle) sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before("sync")
	if f.failSync {
		// The kernel does not try to write these changes again. They can be read until
		// the power is lost, and the next sync succeeds.
		f.failSync = false
		f.inode.pending = nil
		return errDisk
	}
	for _, c := range f.inode.pending {
		f.inode.kept = c.lose(f.inode.kept, func() bool { return true })
	}
	f.inode.pending = nil
	return nil
}

func (f *diskHandle) stat() (size int64, named bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(len(f.inode.data)), f.links > 0, nil
}

func (f *diskHandle) Close() error {
	if f.real != nil {
		return f.real.Close()
	}
	return nil
}

func (f *diskHandle) lock(how int) error { return kernelLock(f.real, how) }

func (f *diskHandle) identity() (os.FileInfo, error) { return f.real.Stat() }

func (f *diskHandle) waker() (*futexWaker, error) { return newFutexWaker(f.real) }

// diskView is the disk as a folder. It is another type because folder and file have
// methods of the same name.
type diskView struct{ *disk }

func (v diskView) names() ([]string, error)                   { return v.listed() }
func (v diskView) open(name string, how access) (file, error) { return v.openFile(name, how) }
func (v diskView) narrow() error                              { return nil }
func (v diskView) close() error                               { return nil }

func (v diskView) rename(from, to string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.before("rename")
	node := v.disk.names[from]
	if node == nil {
		return fs.ErrNotExist
	}
	if old := v.disk.names[to]; old != nil {
		old.links--
	}
	v.rename1(func(names map[string]*inode) {
		delete(names, from)
		names[to] = node
	})
	return nil
}

func (v diskView) remove(name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.before("remove")
	node := v.disk.names[name]
	if node == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	node.links--
	v.rename1(func(names map[string]*inode) { delete(names, name) })
	return nil
}

func (v diskView) sync() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.before("sync folder")
	for _, change := range v.pending {
		change(v.kept)
	}
	v.pending = nil
	return nil
}

// coin returns true with a probability of one half.
func coin(r *rand.Rand) func() bool { return func() bool { return r.IntN(2) == 0 } }
