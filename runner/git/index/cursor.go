package index

import (
	"bytes"
	"encoding/binary"
)

// Where an entry's fields are, from its start.
const (
	mtimeAt  = 8
	modeAt   = 24
	sizeAt   = 36
	oidAt    = 40
	flagsAt  = 60
	moreAt   = 62 // the second word of flags, where there is one
	nameAt   = 62 // or 64, behind a second word of flags
	maxPath  = 1 << 16
	maxShort = 0xfff // longer names store this as their length
)

const (
	flagAssumeValid = 0x8000
	flagExtended    = 0x4000 // a second word of flags follows
	stageShift      = 12

	moreSkipWorktree = 0x4000
	moreIntentToAdd  = 0x2000
)

const (
	modeType    = 0o170000
	modeFolder  = 0o040000
	modeRegular = 0o100000
	modeSymlink = 0o120000
	modeGitlink = 0o160000
)

// A cursor walks over the entries without building them. It checks each one;
// behind Parse nothing is left to be found, so err need not be looked at.
type cursor struct {
	data       []byte // the file without its checksum
	version    uint32
	left       int
	start, end int    // of the entry
	nameAt     int    // the offset of the entry's name field
	path       []byte // valid until the next call of next
	last       int    // the stage of the entry before
	err        error
}

func (f *File) cursor() cursor {
	return cursor{data: f.body(), version: f.version, left: f.entries, end: headerSize}
}

// next moves on by one entry; false at the end and at an error.
func (c *cursor) next() bool {
	if c.left == 0 || c.err != nil {
		return false
	}
	if c.start > 0 {
		c.last = c.stage()
	}
	c.left--
	c.start = c.end
	c.nameAt = c.start + nameAt
	if len(c.data) < c.nameAt {
		return c.corrupt("the entry is cut off")
	}
	flags := binary.BigEndian.Uint16(c.data[c.start+flagsAt:])
	if flags&flagExtended != 0 {
		c.nameAt += 2
		if len(c.data) < c.nameAt || c.version == 2 ||
			binary.BigEndian.Uint16(c.data[c.start+moreAt:])&^(moreSkipWorktree|moreIntentToAdd) != 0 {
			return c.corrupt("the entry has flags that it must not have")
		}
	}
	if c.version == 4 {
		return c.compressedName(flags) && c.checkMode()
	}
	return c.plainName(flags) && c.checkMode()
}

func (c *cursor) corrupt(reason string) bool {
	c.err = &CorruptError{Offset: c.start, Reason: reason}
	return false
}

// plainName reads the name of a version 2 or 3 entry: the whole path, and
// zeros up to the next multiple of eight bytes, at least one.
func (c *cursor) plainName(flags uint16) bool {
	length := int(flags & maxShort)
	if length == maxShort {
		length = bytes.IndexByte(c.data[c.nameAt:], 0)
		if length < maxShort {
			return c.corrupt("the name is cut off")
		}
	}
	c.end = c.start + paddedSize(c.nameAt+length-c.start)
	if c.end > len(c.data) {
		return c.corrupt("the name is cut off")
	}
	name := c.data[c.nameAt : c.nameAt+length]
	for _, b := range c.data[c.nameAt+length : c.end] {
		if b != 0 {
			return c.corrupt("the name is not padded with zeros")
		}
	}
	if bytes.IndexByte(name, 0) >= 0 {
		return c.corrupt("the name has a zero byte")
	}
	before := c.path
	c.path = name
	return c.checkName(bytes.Compare(before, name))
}

// paddedSize gives the size of a version 2 or 3 entry from that of its
// content.
func paddedSize(n int) int { return (n + 8) &^ 7 }

// compressedName reads the name of a version 4 entry: how much to cut off the
// end of the path before, and what to put there.
func (c *cursor) compressedName(flags uint16) bool {
	cut, n := varint(c.data[c.nameAt:])
	if n == 0 || cut > len(c.path) {
		return c.corrupt("the name takes more from the one before than it has")
	}
	tail := c.data[c.nameAt+n:]
	length := bytes.IndexByte(tail, 0)
	if length < 0 {
		return c.corrupt("the name is cut off")
	}
	tail = tail[:length]
	c.end = c.nameAt + n + length + 1
	shared := len(c.path) - cut
	order := bytes.Compare(c.path[shared:], tail)
	c.path = append(c.path[:shared], tail...)
	if int(flags&maxShort) != min(len(c.path), maxShort) {
		return c.corrupt("the name is not as long as the entry says")
	}
	return c.checkName(order)
}

// checkName holds the name against what git keeps to; order is how the name
// before compares to it.
func (c *cursor) checkName(order int) bool {
	switch {
	case len(c.path) == 0: // as it is in the other file
		c.err = ErrSplit
		return false
	case len(c.path) > maxPath:
		return c.corrupt("the name is far too long")
	case order > 0, order == 0 && (c.last == 0 || c.last >= c.stage()):
		return c.corrupt("the entries are out of order")
	}
	return true
}

func (c *cursor) checkMode() bool {
	switch c.mode() & modeType {
	case modeRegular, modeSymlink, modeGitlink:
		if c.path[len(c.path)-1] == '/' {
			return c.corrupt("the name of a file ends in a slash")
		}
		return true
	case modeFolder:
		c.err = ErrSparse
		return false
	default:
		return c.corrupt("the entry is no file, symlink or submodule")
	}
}

func (c *cursor) word(at int) uint32 { return binary.BigEndian.Uint32(c.data[c.start+at:]) }
func (c *cursor) mode() uint32       { return c.word(modeAt) }

func (c *cursor) stage() int {
	return int(binary.BigEndian.Uint16(c.data[c.start+flagsAt:]) >> stageShift & 3)
}

// entry builds the entry that the cursor is at.
func (c *cursor) entry() Entry {
	flags := binary.BigEndian.Uint16(c.data[c.start+flagsAt:])
	var more uint16
	if flags&flagExtended != 0 {
		more = binary.BigEndian.Uint16(c.data[c.start+moreAt:])
	}
	e := Entry{
		Path:  string(c.path),
		Stage: c.stage(),
		Mode:  c.mode(),
		Stat: Stat{
			CTimeSec: c.word(0), CTimeNsec: c.word(4), MTimeSec: c.word(mtimeAt), MTimeNsec: c.word(12),
			Dev: c.word(16), Ino: c.word(20), UID: c.word(28), GID: c.word(32), Size: c.word(sizeAt),
		},
		AssumeValid:  flags&flagAssumeValid != 0,
		SkipWorktree: more&moreSkipWorktree != 0,
		IntentToAdd:  more&moreIntentToAdd != 0,
	}
	copy(e.OID[:], c.data[c.start+oidAt:])
	return e
}

// varint reads a number in git's variable-width encoding, in which each
// further byte stands for one more than its digits, and how many bytes it
// takes: 0 if it is cut off or far too large.
func varint(b []byte) (value, size int) {
	for i, c := range b {
		value = value<<7 | int(c&0x7f)
		if c&0x80 == 0 {
			return value, i + 1
		}
		value++
		if value > maxPath {
			break
		}
	}
	return 0, 0
}

// appendVarint writes what varint reads.
func appendVarint(b []byte, value int) []byte {
	digits := []byte{byte(value & 0x7f)}
	for value >>= 7; value > 0; value >>= 7 {
		value--
		digits = append(digits, 0x80|byte(value&0x7f))
	}
	for i := range digits {
		b = append(b, digits[len(digits)-1-i])
	}
	return b
}
