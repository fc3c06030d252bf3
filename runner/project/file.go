package project

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
)

// File is a regular file or a symbolic link, as git keeps one.
type File struct {
	Target     string // of a link
	Data       []byte
	Executable bool
}

// ReadFile reads the file at a slash-separated path, if it has at most FileLimit bytes. A link
// is not followed.
func ReadFile(root *os.Root, at string) (File, error) {
	info, err := root.Lstat(at)
	if err != nil {
		return File{}, err
	}
	if target, err := root.Readlink(at); err == nil {
		return File{Target: target}, nil
	}
	data, err := ReadIn(root, at, FileLimit)
	return File{Data: data, Executable: info.Mode()&0o100 != 0}, err
}

// Replace puts the file at a path, in place of what has its name. A reader sees the old file
// or the new one. The permissions stay those of the old one.
func (f File) Replace(root *os.Root, name string) error {
	temp := path.Join(path.Dir(name), ".chant-"+rand.Text())
	err := f.Create(root, temp)
	if was, gone := root.Lstat(name); err == nil && gone == nil && was.Mode().IsRegular() && f.Target == "" {
		err = root.Chmod(temp, was.Mode().Perm())
	}
	if err == nil {
		if err = root.Rename(temp, name); err == nil {
			return nil
		}
	}
	if gone := root.Remove(temp); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// Create makes the file, with its folders, where nothing is.
func (f File) Create(root *os.Root, name string) error {
	if err := root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	if f.Target != "" {
		return root.Symlink(f.Target, name)
	}
	perm := fs.FileMode(0o666)
	if f.Executable {
		perm = 0o777
	}
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = out.Write(f.Data)
	return errors.Join(err, out.Sync(), out.Close())
}
