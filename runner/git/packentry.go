package git

import (
	"io"

	"github.com/go-git/go-git/v5/plumbing"
)

// packEntry is how an object begins in a pack.
type packEntry struct {
	pack   *pack
	offset int64
	kind   plumbing.ObjectType
	size   int64 // of the content, or of the delta
	base   int64 // where the object begins that a delta builds upon
	data   int64 // where the compressed content begins
}

// maxEntryStart is how many bytes parseEntry may look at: as many as a size
// and a name can have.
const maxEntryStart = 10 + sha1Size

// parseEntry reads the start of the object that begins at offset
// (gitformat-pack(5)). Its first byte holds three bits of type and four of
// size; then come seven bits of size a byte, the lowest first, as long as the
// highest bit is set. A delta's base follows: its distance or its name.
func parseEntry(start []byte, offset int64) (e packEntry, base plumbing.Hash, err error) {
	n := 1
	if len(start) == 0 {
		return e, base, errDamaged
	}
	e = packEntry{offset: offset, kind: plumbing.ObjectType(start[0] >> 4 & 7), size: int64(start[0] & 15)}
	for shift := 4; start[n-1]&0x80 != 0; shift += 7 {
		if n == len(start) || shift > 56 {
			return e, base, errDamaged
		}
		e.size |= int64(start[n]&0x7f) << shift
		n++
	}
	switch e.kind {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	case plumbing.OFSDeltaObject:
		distance, used := parseDistance(start[n:])
		if distance <= 0 || distance >= offset {
			return e, base, errDamaged
		}
		e.base = offset - distance
		n += used
	case plumbing.REFDeltaObject:
		if len(start) < n+sha1Size {
			return e, base, errDamaged
		}
		n += copy(base[:], start[n:])
	default:
		return e, base, errDamaged
	}
	e.data = offset + int64(n)
	return e, base, nil
}

// parseDistance reads how far before a delta its base begins: seven bits a
// byte, the highest first, and for every further byte one more than these say.
// It is 0 where it doesn't end.
func parseDistance(start []byte) (distance int64, used int) {
	for i, b := range start {
		if distance = distance<<7 | int64(b&0x7f); b&0x80 == 0 {
			return distance, i + 1
		}
		if i == 8 {
			break
		}
		distance++
	}
	return 0, 0
}

// packWindow gives what stands in packs from some place on. It reads blocks
// and keeps the last ones, as what is read together often lies together.
type packWindow struct {
	pack *pack
	next int64

	blocks [8]packBlock
}

// packBlock is what stands in a pack from a multiple of blockSize on.
type packBlock struct {
	pack  *pack
	start int64
	data  []byte
}

const blockSize = 4 << 10

func (w *packWindow) Read(p []byte) (int, error) {
	if w.next < 0 || w.next >= w.pack.size {
		return 0, io.EOF
	}
	start := w.next &^ (blockSize - 1)
	b := &w.blocks[start/blockSize%int64(len(w.blocks))]
	if b.pack != w.pack || b.start != start {
		if err := b.read(w.pack, start); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.data[w.next-start:])
	w.next += int64(n)
	return n, nil
}

func (b *packBlock) read(p *pack, start int64) error {
	if b.data == nil {
		b.data = make([]byte, blockSize)
	}
	b.pack = nil
	b.data = b.data[:min(blockSize, p.size-start)]
	if _, err := p.file.ReadAt(b.data, start); err != nil {
		return err
	}
	b.pack, b.start = p, start
	return nil
}
