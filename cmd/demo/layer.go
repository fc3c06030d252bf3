package demo

import (
	"embed"
	"errors"
	"io/fs"
	"path"
	"strings"
)

//go:embed all:files
var files embed.FS

// suffix ends the stored names of Go files and of go.mod: without it they would
// be packages of this module, and a module of their own is never embedded.
const suffix = ".txt"

// layer is the folder of that name below files, read without the suffix. A
// name that really ends in it can't be told from a stored one; there is none.
type layer string

// Open returns the named file or folder of the layer, as fs.FS wants it.
func (l layer) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	stored := path.Join("files", string(l), name)
	file, err := files.Open(stored + suffix)
	if errors.Is(err, fs.ErrNotExist) {
		file, err = files.Open(stored)
	}
	if err != nil {
		return nil, err
	}
	if dir, ok := file.(fs.ReadDirFile); ok {
		return folder{dir}, nil
	}
	return plainFile{file}, nil
}

type plainFile struct{ fs.File }

// Stat returns the file's description under the name it is laid as.
func (f plainFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	return plainInfo{info}, err
}

type folder struct{ fs.ReadDirFile }

// ReadDir lists the folder by the names that its files are laid as.
func (f folder) ReadDir(n int) ([]fs.DirEntry, error) {
	entries, err := f.ReadDirFile.ReadDir(n)
	for i, e := range entries {
		entries[i] = plainEntry{e}
	}
	return entries, err
}

type plainEntry struct{ fs.DirEntry }

// Name is the entry's name without the suffix.
func (e plainEntry) Name() string { return strings.TrimSuffix(e.DirEntry.Name(), suffix) }

// Info describes the entry under that name.
func (e plainEntry) Info() (fs.FileInfo, error) {
	info, err := e.DirEntry.Info()
	return plainInfo{info}, err
}

type plainInfo struct{ fs.FileInfo }

// Name is the file's name without the suffix.
func (i plainInfo) Name() string { return strings.TrimSuffix(i.FileInfo.Name(), suffix) }
