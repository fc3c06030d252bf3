// Package index reads and edits git's index file, the list of tracked files.
// It is pure: bytes in, values or bytes out. The format is that of
// gitformat-index(5), versions 2, 3 and 4, with 20-byte (SHA-1) object ids.
//
// An edit changes the bytes that it must and no others: flags, extensions and
// the format version survive it. What isn't fully understood is refused.
package index

import (
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
)

// An Entry is one tracked file, or one side of an unmerged one.
type Entry struct {
	Path  string // from the work tree's top, with slashes
	Stage int    // 0, or for an unmerged path 1 (base), 2 (ours), 3 (theirs)
	Mode  uint32 // 0100644, 0100755, 0120000 (symlink) or 0160000 (submodule)
	OID   [20]byte
	Stat  Stat

	AssumeValid  bool // git update-index --assume-unchanged
	SkipWorktree bool // outside of a sparse checkout
	IntentToAdd  bool // git add -N: tracked, but no content is staged
}

// A Stat is what git remembers of a file's lstat(2) to tell whether it
// changed, each field cut to its low 32 bits.
type Stat struct {
	CTimeSec, CTimeNsec, MTimeSec, MTimeNsec, Dev, Ino, UID, GID, Size uint32
}

// A File is a parsed index. It is immutable, and safe for concurrent use.
type File struct {
	data       []byte // the whole file
	version    uint32
	entries    int
	entriesEnd int // the offset of the first extension
	extensions []extension
}

const (
	signature  = "DIRC"
	headerSize = 12
	hashSize   = sha1.Size
)

// Empty gives the index of a repository in which nothing is tracked yet and
// which has no index file.
func Empty() *File {
	data := binary.BigEndian.AppendUint32([]byte(signature), 2)
	data = binary.BigEndian.AppendUint32(data, 0)
	sum := sha1.Sum(data)
	return &File{data: append(data, sum[:]...), version: 2, entriesEnd: headerSize}
}

// Parse reads an index file. It keeps data, which must not change afterwards.
// A checksum of zeros (git's index.skipHash) is accepted. The errors are
// ErrVersion, ErrChecksum, ErrSplit, ErrSparse, ErrExtension and CorruptError.
func Parse(data []byte) (*File, error) {
	if len(data) < headerSize+hashSize || string(data[:4]) != signature {
		return nil, &CorruptError{Reason: "not an index file"}
	}
	f := &File{
		data:    data,
		version: binary.BigEndian.Uint32(data[4:]),
		entries: int(binary.BigEndian.Uint32(data[8:])),
	}
	if f.version < 2 || f.version > 4 {
		return nil, fmt.Errorf("%w: %d", ErrVersion, f.version)
	}
	if !f.skipsHash() && sha1.Sum(f.body()) != [hashSize]byte(data[len(data)-hashSize:]) {
		return nil, ErrChecksum
	}
	c := f.cursor()
	for c.next() {
	}
	if c.err != nil {
		return nil, c.err
	}
	f.entriesEnd = c.end
	if err := f.readExtensions(); err != nil {
		return nil, err
	}
	return f, nil
}

// body is the file without its checksum.
func (f *File) body() []byte { return f.data[:len(f.data)-hashSize] }

// skipsHash tells whether the file was written without a checksum.
func (f *File) skipsHash() bool {
	return [hashSize]byte(f.data[len(f.data)-hashSize:]) == [hashSize]byte{}
}

// All yields the entries in the index's order: by the bytes of the path, then
// by stage.
func (f *File) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for c := f.cursor(); c.next(); {
			if !yield(c.entry()) {
				return
			}
		}
	}
}

// Lookup gives all stages of those of the paths that are in the index, in its
// order. It reads the index once, however many paths there are.
func (f *File) Lookup(paths ...string) []Entry {
	paths = slices.Sorted(slices.Values(paths))
	var found []Entry
	for c := f.cursor(); c.next(); {
		for len(paths) > 0 && paths[0] < string(c.path) {
			paths = paths[1:]
		}
		if len(paths) == 0 {
			break
		}
		if paths[0] == string(c.path) {
			found = append(found, c.entry())
		}
	}
	return found
}

// Unmerged gives the paths that have an unresolved conflict, sorted.
func (f *File) Unmerged() []string {
	var paths []string
	for c := f.cursor(); c.next(); {
		if c.stage() != 0 {
			paths = append(paths, string(c.path))
		}
	}
	return slices.Compact(paths)
}
