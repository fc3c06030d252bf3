package index

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"slices"
)

// A Change makes the index hold a file, or not hold it.
type Change struct {
	Path   string
	Remove bool // the other fields are unused

	Mode uint32 // 0100644, 0100755, 0120000 or 0160000
	OID  [20]byte
	Stat Stat // of the file with this content; zeros make git look for itself
}

// Edit gives the index file with the changes made. If they change nothing, it
// is the very bytes that were parsed, and the file must be left alone: writing
// it anew would take away the doubts that EditOptions is about.
//
// A change of a tracked file keeps the entry's flags, except that the file is
// no longer only intended to be added. It resolves a conflict of its path
// without a record for git checkout -m. A file takes the place of a folder,
// and a folder of a file, unless that is unmerged. Two changes of one path, or
// of a file and of a file below it, are ErrChange; removing the former is fine.
func (f *File) Edit(changes []Change, o EditOptions) ([]byte, error) {
	steps, err := plan(changes)
	if err != nil {
		return nil, err
	}
	e := editor{in: f.cursor(), steps: steps, options: o}
	e.out = append(make([]byte, 0, len(f.data)+f.entries/8+room(changes)), f.data[:headerSize]...)
	if err := e.run(); err != nil {
		return nil, err
	}
	if !e.changed {
		return f.data, nil
	}
	binary.BigEndian.PutUint32(e.out[8:], uint32(e.count))
	out := f.appendExtensions(e.out, e.did)
	if f.skipsHash() {
		return append(out, make([]byte, hashSize)...), nil
	}
	sum := sha1.Sum(out)
	return append(out, sum[:]...), nil
}

// room is about how much larger changes can make an index.
func room(changes []Change) int {
	n := hashSize
	for _, c := range changes {
		n += nameAt + 2*len(c.Path)
	}
	return n
}

// An editor copies the entries of an index, merging steps into them.
type editor struct {
	in      cursor
	number  int // how many entries were read before this one
	steps   []step
	under   []byte // a folder, with its final slash, that a file replaces
	options EditOptions

	out     []byte
	count   int    // entries written
	last    []byte // version 4: the path of the last one
	rebase  bool   // version 4: the next one follows another path than it did
	changed bool
	did     outcome
}

func (e *editor) run() error {
	for ; e.in.next(); e.number++ {
		for len(e.steps) > 0 && e.steps[0].path < string(e.in.path) {
			e.pass()
		}
		e.entry()
	}
	for len(e.steps) > 0 {
		e.pass()
	}
	return e.in.err
}

// pass leaves a step behind: no entry of its path is to come.
func (e *editor) pass() {
	s := &e.steps[0]
	switch s.kind {
	case stepSet:
		e.insert(s)
	case stepUnder:
		e.under = []byte(s.path)
	case stepRemove, stepClear:
	}
	e.steps = e.steps[1:]
}

// entry deals with the entry that the cursor is at.
func (e *editor) entry() {
	merged := e.in.stage() == 0
	if len(e.steps) > 0 && e.steps[0].path == string(e.in.path) {
		switch s := &e.steps[0]; {
		case s.kind == stepSet && merged:
			e.patch(s)
			return
		case s.kind == stepSet:
			e.insert(s)
			e.drop()
			return
		case s.kind == stepRemove || merged:
			e.drop()
			return
		}
	}
	if merged && len(e.under) > 0 && bytes.HasPrefix(e.in.path, e.under) {
		e.drop()
		return
	}
	e.doubt(e.keep())
}

// keep copies the entry, and gives its bytes in the output.
func (e *editor) keep() []byte {
	start := len(e.out)
	e.count++
	if e.in.version == 4 && e.rebase {
		e.out = append(e.out, e.in.data[e.in.start:e.in.nameAt]...)
		e.out = e.appendName(e.in.path, start)
	} else {
		e.out = append(e.out, e.in.data[e.in.start:e.in.end]...)
	}
	if e.in.version == 4 {
		e.rebase = false
		e.last = append(e.last[:0], e.in.path...)
	}
	return e.out[start:]
}

// drop leaves the entry out.
func (e *editor) drop() { e.shift(e.in.path) }

// shift notes that an entry was left out or put in.
func (e *editor) shift(path []byte) {
	e.changed, e.did.shifted, e.rebase = true, true, true
	e.did.touch(path)
}

// insert writes a new entry, once.
func (e *editor) insert(s *step) {
	if s.done {
		return
	}
	s.done = true
	start := len(e.out)
	e.out = append(e.out, make([]byte, nameAt)...)
	put(e.out[start:], s.change)
	binary.BigEndian.PutUint16(e.out[start+flagsAt:], uint16(min(len(s.path), maxShort)))
	e.out = e.appendName([]byte(s.path), start)
	e.last = append(e.last[:0], s.path...)
	e.doubtChange(e.out[start:])
	e.count++
	e.shift([]byte(s.path))
}

// patch changes the entry in place.
func (e *editor) patch(s *step) {
	s.done = true
	b := e.keep()
	before := [flagsAt]byte(b)
	put(b, s.change)
	unintended := clearIntent(b)
	if unintended || before != [flagsAt]byte(b) {
		e.changed = true
		e.did.patched = append(e.did.patched, e.number)
	} else {
		e.doubt(b)
	}
	sameMode := bytes.Equal(before[modeAt:modeAt+4], b[modeAt:modeAt+4])
	if unintended || !sameMode || !bytes.Equal(before[oidAt:], b[oidAt:flagsAt]) {
		e.did.touch([]byte(s.path))
	}
	e.doubtChange(b)
}

// touch notes a path whose content changed.
func (o *outcome) touch(path []byte) {
	o.touched = append(o.touched, slices.Clone(path))
}

// put writes a change's mode, object id and Stat over an entry's.
func put(b []byte, c Change) {
	s := c.Stat
	for i, word := range [...]uint32{
		s.CTimeSec, s.CTimeNsec, s.MTimeSec, s.MTimeNsec, s.Dev, s.Ino, c.Mode, s.UID, s.GID, s.Size,
	} {
		binary.BigEndian.PutUint32(b[4*i:], word)
	}
	copy(b[oidAt:], c.OID[:])
}

// clearIntent takes an entry's intent-to-add flag away, and tells whether it
// had it.
func clearIntent(b []byte) bool {
	if binary.BigEndian.Uint16(b[flagsAt:])&flagExtended == 0 {
		return false
	}
	more := binary.BigEndian.Uint16(b[moreAt:])
	binary.BigEndian.PutUint16(b[moreAt:], more&^moreIntentToAdd)
	return more&moreIntentToAdd != 0
}

// appendName writes the name of the entry that starts at an offset of the
// output, with what follows it.
func (e *editor) appendName(path []byte, start int) []byte {
	if e.in.version < 4 {
		out := append(e.out, path...)
		return append(out, make([]byte, paddedSize(len(out)-start)-(len(out)-start))...)
	}
	shared := 0
	for shared < min(len(path), len(e.last)) && path[shared] == e.last[shared] {
		shared++
	}
	out := appendVarint(e.out, len(e.last)-shared)
	return append(append(out, path[shared:]...), 0)
}
