package git

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"chant/runner/git/index"
)

// transaction puts a prepared commit into the repository. Until its last two
// renames nothing of it shows; a kill between them leaves the paths staged.
type transaction struct {
	repo     *Repo
	session  *session
	settings settings
	looked   time.Time // before the files were read
	files    []file
	objects  []newObject // trees and the commit
	next     Hash

	disk    *disk
	pending []string // our pending files
	index   lockFile
	ref     lockFile
}

// run does all of it. The error is a LockedError or errChanged where another
// writer was in the way, and then nothing has changed but for objects that
// nothing leads to.
func (t *transaction) run() (err error) {
	t.disk = &disk{sharing: t.settings.sharing, durability: t.settings.durability, folders: make(map[string]bool)}
	leave, err := t.repo.enter(t.disk)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave()) }()
	t.repo.at("entered")
	if err := t.confirm(); err != nil {
		return err
	}
	if err := t.writeObjects(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.end()) }()
	if err := t.lock(); err != nil {
		return err
	}
	if err := t.log(); err != nil {
		return err
	}
	return t.publish()
}

// confirm makes sure that HEAD and the index are still those of the session, and
// that nobody is about to make HEAD another branch.
func (t *transaction) confirm() error {
	if lock := t.repo.refLock("HEAD"); t.session.head.Ref != "HEAD" && exists(lock) { // else it is our own
		return &LockedError{Path: lock, Err: fs.ErrExist}
	}
	same, err := t.session.index.current()
	if err != nil {
		return err
	}
	symrefs, head, err := t.repo.followHead()
	if err != nil {
		return err
	}
	if !same || head != t.session.head || !slices.Equal(symrefs, t.session.symrefs) {
		return errChanged
	}
	return nil
}

func (t *transaction) writeObjects() error {
	for _, f := range t.files {
		if f.mode == 0 || f.same {
			continue
		}
		if err := t.repo.writeObject(t.disk, f.object(t.repo.top)); err != nil {
			return err
		}
		t.repo.at("blob")
	}
	for _, o := range t.objects {
		if err := t.repo.writeObject(t.disk, o); err != nil {
			return err
		}
		t.repo.at(o.kind.String())
	}
	err := t.disk.settle()
	t.repo.at("objects settled")
	return err
}

// lock writes the new content of index and ref into pending files and takes
// git's locks with them.
func (t *transaction) lock() error {
	if err := t.lockIndex(); err != nil {
		return err
	}
	if err := t.lockRef(); err != nil {
		return err
	}
	return t.confirm()
}

// lockIndex leaves an index alone that has what the commit has already: to
// write it anew would only take away git's doubts; see index.EditOptions.
func (t *transaction) lockIndex() error {
	s := t.session
	changes := make([]index.Change, len(t.files))
	for i, f := range t.files {
		changes[i] = f.indexChange()
	}
	data, err := s.index.file.Edit(changes, index.EditOptions{
		Written: s.index.written(), Looked: t.looked, Unchanged: t.unchanged,
	})
	if err != nil {
		return err
	}
	if bytes.Equal(data, s.index.data) {
		return nil
	}
	perm := fs.FileMode(s.index.stamp.mode).Perm()
	if s.index.data == nil {
		perm = 0
	}
	name, err := t.prepare(data, t.settings.durability.index, perm)
	if err != nil {
		return err
	}
	t.repo.at("index pending")
	t.index.target = s.index.path
	if err := t.index.take(t.disk, name); err != nil {
		return err
	}
	t.repo.at("index locked")
	return nil
}

func (t *transaction) lockRef() error {
	name, err := t.prepare([]byte(string(t.next)+"\n"), t.settings.refs, 0)
	if err != nil {
		return err
	}
	t.repo.at("ref pending")
	t.ref.target = t.repo.refFile(t.session.head.Ref)
	if err := t.ref.take(t.disk, name); err != nil {
		return err
	}
	t.repo.at("ref locked")
	return removeEmptyFolders(t.ref.target)
}

// prepare writes a pending file. Its permissions are those that any new file
// gets unless perm has others.
func (t *transaction) prepare(data []byte, sync bool, perm fs.FileMode) (name string, err error) {
	f, err := t.disk.createNew(t.repo.ownDir(), pendingPrefix, 0o666)
	if err != nil {
		return "", err
	}
	t.pending = append(t.pending, f.Name())
	_, err = f.Write(data)
	if err == nil && perm != 0 {
		err = f.Chmod(perm)
	}
	if err == nil && sync {
		err = t.disk.syncFile(f)
	}
	return f.Name(), errors.Join(err, f.Close())
}

// log writes the reflogs of the ref and of those that lead to it.
func (t *transaction) log() error {
	s := t.session
	reason, _, _ := strings.Cut(s.message, "\n")
	if s.parent == nil {
		reason = "commit (initial): " + reason
	} else {
		reason = "commit: " + reason
	}
	line := reflogLine(s.head.Commit, t.next, identLine(s.ids.committer), reason)
	for _, ref := range append(slices.Clone(s.symrefs), s.head.Ref) {
		if err := t.repo.appendReflog(t.disk, t.settings.reflogs, ref, line); err != nil {
			return err
		}
		t.repo.at("logged " + ref)
	}
	return nil
}

// publish makes the commit visible.
func (t *transaction) publish() error {
	if t.index.held {
		if err := t.index.publish(); err != nil {
			return err
		}
		t.repo.at("index published")
	}
	if err := t.ref.publish(); err != nil {
		return err
	}
	t.repo.at("ref published")
	if t.settings.durability.index {
		t.disk.folders[filepath.Dir(t.session.index.path)] = true
	}
	if t.settings.refs {
		t.disk.folders[filepath.Dir(t.ref.target)] = true
	}
	return t.disk.settle()
}

// end removes what is left of locks and pending files, the locks first.
func (t *transaction) end() error {
	errs := []error{t.ref.release(), t.index.release()}
	for _, name := range t.pending {
		t.repo.at("removing a pending file")
		errs = append(errs, os.Remove(name))
	}
	return errors.Join(errs...)
}

// settled is how old a file has to be, in seconds, for a later write to show
// in its mtime even where clocks differ a little.
const settled = 2

// unchanged tells whether the file of an index entry certainly has the
// entry's content, and would show it if that changed.
func (t *transaction) unchanged(e index.Entry) bool {
	name := filepath.Join(t.repo.top, e.Path)
	f := file{path: e.Path}
	if err := unix.Lstat(name, &f.stat); err != nil {
		return false
	}
	if f.stat.Mtim.Sec > t.looked.Unix()-settled || indexStat(&f.stat) != e.Stat {
		return false
	}
	switch f.stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFLNK:
		var err error
		if f.target, err = os.Readlink(name); err != nil {
			return false
		}
	default:
		return false
	}
	h, err := hashOfContent(f.object(t.repo.top))
	return err == nil && h == e.OID
}

// removeEmptyFolders clears the name that a file is to get of folders without
// files: git leaves such behind where it packs refs.
func removeEmptyFolders(name string) error {
	entries, err := os.ReadDir(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			return fmt.Errorf("the folder %s is in the way of a file, and not empty", name)
		}
		if err := removeEmptyFolders(filepath.Join(name, e.Name())); err != nil {
			return err
		}
	}
	return os.Remove(name)
}
