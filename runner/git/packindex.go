package git

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

// packIndex is the index file of a pack, of version 1 or 2
// (gitformat-pack(5)): a table of how many objects have a first byte up to
// each, then the objects' names in order, each with where the object begins.
// It is searched where it lies; go-git would first read and copy all of it.
// Goroutines may share it.
type packIndex struct {
	name   string
	size   int64
	file   *os.File // nil where small holds it
	small  []byte
	fanout [256]uint32
	old    bool // version 1

	names, offsets column
	far            int64 // where the 64-bit offsets stand
}

// column is where something stands of the first object, and how many bytes
// further of each that follows.
type column struct{ start, step int64 }

func (c column) at(i int64) int64 { return c.start + i*c.step }

const (
	// heldIndex is the size in bytes up to which an index is read as a whole,
	// which is cheaper than a system call for each step of each search.
	heldIndex = 8 << 20

	nameSize     = int64(sha1Size)
	fanoutSize   = 256 * 4
	indexTrailer = 2 * nameSize // the checksums of the pack and of the index
	farOffset    = 1 << 31      // marks a place in the table of 64-bit offsets
)

// indexMagic begins an index of version 2; of version 1, the fanout does.
const indexMagic = "\xfftOc\x00\x00\x00\x02"

func openPackIndex(name string) (x *packIndex, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	x = &packIndex{name: name, file: file}
	if err = x.read(); err == nil && x.size <= heldIndex {
		x.small = make([]byte, x.size)
		if _, err = file.ReadAt(x.small, 0); err == nil {
			x.file, err = nil, file.Close()
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading %s: %w", name, err), x.Close())
	}
	return x, nil
}

// Close closes the file, if it is open.
func (x *packIndex) Close() error {
	if x.file == nil {
		return nil
	}
	return x.file.Close()
}

// read reads what comes before the names, and compares the size of the file
// with it.
func (x *packIndex) read() error {
	info, err := x.file.Stat()
	if err != nil {
		return err
	}
	x.size = info.Size()
	var start [len(indexMagic) + fanoutSize]byte
	if _, err := x.file.ReadAt(start[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	table := start[len(indexMagic):]
	if x.old = !bytes.HasPrefix(start[:], []byte(indexMagic)); x.old {
		table = start[:]
	}
	for i := range x.fanout {
		x.fanout[i] = binary.BigEndian.Uint32(table[4*i:])
		if i > 0 && x.fanout[i] < x.fanout[i-1] {
			return errDamaged
		}
	}
	count := int64(x.fanout[255])
	if x.old {
		x.offsets = column{fanoutSize, 4 + nameSize}
		x.names = column{fanoutSize + 4, 4 + nameSize}
		x.far = x.offsets.at(count)
	} else {
		x.names = column{int64(len(start)), nameSize}
		x.offsets = column{x.names.at(count) + 4*count, 4} // behind the checksums
		x.far = x.offsets.at(count)
	}
	rest := x.size - x.far - indexTrailer
	if rest < 0 || rest%8 != 0 || rest > 8*count || x.old && rest > 0 {
		return errDamaged
	}
	return nil
}

// find gives where the object of a name begins in the pack; errNoObject where
// the pack hasn't got it.
func (x *packIndex) find(id plumbing.Hash) (int64, error) {
	low, high := int64(0), int64(x.fanout[id[0]])
	if id[0] > 0 {
		low = int64(x.fanout[id[0]-1])
	}
	var name [sha1Size]byte
	for low < high {
		middle := low + (high-low)/2
		if err := x.readAt(name[:], x.names.at(middle)); err != nil {
			return 0, err
		}
		switch order := bytes.Compare(id[:], name[:]); {
		case order == 0:
			return x.offset(middle)
		case order < 0:
			high = middle
		default:
			low = middle + 1
		}
	}
	return 0, errNoObject
}

// offset reads the i-th object's.
func (x *packIndex) offset(i int64) (int64, error) {
	var b [8]byte
	if err := x.readAt(b[:4], x.offsets.at(i)); err != nil {
		return 0, err
	}
	near := binary.BigEndian.Uint32(b[:4])
	if x.old || near < farOffset {
		return int64(near), nil
	}
	at := x.far + 8*int64(near-farOffset)
	if at+8 > x.size-indexTrailer {
		return 0, x.damaged()
	}
	if err := x.readAt(b[:], at); err != nil {
		return 0, err
	}
	far := binary.BigEndian.Uint64(b[:])
	if far > math.MaxInt64 {
		return 0, x.damaged()
	}
	return int64(far), nil
}

// readAt fills p; what stands there exists.
func (x *packIndex) readAt(p []byte, at int64) error {
	if x.file == nil {
		copy(p, x.small[at:])
		return nil
	}
	if _, err := x.file.ReadAt(p, at); err != nil {
		return fmt.Errorf("reading %s: %w", x.name, err)
	}
	return nil
}

// verify compares the whole index with its checksum. As in git no search
// does that: what an index says of an object is shown wrong by the object.
// Not so that it holds none.
func (x *packIndex) verify() error {
	var from io.ReaderAt = x.file
	if x.file == nil {
		from = bytes.NewReader(x.small)
	}
	sum := sha1.New()
	if _, err := io.Copy(sum, io.NewSectionReader(from, 0, x.size-nameSize)); err != nil {
		return fmt.Errorf("reading %s: %w", x.name, err)
	}
	var want [sha1Size]byte
	if err := x.readAt(want[:], x.size-nameSize); err != nil {
		return err
	}
	if !bytes.Equal(sum.Sum(nil), want[:]) {
		return x.damaged()
	}
	return nil
}

func (x *packIndex) damaged() error { return fmt.Errorf("reading %s: %w", x.name, errDamaged) }
