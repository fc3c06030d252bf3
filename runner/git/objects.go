package git

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// ErrMissing is returned where the repository lacks an object that others
// need.
var ErrMissing = errors.New("the repository lacks an object (run git fsck; in a partial clone, git fetch --refetch)")

// errNoObject is returned for an object that the repository doesn't hold.
var errNoObject = errors.New("no such object")

// errDamaged is returned for content that isn't that of its name.
var errDamaged = errors.New("it is damaged (run git fsck)")

// objects reads a repository's objects, for one goroutine at a time. What
// go-git does not find or can't read, the git program reads, which knows every
// format and fetches what a partial clone lacks.
type objects struct {
	storage *filesystem.Storage // nil where go-git must not read
	broken  error               // why go-git could not go on
	digits  int                 // of the names of objects
	repo    *Repo
	cat     catFile
}

func (r *Repo) openObjects() (*objects, error) {
	f, err := r.format()
	if err != nil {
		return nil, err
	}
	o := &objects{repo: r, cat: catFile{repo: r}, digits: sha1Digits}
	if f.objects == "sha256" {
		o.digits = sha256Digits
	}
	// go-git opens the packs of an alternate anew for every object.
	if f.native() && !exists(filepath.Join(r.common, "objects", "info", "alternates")) {
		o.storage = openStorage(r.common)
	}
	return o, nil
}

// openStorage opens the object folder of a git folder. The storage knows the
// packs that are there now; for later ones another has to be opened.
func openStorage(gitDir string) *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(gitDir), cache.NewObjectLRU(16*cache.MiByte), filesystem.Options{
		KeepDescriptors: true, LargeObjectThreshold: 8 << 20,
	})
}

// read returns an object, whose content is the caller's own. The error is
// errNoObject where there is none.
func (o *objects) read(id Hash) (plumbing.ObjectType, []byte, error) {
	if !id.valid() || len(id) != o.digits {
		return 0, nil, errNoObject
	}
	err := o.broken
	if o.storage != nil {
		var kind plumbing.ObjectType
		var data []byte
		if kind, data, err = stored(o.storage, id); err == nil {
			return kind, data, nil
		}
		// Another git may have packed it or removed its pack.
		_ = o.storage.Close() // it was read only
		o.storage = openStorage(o.repo.common)
		if kind, data, err = stored(o.storage, id); err == nil {
			return kind, data, nil
		}
		if !errors.Is(err, plumbing.ErrObjectNotFound) { // a pack or an index that go-git can't read
			_ = o.storage.Close()
			o.storage, o.broken = nil, err
		}
	}
	kind, data, errGit := o.cat.read(id)
	none := errors.Is(errGit, errNoObject) || errors.Is(errGit, ErrNoGit)
	switch {
	case errGit == nil && nameOf(kind, data, len(id)) != id:
		errGit = errDamaged
	case none && errors.Is(err, plumbing.ErrObjectNotFound):
		errGit = errNoObject
	case none && err != nil: // what git doesn't find may be damaged
		errGit = err
	}
	return kind, data, errGit
}

// stored reads by go-git.
func stored(from *filesystem.Storage, id Hash) (plumbing.ObjectType, []byte, error) {
	o, err := from.EncodedObject(plumbing.AnyObject, id.plumb())
	if err != nil {
		return 0, nil, err
	}
	content, err := o.Reader()
	if err != nil {
		return 0, nil, err
	}
	var data bytes.Buffer
	data.Grow(int(min(o.Size(), 1<<20))) // the size is foreign input
	_, err = data.ReadFrom(content)
	if err = errors.Join(err, content.Close()); err == nil && nameOf(o.Type(), data.Bytes(), sha1Digits) != id {
		err = errDamaged
	}
	return o.Type(), data.Bytes(), err
}

// nameOf returns the name of an object of a repository whose names have that
// many digits.
func nameOf(kind plumbing.ObjectType, data []byte, digits int) Hash {
	var h hash.Hash
	if digits == sha256Digits {
		h = sha256.New()
	} else {
		h = sha1.New()
	}
	fmt.Fprintf(h, "%s %d\x00", kind, len(data))
	h.Write(data)
	return Hash(hex.EncodeToString(h.Sum(nil)))
}

func (o *objects) close() error {
	err := o.cat.close()
	if o.storage != nil {
		err = errors.Join(err, o.storage.Close())
	}
	return err
}

// Close frees the repository's open files. The Repo can't be used afterwards.
func (r *Repo) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	var errs []error
	for _, o := range r.idle {
		errs = append(errs, o.close())
	}
	r.idle = nil
	return errors.Join(errs...)
}

// borrow returns a reader that no other goroutine uses, until giveBack.
func (r *Repo) borrow() (*objects, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, fmt.Errorf("reading %s: %w", r.top, fs.ErrClosed)
	}
	if n := len(r.idle); n > 0 {
		o := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return o, nil
	}
	return r.openObjects()
}

func (r *Repo) giveBack(o *objects) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return o.close()
	}
	r.idle = append(r.idle, o)
	return nil
}

// read returns the content of an object that must be of a kind.
func (r *Repo) read(want plumbing.ObjectType, id Hash) (data []byte, err error) {
	o, err := r.borrow()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.giveBack(o)) }()
	kind, data, err := o.read(id)
	if err == nil && kind != want {
		err = fmt.Errorf("it is a %s, not a %s (run git fsck): %w", kind, want, errNoObject)
	}
	if err != nil {
		return nil, fmt.Errorf("reading object %s: %w", id, err)
	}
	return data, nil
}

// needed returns the content of an object that another one names.
func (r *Repo) needed(want plumbing.ObjectType, id Hash) ([]byte, error) {
	data, err := r.read(want, id)
	if errors.Is(err, errNoObject) {
		err = fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return data, err
}

// has returns an error for a content whose object the repository lacks,
// because it was stored elsewhere.
func (r *Repo) has(c Content) (err error) {
	if c.Mode == "" || c.Mode == modeText(filemode.Submodule) {
		return nil
	}
	o, err := r.borrow()
	if err != nil {
		return err
	}
	if o.storage == nil || o.storage.HasEncodedObject(c.Hash.plumb()) != nil {
		_, _, err = o.read(c.Hash) // go-git may not see it
	}
	if errors.Is(err, errNoObject) {
		err = &PathError{Path: c.Path, Reason: "its content " + string(c.Hash) + " is not in the repository (store it there)"}
	}
	return errors.Join(err, r.giveBack(o))
}

// Blob returns the content of a blob, as git stores it. The error is
// ErrMissing where the repository doesn't hold it.
func (r *Repo) Blob(h Hash) ([]byte, error) { return r.needed(plumbing.BlobObject, h) }

// write stores an object in the object folder of a git folder. An object that
// exists already gets a new time, so that a concurrent gc spares it.
func (r *Repo) write(gitDir string, kind plumbing.ObjectType, data []byte) (id Hash, err error) {
	id = nameOf(kind, data, sha1Digits)
	o := &plumbing.MemoryObject{}
	o.SetType(kind)
	if _, err := o.Write(data); err != nil {
		return "", err
	}
	storage := openStorage(gitDir)
	defer func() { err = errors.Join(err, storage.Close()) }()
	file := filepath.Join(gitDir, "objects", string(id[:2]), string(id[2:]))
	for range 5 { // gc may remove a folder that is empty just now
		if _, err = storage.SetEncodedObject(o); err == nil {
			err = os.Chtimes(file, r.now(), r.now())
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if errors.Is(err, fs.ErrPermission) && exists(file) { // it is another user's
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("writing object %s: %w", id, err)
	}
	return id, nil
}
