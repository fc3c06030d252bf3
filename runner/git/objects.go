package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// streamAbove is the size in bytes from which a blob isn't held in memory
// while it is exported, unless a pack holds it as a delta.
const streamAbove = 8 << 20

// objects is a way to read a repository's objects. It serves one goroutine at
// a time. Replacements (git-replace(1)) and grafts are ignored: an object's
// name means its own content.
type objects interface {
	// read gives an object, with a content of its own. The error is
	// errNoObject where there is none.
	read(id Hash) (plumbing.ObjectType, []byte, error)
	// copy writes a blob's content to w.
	copy(w io.Writer, id Hash) (int64, error)
	// Close ends the reading; what was read stays valid.
	Close() error
}

// The errors of reading that a caller may want to tell apart.
var (
	// ErrMissing is returned where the repository lacks an object that others
	// need.
	ErrMissing = errors.New("the repository lacks an object (run git fsck)")
	// ErrPromised is returned where a partial clone lacks an object that git
	// could not fetch; what git said follows.
	ErrPromised = errors.New("this partial clone lacks an object, which git fetches when the remote can be reached (run git fetch --refetch --no-filter)")
)

// errNoObject is returned for an object that the repository doesn't hold.
var errNoObject = errors.New("no such object")

// openObjects opens the way of reading that the repository's format needs.
// ctx bounds the life of a git process, if there is one.
func (r *Repo) openObjects(ctx context.Context) (objects, error) {
	if !r.format.native() {
		if r.program == "" {
			return nil, fmt.Errorf("reading %s: %w", r.format, ErrNoGit)
		}
		return &gitObjects{repo: r, ctx: ctx}, nil
	}
	own := readNative(r.stored)
	if !r.format.partial {
		return own, nil
	}
	return &partialObjects{nativeObjects: own, git: gitObjects{repo: r, ctx: ctx}}, nil
}

// Close frees the repository's open files. The Repo can't be used afterwards.
func (r *Repo) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	err := r.stored.Close()
	if r.objects != nil {
		err = errors.Join(err, r.objects.Close())
	}
	r.objects = nil
	return err
}

// with hands the way of reading to use, under the lock.
func (r *Repo) with(use func(objects) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fmt.Errorf("reading %s: %w", r.top, fs.ErrClosed)
	}
	if r.objects == nil {
		o, err := r.openObjects(context.Background())
		if err != nil {
			return err
		}
		r.objects = o
	}
	return use(r.objects)
}

// read gives the content of an object that must be of a kind.
func (r *Repo) read(want plumbing.ObjectType, id Hash) (data []byte, err error) {
	err = r.with(func(o objects) (err error) {
		data, err = readKind(o, want, id)
		return err
	})
	return data, err
}

func readKind(o objects, want plumbing.ObjectType, id Hash) ([]byte, error) {
	kind, data, err := o.read(id)
	if gone(err) {
		err = ErrMissing
	}
	if err == nil && kind != want {
		err = errors.New("it is an object of another kind (run git fsck)")
	}
	if err != nil {
		return nil, fmt.Errorf("reading object %s: %w", id, err)
	}
	return data, nil
}

// gone tells whether an object is missing that ought to be there.
func gone(err error) bool { return errors.Is(err, errNoObject) && !errors.Is(err, ErrPromised) }

// copyBlob writes a blob's whole content to w.
func copyBlob(o objects, w io.Writer, id Hash) (int64, error) {
	n, err := o.copy(w, id)
	if gone(err) {
		err = ErrMissing
	}
	if err != nil {
		return n, fmt.Errorf("reading object %s: %w", id, err)
	}
	return n, nil
}

// commitAt reads a commit; ErrUnknownRevision where h names none.
func (r *Repo) commitAt(h Hash) (Commit, error) {
	data, err := r.rawCommit(h)
	if err != nil {
		return Commit{}, err
	}
	c, err := parseCommit(h, data)
	if err != nil {
		return Commit{}, fmt.Errorf("reading commit %s: %w", h, err)
	}
	return c, nil
}

func (r *Repo) rawCommit(h Hash) (data []byte, err error) {
	if !h.valid() || len(h) != 2*r.format.idSize() {
		return nil, fmt.Errorf("reading commit %q: %w", h, ErrUnknownRevision)
	}
	err = r.with(func(o objects) error {
		kind, content, err := o.read(h)
		if errors.Is(err, errNoObject) || err == nil && kind != plumbing.CommitObject {
			err = ErrUnknownRevision
		}
		if err != nil {
			return fmt.Errorf("reading commit %s: %w", h, err)
		}
		data = content
		return nil
	})
	return data, err
}

// commit reads a commit in go-git's form, for making another upon it. Outside
// sha1 repositories, where git makes the commits, it is an empty one.
func (r *Repo) commit(h Hash) (*object.Commit, error) {
	data, err := r.rawCommit(h)
	if err != nil {
		return nil, err
	}
	if r.format.idSize() != sha1Size {
		return &object.Commit{}, nil
	}
	o := &plumbing.MemoryObject{}
	o.SetType(plumbing.CommitObject)
	if _, err := o.Write(data); err != nil {
		return nil, err
	}
	return object.DecodeCommit(nil, o)
}

// entries reads a tree in go-git's form; the zero hash is the empty tree.
func (r *Repo) entries(h plumbing.Hash) ([]object.TreeEntry, error) {
	list, err := r.tree(hashOf(h))
	if err != nil {
		return nil, err
	}
	entries := make([]object.TreeEntry, len(list))
	for i, e := range list {
		entries[i] = object.TreeEntry{Name: e.name, Mode: e.mode, Hash: e.id.plumb()}
	}
	return entries, nil
}
