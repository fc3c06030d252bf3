package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/objfile"
)

// nativeObjects reads packs and loose objects.
type nativeObjects struct {
	folders *objectFolders
	packs   *packReader
}

// errDamaged is returned for content that isn't that of its name.
var errDamaged = errors.New("it is damaged (run git fsck)")

// emptyTree is the one object that is always there, stored or not.
const emptyTree Hash = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

func readNative(from *objectFolders) *nativeObjects {
	return &nativeObjects{folders: from, packs: newPackReader()}
}

// Close has nothing to do: the packs are the folders'.
func (o *nativeObjects) Close() error { return nil }

// find makes nativeObjects a locator.
func (o *nativeObjects) find(id Hash) (location, error) { return o.folders.find(id) }

func (o *nativeObjects) read(id Hash) (kind plumbing.ObjectType, data []byte, err error) {
	if id == emptyTree {
		return plumbing.TreeObject, nil, nil
	}
	err = o.locate(id, func(at location) error {
		if at.pack == nil {
			var content bytes.Buffer
			kind, _, err = copyLoose(&content, at.file, id)
			data = content.Bytes()
			return err
		}
		object, err := o.packs.read(at, id)
		if err == nil {
			kind, data = object.kind, slices.Clone(object.content)
		}
		return inPack(at, err)
	})
	return kind, data, err
}

// copy holds a large blob in memory only where a pack has it as a delta.
func (o *nativeObjects) copy(w io.Writer, id Hash) (n int64, err error) {
	err = o.locate(id, func(at location) error {
		if at.pack == nil {
			_, n, err = copyLoose(w, at.file, id)
			return err
		}
		n, err = o.packs.copy(w, at, id, streamAbove)
		return inPack(at, err)
	})
	return n, err
}

// inPack tells in which pack an error happened.
func inPack(at location, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("reading the pack of %s: %w", at.pack.name, err)
}

// locate finds an object for use, once more where a loose file went into a
// pack in between.
func (o *nativeObjects) locate(id Hash, use func(location) error) error {
	at, err := o.folders.find(id)
	if err != nil {
		return err
	}
	if err = use(at); !errors.Is(err, errNoObject) {
		return err
	}
	if at, err = o.folders.find(id); err != nil {
		return err
	}
	return use(at)
}

// copyLoose writes the content of a loose object to w. The error is
// errNoObject where the file is gone.
func copyLoose(w io.Writer, file string, id Hash) (kind plumbing.ObjectType, n int64, err error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, errNoObject
	}
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	content, err := objfile.NewReader(f)
	if err != nil {
		return 0, 0, fmt.Errorf("reading %s: %w", file, err)
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	kind, _, err = content.Header()
	if err == nil {
		n, err = io.Copy(w, content)
	}
	if err == nil && content.Hash() != id.plumb() {
		err = errDamaged
	}
	if err != nil {
		err = fmt.Errorf("reading %s: %w", file, err)
	}
	return kind, n, err
}
