package index

import (
	"encoding/binary"
	"time"
)

// EditOptions are the moments that Edit needs to keep git from trusting what
// it remembers of a file too far.
//
// Git takes a file for unchanged when size and mtime are as it remembers; most
// builds of it compare whole seconds. So a file that is written twice in one
// second, with as many bytes, looks the same. Git therefore doubts the entries
// whose mtime isn't before the index file's own, and compares their content.
// A new index file has a later mtime and takes that doubt away: whoever writes
// one has to pass it on, by storing a size of 0, which makes git compare the
// content until it has once found it the same.
type EditOptions struct {
	// Written is the old index file's mtime. Entries whose mtime is in the
	// same second or later are in doubt; for the zero time, all are.
	Written time.Time
	// Looked is a moment before the first of the changes' Stat was taken.
	// Changes of files whose mtime is then less than two seconds old are in
	// doubt: they may have been written again in the same second. One second
	// would do if file systems and processes had the same clock.
	Looked time.Time
	// Unchanged, if not nil, tells whether an entry in doubt certainly has the
	// content of its file, so that it need not be doubted.
	Unchanged func(Entry) bool
}

// youth is for how long, in seconds, a file may have been written again
// without showing it.
const youth = 2

// doubt makes git compare the content of a kept entry's file if it did so up
// to now because of the index file's age.
func (e *editor) doubt(b []byte) {
	written := e.options.Written
	settled := !written.IsZero() && binary.BigEndian.Uint32(b[mtimeAt:]) < uint32(written.Unix())
	if settled || !doubtful(b) {
		return
	}
	if e.options.Unchanged == nil || !e.options.Unchanged(e.in.entry()) {
		binary.BigEndian.PutUint32(b[sizeAt:], 0)
	}
}

// doubtChange does the same for an entry of ours if its file is too young.
func (e *editor) doubtChange(b []byte) {
	age := e.options.Looked.Unix() - int64(binary.BigEndian.Uint32(b[mtimeAt:]))
	if age < youth && doubtful(b) {
		binary.BigEndian.PutUint32(b[sizeAt:], 0)
	}
}

// doubtful tells whether doubt can be cast on an entry, and isn't yet. Of a
// submodule, git never looks at the size.
func doubtful(b []byte) bool {
	return binary.BigEndian.Uint32(b[modeAt:])&modeType != modeGitlink && binary.BigEndian.Uint32(b[sizeAt:]) != 0
}
