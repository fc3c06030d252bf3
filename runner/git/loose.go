package git

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/objfile"
	"golang.org/x/sys/unix"
)

// newObject is an object that may have to be written.
type newObject struct {
	kind    plumbing.ObjectType
	hash    plumbing.Hash
	size    int64
	content func() (io.ReadCloser, error)
}

// writeObject stores an object as a loose file, in the format of
// gitrepository-layout(5). One that is there already gets a new mtime, so
// that a concurrent gc doesn't take it for old and unused. The error is
// errChanged where the content isn't that of the hash any more.
func (r *Repo) writeObject(d *disk, o newObject) error {
	hex := o.hash.String()
	objects := filepath.Join(r.common, "objects")
	name := filepath.Join(objects, hex[:2], hex[2:])
	if d.freshen(name) {
		return nil
	}
	temp, err := d.writeTemp(objects, o)
	if err != nil {
		return fmt.Errorf("writing %s %s: %w", o.kind, hex, err)
	}
	if err := d.moveObject(temp, name); err != nil {
		return fmt.Errorf("writing %s %s: %w", o.kind, hex, errors.Join(err, os.Remove(temp)))
	}
	return nil
}

// freshen makes an object young and durable; false where it has to be written
// anew: it isn't there, belongs to another user, or is the empty file that a
// power cut can leave of it.
func (d *disk) freshen(name string) bool {
	if err := unix.Utimes(name, nil); err != nil {
		return false
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	info, err := f.Stat()
	sound := err == nil && info.Size() > 0
	if sound && d.objects {
		sound = d.syncFile(f) == nil
		d.folders[filepath.Dir(name)] = true
	}
	return f.Close() == nil && sound
}

// writeTemp writes the object under a name that git gc clears away should
// nobody rename the file.
func (d *disk) writeTemp(dir string, o newObject) (name string, err error) {
	f, err := d.createNew(dir, "tmp_obj_", 0o444)
	if err != nil {
		return "", err
	}
	err = encodeObject(f, o)
	if err == nil && d.objects {
		err = d.syncFile(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func encodeObject(to io.Writer, o newObject) (err error) {
	content, err := o.content()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	w := objfile.NewWriter(to)
	if err := w.WriteHeader(o.kind, o.size); err != nil {
		return errors.Join(err, w.Close())
	}
	_, err = io.Copy(w, content)
	if err = errors.Join(err, w.Close()); err != nil {
		if errors.Is(err, objfile.ErrOverflow) {
			return errChanged
		}
		return err
	}
	if w.Hash() != o.hash {
		return errChanged
	}
	return nil
}

// moveObject renames a written object into its folder. A concurrent gc
// removes folders that it finds empty, hence the repetition.
func (d *disk) moveObject(temp, name string) error {
	var err error
	for range 3 {
		if err = d.mkdirAll(filepath.Dir(name)); err != nil {
			return err
		}
		err = os.Rename(temp, name) //nolint:forbidigo // objects are written as git writes them
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err == nil && d.objects {
		d.folders[filepath.Dir(name)] = true
	}
	return err
}
