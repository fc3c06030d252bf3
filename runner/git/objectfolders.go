package git

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
)

// objectFolders finds a repository's objects: in the packs and loose files of
// its own object folder and of those that it borrows from
// (gitrepository-layout(5)). Goroutines may share it.
//
// go-git's own storage isn't used for this: it reads the indexes of all packs
// for the first object of any, each time anew for what lies in an alternate;
// follows no relative alternates; and refuses the packs that git named before
// version 1.9, not by their checksum.
type objectFolders struct {
	mu     sync.Mutex
	dirs   []string        // the own one, then those that it borrows from
	known  map[string]bool // the index files that were seen
	unread []string        // those that weren't needed yet
	packs  []*pack         // the one where the last object was found is the first
	closed bool
}

// location is where an object lies; a nil pack stands for a loose file.
type location struct {
	pack   *pack
	offset int64
	file   string
}

// findObjects opens no pack: not every use of a repository needs one.
func findObjects(common string) (*objectFolders, error) {
	own, err := filepath.EvalSymlinks(filepath.Join(common, "objects"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRepository, err)
	}
	return &objectFolders{dirs: []string{own}, known: make(map[string]bool)}, nil
}

// Close closes the packs.
func (f *objectFolders) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, p := range f.packs {
		errs = append(errs, p.Close())
	}
	f.packs, f.closed = nil, true
	return errors.Join(errs...)
}

// find tells where an object lies; errNoObject where it lies nowhere. What
// isn't there may be in a pack that another git wrote meanwhile, and that one
// may be replaced before it is opened.
func (f *objectFolders) find(id Hash) (location, error) {
	if len(id) != 2*sha1Size || !id.valid() {
		return location{}, errNoObject
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return location{}, fs.ErrClosed
	}
	for range 5 {
		at, err := f.search(id)
		if !errors.Is(err, errNoObject) {
			return at, err
		}
		more, err := f.list()
		if err != nil {
			return location{}, err
		}
		if !more {
			break
		}
	}
	return location{}, f.missing()
}

// missing gives errNoObject, unless the index of a pack is damaged, which may
// be why the object wasn't found.
func (f *objectFolders) missing() error {
	for _, p := range f.packs {
		if p.sound {
			continue
		}
		if err := p.index.verify(); err != nil {
			return err
		}
		p.sound = true
	}
	return errNoObject
}

// search looks where it is cheap first: a small index is read as a whole.
func (f *objectFolders) search(id Hash) (location, error) {
	for i, p := range f.packs {
		at, err := p.find(id)
		if err == nil {
			f.packs[0], f.packs[i] = p, f.packs[0]
		}
		if !errors.Is(err, errNoObject) {
			return at, err
		}
	}
	for _, dir := range f.dirs {
		file := filepath.Join(dir, string(id[:2]), string(id[2:]))
		if exists(file) {
			return location{file: file}, nil
		}
	}
	for len(f.unread) > 0 {
		p, err := openPack(f.unread[0])
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return location{}, err
		}
		name := f.unread[0]
		f.unread = f.unread[1:]
		if err != nil { // another git removed it just now
			delete(f.known, name)
			continue
		}
		f.packs = append(f.packs, p)
		if at, err := p.find(id); !errors.Is(err, errNoObject) {
			return at, err
		}
	}
	return location{}, errNoObject
}

// list looks for folders and packs that aren't known yet, and tells whether
// there are any. As in git, the youngest pack is looked into first.
func (f *objectFolders) list() (more bool, err error) {
	dirs, err := objectDirs(f.dirs[0])
	if err != nil {
		return false, fmt.Errorf("reading alternates: %w", err)
	}
	more = len(dirs) > len(f.dirs)
	f.dirs = dirs
	var found []unreadPack
	for _, dir := range dirs {
		in, err := unreadPacks(filepath.Join(dir, "pack"))
		if err != nil {
			return false, err
		}
		found = append(found, in...)
	}
	slices.SortStableFunc(found, func(a, b unreadPack) int { return b.written.Compare(a.written) })
	for _, p := range found {
		if f.known[p.name] {
			continue
		}
		f.known[p.name] = true
		f.unread = append(f.unread, p.name)
		more = true
	}
	return more, nil
}
