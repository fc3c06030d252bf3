package git

import (
	"bufio"
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/klauspost/compress/zlib"
)

const (
	// maxChain is how many deltas may build upon each other: git makes no more.
	maxChain = 4095
	// maxHeld is how many bytes of deltas are held until that which they build
	// upon is there. Those beyond are read once more then.
	maxHeld = 1 << 20
)

// packReader reads objects of packs (gitformat-pack(5)), deltas and others, in
// less than half of the time that go-git takes. It serves one goroutine.
type packReader struct {
	window   packWindow
	buffered *bufio.Reader // what lies at window
	inflate  io.ReadCloser // what is buffered, inflated; nil until it was needed
	hash     hash.Hash
	kept     keptObjects
	chain    []packedDelta // of the object that is being read
}

func newPackReader() *packReader {
	r := &packReader{hash: sha1.New()}
	r.buffered = bufio.NewReader(&r.window)
	return r
}

// packedObject is an object in memory. Others may share the content.
type packedObject struct {
	kind    plumbing.ObjectType
	content []byte
	name    Hash // "" until somebody asked for it
}

// packedDelta is a delta; its content is nil where it wasn't held.
type packedDelta struct {
	packEntry
	content []byte
}

// read gives an object. The content is that of the object's name, or the error
// is errDamaged.
func (r *packReader) read(at location, id Hash) (*packedObject, error) {
	o := r.kept.get(at.pack, at.offset)
	if o == nil {
		e, err := r.entry(at.pack, at.offset)
		if err != nil {
			return nil, err
		}
		if o, err = r.object(e); err != nil {
			return nil, err
		}
	}
	return o, r.check(o, id)
}

// copy writes an object's content to w. One of more than limit bytes is held
// in memory only where it is a delta; of that, w may get what turns out to be
// damaged.
func (r *packReader) copy(w io.Writer, at location, id Hash, limit int64) (int64, error) {
	e, err := r.entry(at.pack, at.offset)
	if err != nil {
		return 0, err
	}
	if e.size > limit && !e.kind.IsDelta() {
		return r.stream(w, e, id)
	}
	o, err := r.object(e)
	if err == nil {
		err = r.check(o, id)
	}
	if err != nil {
		return 0, err
	}
	n, err := w.Write(o.content)
	return int64(n), err
}

// check makes sure of an object's name, once.
func (r *packReader) check(o *packedObject, id Hash) error {
	if o.name == id {
		return nil
	}
	r.begin(o.kind, int64(len(o.content)))
	r.hash.Write(o.content) // a hash takes every write
	if err := r.end(id); err != nil {
		return err
	}
	o.name = id
	return nil
}

// begin starts the computing of a name.
func (r *packReader) begin(kind plumbing.ObjectType, size int64) {
	r.hash.Reset()
	start := append(append(make([]byte, 0, 32), kind.Bytes()...), ' ')
	r.hash.Write(append(strconv.AppendInt(start, size, 10), 0))
}

// end compares what begin started with the name that it should be.
func (r *packReader) end(id Hash) error {
	if hex.EncodeToString(r.hash.Sum(nil)) != string(id) {
		return errDamaged
	}
	return nil
}

// stream writes an object that is no delta to w.
func (r *packReader) stream(w io.Writer, e packEntry, id Hash) (int64, error) {
	if err := r.open(e); err != nil {
		return 0, err
	}
	r.begin(e.kind, e.size)
	piece := make([]byte, 64<<10)
	for wrote := int64(0); wrote < e.size; wrote += int64(len(piece)) {
		piece = piece[:min(e.size-wrote, int64(len(piece)))]
		if _, err := io.ReadFull(r.inflate, piece); err != nil {
			return wrote, damaged(err)
		}
		r.hash.Write(piece)
		if n, err := w.Write(piece); err != nil {
			return wrote + int64(n), err
		}
	}
	return e.size, cmp.Or(r.close(), r.end(id))
}

// object reads an object, and keeps it and what it builds upon for others that
// do. A base is looked for in the same pack only, as git never leaves a pack
// that lacks one.
func (r *packReader) object(e packEntry) (o *packedObject, err error) {
	r.chain = r.chain[:0]
	for held := int64(0); e.kind.IsDelta(); {
		if len(r.chain) == maxChain {
			return nil, errDamaged
		}
		l := packedDelta{packEntry: e}
		if held += e.size; held <= maxHeld {
			if l.content, err = r.content(e); err != nil {
				return nil, err
			}
		}
		r.chain = append(r.chain, l)
		if o = r.kept.get(e.pack, e.base); o != nil {
			break
		}
		if e, err = r.entry(e.pack, e.base); err != nil {
			return nil, err
		}
	}
	if o == nil {
		content, err := r.content(e)
		if err != nil {
			return nil, err
		}
		o = r.kept.put(e, &packedObject{kind: e.kind, content: content})
	}
	for _, d := range slices.Backward(r.chain) {
		if o, err = r.build(o, d); err != nil {
			return nil, err
		}
	}
	clear(r.chain)
	return o, nil
}

// build makes the object of a delta from that which it builds upon.
func (r *packReader) build(base *packedObject, d packedDelta) (*packedObject, error) {
	if d.content == nil {
		var err error
		if d.content, err = r.content(d.packEntry); err != nil {
			return nil, err
		}
	}
	content, err := patch(base.content, d.content)
	if err != nil {
		return nil, err
	}
	return r.kept.put(d.packEntry, &packedObject{kind: base.kind, content: content}), nil
}

// entry reads how an object begins.
func (r *packReader) entry(p *pack, offset int64) (packEntry, error) {
	r.seek(p, offset)
	start, err := r.buffered.Peek(maxEntryStart)
	if err != nil && !errors.Is(err, io.EOF) {
		return packEntry{}, err
	}
	e, base, err := parseEntry(start, offset)
	if err != nil {
		return packEntry{}, err
	}
	e.pack = p
	if e.kind == plumbing.REFDeltaObject {
		if e.base, err = p.index.find(base); errors.Is(err, errNoObject) {
			err = errDamaged
		}
	}
	return e, err
}

// content inflates what an entry holds. No more memory is taken at once than
// there turns out to be, as the size may be wrong.
func (r *packReader) content(e packEntry) ([]byte, error) {
	if err := r.open(e); err != nil {
		return nil, err
	}
	const sure = 1 << 20
	content := make([]byte, min(e.size, sure))
	for filled := 0; ; {
		if _, err := io.ReadFull(r.inflate, content[filled:]); err != nil {
			return nil, damaged(err)
		}
		filled = len(content)
		if int64(filled) == e.size {
			return content, r.close()
		}
		content = append(content, make([]byte, min(e.size-int64(filled), int64(filled)))...)
	}
}

// open readies the inflater for what an entry holds.
func (r *packReader) open(e packEntry) (err error) {
	r.seek(e.pack, e.data)
	if r.inflate == nil {
		r.inflate, err = zlib.NewReader(r.buffered)
	} else {
		err = r.inflate.(zlib.Resetter).Reset(r.buffered, nil)
	}
	return damaged(err)
}

// close reads one byte more, to see that the content ends there and that its
// checksum is right.
func (r *packReader) close() error {
	var more [1]byte
	if n, err := r.inflate.Read(more[:]); n > 0 || !errors.Is(err, io.EOF) {
		return cmp.Or(damaged(err), errDamaged)
	}
	return nil
}

func (r *packReader) seek(p *pack, offset int64) {
	r.window.pack, r.window.next = p, offset
	r.buffered.Reset(&r.window)
}

// damaged makes an error of the inflater errDamaged, unless the file itself
// can't be read.
func damaged(err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("inflating: %w", err)
	}
	if err != nil {
		return errDamaged
	}
	return nil
}
