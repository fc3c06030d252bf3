package git

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// handPack is a pack that git would not have made.
type handPack struct {
	data    []byte
	offsets map[plumbing.Hash]uint64
	deflate *zlib.Writer
}

// add adds what follows the type and size of an object that is found by a name.
func (p *handPack) add(name plumbing.Hash, kind plumbing.ObjectType, size int64, base []byte, content string) {
	if p.data == nil {
		p.data = binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), 0)
		p.offsets = make(map[plumbing.Hash]uint64)
		p.deflate = zlib.NewWriter(nil)
	}
	p.offsets[name] = uint64(len(p.data))
	p.data = append(p.data, entryStart(kind, size, base...)...)
	var b bytes.Buffer
	p.deflate.Reset(&b)
	io.WriteString(p.deflate, content)
	p.deflate.Close()
	p.data = append(p.data, b.Bytes()...)
}

// open gives a reader for a repository that has the pack alone.
func (p *handPack) open(tb testing.TB) *nativeObjects {
	tb.Helper()
	dir := tb.TempDir()
	must(tb, os.MkdirAll(filepath.Join(dir, "objects", "pack"), 0o755))
	name := filepath.Join(dir, "objects", "pack", "pack-hand")
	must(tb, os.WriteFile(name+".pack", append(p.data, make([]byte, sha1Size)...), 0o600))
	must(tb, os.WriteFile(name+".idx", encodeIndex(2, p.offsets), 0o600))
	folders, err := findObjects(dir)
	must(tb, err)
	tb.Cleanup(func() { must(tb, folders.Close()) })
	return readNative(folders)
}

// TestHostilePack: no pack makes its reader take what isn't there, wait
// without an end, or use memory for sizes that aren't so.
func TestHostilePack(t *testing.T) {
	t.Parallel()
	blob := func(content string) plumbing.Hash { return plumbing.ComputeHash(plumbing.BlobObject, []byte(content)) }
	name := blob("ab")
	same := string(sizedDelta(2, 2, "\x90\x02"))
	for what, add := range map[string]func(p *handPack){
		"its own base": func(p *handPack) {
			p.add(name, plumbing.REFDeltaObject, int64(len(same)), name[:], same)
		},
		"bases in a ring": func(p *handPack) {
			other := blob("other")
			p.add(name, plumbing.REFDeltaObject, int64(len(same)), other[:], same)
			p.add(other, plumbing.REFDeltaObject, int64(len(same)), name[:], same)
		},
		"a base elsewhere": func(p *handPack) {
			other := blob("other")
			p.add(name, plumbing.REFDeltaObject, int64(len(same)), other[:], same)
		},
		"a base before the pack": func(p *handPack) {
			p.add(name, plumbing.OFSDeltaObject, int64(len(same)), encodeDistance(1000), same)
		},
		"a base that is no object": func(p *handPack) {
			p.add(name, plumbing.OFSDeltaObject, int64(len(same)), encodeDistance(10), same)
		},
		"too many deltas": func(p *handPack) {
			p.add(blob(""), plumbing.BlobObject, 2, nil, "ab")
			last := len(p.data)
			for i := range maxChain + 1 {
				at := len(p.data)
				id := blob(fmt.Sprint(i))
				if i == maxChain {
					id = name
				}
				p.add(id, plumbing.OFSDeltaObject, int64(len(same)), encodeDistance(int64(len(p.data)-last)), same)
				last = at
			}
		},
		"a delta for another base": func(p *handPack) {
			other := blob("abc")
			p.add(other, plumbing.BlobObject, 3, nil, "abc")
			p.add(name, plumbing.REFDeltaObject, int64(len(same)), other[:], same)
		},
		"another object":    func(p *handPack) { p.add(name, plumbing.BlobObject, 3, nil, "abc") },
		"another kind":      func(p *handPack) { p.add(name, plumbing.TagObject, 2, nil, "ab") },
		"less than it says": func(p *handPack) { p.add(name, plumbing.BlobObject, 1<<50, nil, "ab") },
		"more than it says": func(p *handPack) { p.add(name, plumbing.BlobObject, 1, nil, "ab") },
		"a reserved type":   func(p *handPack) { p.add(name, 5, 2, nil, "ab") },
		"a delta of less than it says": func(p *handPack) {
			delta := string(sizedDelta(2, 1<<50, "\x90\x02"))
			p.add(blob("x"), plumbing.BlobObject, 2, nil, "ab")
			p.add(name, plumbing.OFSDeltaObject, 1<<50, encodeDistance(int64(len(p.data))-12), delta)
		},
	} {
		var p handPack
		add(&p)
		r := p.open(t)
		id := hashOf(name)
		for range 2 { // the second time from what was kept
			if _, _, err := r.read(id); !errors.Is(err, errDamaged) {
				t.Errorf("%s: read = %v, want errDamaged", what, err)
			}
			if _, err := r.copy(io.Discard, id); !errors.Is(err, errDamaged) {
				t.Errorf("%s: copy = %v, want errDamaged", what, err)
			}
		}
	}
}

// TestLongestChain reads as many deltas on each other as there may be.
func TestLongestChain(t *testing.T) {
	t.Parallel()
	var p handPack
	content := "0123456789"
	ids := []Hash{}
	last := 0
	for i := range maxChain + 1 {
		at := len(p.data)
		if i == 0 {
			at = 12
			p.add(plumbing.ComputeHash(plumbing.BlobObject, []byte(content)), plumbing.BlobObject, 10, nil, content)
		} else {
			delta := sizedDelta(10, 10, "\x90\x06", "\x04"+fmt.Sprintf("%04d", i))
			content = content[:6] + fmt.Sprintf("%04d", i)
			p.add(plumbing.ComputeHash(plumbing.BlobObject, []byte(content)), plumbing.OFSDeltaObject, int64(len(delta)), encodeDistance(int64(at-last)), string(delta))
		}
		ids = append(ids, hashOf(plumbing.ComputeHash(plumbing.BlobObject, []byte(content))))
		last = at
	}
	r := p.open(t)
	if _, data, err := r.read(ids[maxChain]); string(data) != content || err != nil {
		t.Errorf("read = %q, %v; want %q", data, err, content)
	}
	for i, id := range ids {
		if _, _, err := r.read(id); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestLargeDeltas reads deltas that aren't held.
func TestLargeDeltas(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	c.git("config", "core.compression", "0")
	random := rand.NewChaCha8([32]byte{1})
	file := make([]byte, 4*maxHeld)
	random.Read(file)
	for i := range 4 {
		random.Read(file[i*maxHeld : i*maxHeld+maxHeld*3/4])
		must(t, os.WriteFile(c.path("f"), file, 0o600))
		c.commitAll("m")
	}
	c.git("repack", "-adfq")
	r := c.reader()
	for _, o := range c.allObjects() {
		var b bytes.Buffer
		n, err := r.copy(&b, o.id)
		if b.String() != o.content || n != int64(len(o.content)) || err != nil {
			t.Errorf("%s: copied %d bytes, %v; want %d", o.id, n, err, len(o.content))
		}
	}
	if size := r.packs.kept.size; size > keptSize/2 {
		t.Errorf("%d bytes are kept", size)
	}
}

// TestStreaming: what is too large to be held is copied, and seen to be
// damaged, too.
func TestStreaming(t *testing.T) {
	t.Parallel()
	content := string(make([]byte, streamAbove+1))
	name := plumbing.ComputeHash(plumbing.BlobObject, []byte(content))
	var sound handPack
	sound.add(name, plumbing.BlobObject, streamAbove+1, nil, content)
	var b strings.Builder
	if n, err := sound.open(t).copy(&b, hashOf(name)); b.String() != content || n != streamAbove+1 || err != nil {
		t.Errorf("copied %d bytes, %v", n, err)
	}
	for _, other := range []string{content[1:], content + "\x00", content[1:] + "x"} {
		var p handPack
		p.add(name, plumbing.BlobObject, streamAbove+1, nil, other)
		if _, err := p.open(t).copy(io.Discard, hashOf(name)); !errors.Is(err, errDamaged) {
			t.Errorf("copy = %v, want errDamaged", err)
		}
	}
}

// TestKeptIsBounded keeps more objects than there is room for.
func TestKeptIsBounded(t *testing.T) {
	t.Parallel()
	var k keptObjects
	p := &pack{}
	content := make([]byte, keptSize/100)
	for i := range int64(1000) {
		k.put(packEntry{pack: p, offset: i}, &packedObject{content: content})
		if k.get(p, 0) == nil {
			t.Fatalf("what was used all the time is gone after %d", i)
		}
	}
	if n := len(k.young) + len(k.old); n > 100 {
		t.Errorf("%d objects are kept", n)
	}
	if k.get(p, 999) == nil || k.get(p, 900) != nil {
		t.Error("what was read last isn't what is kept")
	}
	k.put(packEntry{pack: p, offset: 1000}, &packedObject{content: make([]byte, keptSize)})
	if k.get(p, 999) == nil {
		t.Error("a large object took the place of all others")
	}
}
