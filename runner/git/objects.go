package git

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// errNoObject is returned for an object that the repository doesn't hold.
var errNoObject = errors.New("the repository lacks it (run git fsck; in a partial clone, git fetch --refetch)")

// errDamaged is returned for content that isn't that of its name.
var errDamaged = errors.New("it is damaged (run git fsck)")

// objects reads a repository's objects, for one goroutine at a time. What
// go-git does not find or can't read, the git program reads, which knows every
// format and fetches what a partial clone lacks.
type objects struct {
	repo    *Repo
	digits  int                 // of the names of objects
	storage *filesystem.Storage // nil where go-git must not read
	broken  error               // why go-git could not go on
	cat     *dialogue           // git cat-file; nil while none runs
}

func (r *Repo) openObjects() (*objects, error) {
	f, err := r.format()
	if err != nil {
		return nil, err
	}
	o := &objects{repo: r, digits: f.digits}
	// go-git opens the packs of an alternate anew for every object.
	if f.odd == "" && !exists(filepath.Join(r.common, "objects", "info", "alternates")) {
		o.storage = r.openStorage()
	}
	return o, nil
}

// openStorage opens the object folder. The storage knows the packs that are
// there now; for later ones another has to be opened.
func (r *Repo) openStorage() *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(r.common), cache.NewObjectLRU(16*cache.MiByte), filesystem.Options{
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
		o.storage = o.repo.openStorage()
		if kind, data, err = stored(o.storage, id); err == nil {
			return kind, data, nil
		}
		if !errors.Is(err, plumbing.ErrObjectNotFound) { // a pack or an index that go-git can't read
			_ = o.storage.Close()
			o.storage, o.broken = nil, err
		}
	}
	kind, data, errGit := o.readByGit(id)
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

// readByGit reads by git cat-file, which is started at the first object. An
// error other than errNoObject ends it.
func (o *objects) readByGit(id Hash) (plumbing.ObjectType, []byte, error) {
	if o.cat == nil {
		cat, err := o.repo.converse(call{args: []string{"cat-file", "--batch"}, fetches: true})
		if err != nil {
			return 0, nil, err
		}
		o.cat = cat
	}
	kind, data, err := o.cat.object(id)
	if err != nil && !errors.Is(err, errNoObject) {
		err = o.cat.end(err)
		o.cat = nil
	}
	return kind, data, err
}

// object asks git cat-file --batch for an object and reads
// "<id> <type> <size>\n<content>\n".
func (d *dialogue) object(id Hash) (plumbing.ObjectType, []byte, error) {
	line, err := d.ask(string(id))
	if err != nil {
		return 0, nil, err
	}
	fields := strings.Fields(line)
	if len(fields) == 2 && (fields[1] == "missing" || fields[1] == "ambiguous") {
		return 0, nil, errNoObject
	}
	if len(fields) != 3 {
		return 0, nil, fmt.Errorf("it said %q", line)
	}
	kind, errKind := plumbing.ParseObjectType(fields[1])
	size, errSize := strconv.ParseInt(fields[2], 10, 64)
	if err := errors.Join(errKind, errSize); err != nil {
		return 0, nil, fmt.Errorf("it said %q: %w", line, err)
	}
	var data bytes.Buffer
	if _, err := io.CopyN(&data, d.out, size+1); err != nil { // with the newline at its end
		return 0, nil, err
	}
	if fields[0] != string(id) { // it was taken for a shortened name
		return 0, nil, errNoObject
	}
	return kind, data.Bytes()[:size], nil
}

// newHash returns the hash of a repository whose names have that many digits.
func newHash(digits int) hash.Hash {
	if digits == sha256Digits {
		return sha256.New()
	}
	return sha1.New()
}

// nameOf returns the name of an object.
func nameOf(kind plumbing.ObjectType, data []byte, digits int) Hash {
	h := newHash(digits)
	fmt.Fprintf(h, "%s %d\x00", kind, len(data))
	h.Write(data)
	return Hash(hex.EncodeToString(h.Sum(nil)))
}

func (o *objects) close() error {
	if o.cat != nil {
		_ = o.cat.end(nil) // nothing is lost by an end that isn't clean
	}
	if o.storage != nil {
		return o.storage.Close()
	}
	return nil
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
		err = fmt.Errorf("it is a %s, not a %s: %w", kind, want, errNoObject)
	}
	if err != nil {
		return nil, fmt.Errorf("reading object %s: %w", id, err)
	}
	return data, nil
}

// has reports whether there is an object, as go-git or git sees it.
func (r *Repo) has(id Hash) (has bool, err error) {
	o, err := r.borrow()
	if err != nil {
		return false, err
	}
	if o.storage == nil || o.storage.HasEncodedObject(id.plumb()) != nil {
		_, _, err = o.read(id)
	}
	if has = err == nil; errors.Is(err, errNoObject) {
		err = nil
	}
	return has, errors.Join(err, r.giveBack(o))
}

// Blob returns the content of a blob, as git stores it.
func (r *Repo) Blob(h Hash) ([]byte, error) { return r.read(plumbing.BlobObject, h) }

// Size returns the size of a blob in bytes, so that nobody has to hold a huge one in memory
// to find out that it is too large.
func (r *Repo) Size(h Hash) (size int64, err error) {
	o, err := r.borrow()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.giveBack(o)) }()
	if o.storage != nil {
		if size, err := o.storage.EncodedObjectSize(h.plumb()); err == nil {
			return size, nil
		}
	}
	_, data, err := o.read(h)
	if err != nil {
		err = fmt.Errorf("reading object %s: %w", h, err)
	}
	return int64(len(data)), err
}

// write stores an object. One that exists already gets a new time, so that a
// concurrent gc spares it.
func (r *Repo) write(kind plumbing.ObjectType, data []byte) (id Hash, err error) {
	id = nameOf(kind, data, sha1Digits)
	defer wrap(&err, "writing object "+string(id))
	o := &plumbing.MemoryObject{}
	o.SetType(kind)
	if _, err := o.Write(data); err != nil {
		return "", err
	}
	storage := r.openStorage()
	defer func() { err = errors.Join(err, storage.Close()) }()
	file := filepath.Join(r.common, "objects", string(id[:2]), string(id[2:]))
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
	return id, err
}
