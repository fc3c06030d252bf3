package git

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// entryStart encodes what parseEntry reads; base is a distance or a name.
func entryStart(kind plumbing.ObjectType, size int64, base ...byte) []byte {
	b := []byte{byte(kind)<<4 | byte(size&15)}
	for size >>= 4; size > 0; size >>= 7 {
		b[len(b)-1] |= 0x80
		b = append(b, byte(size&0x7f))
	}
	return append(b, base...)
}

// encodeDistance encodes what parseDistance reads.
func encodeDistance(distance int64) []byte {
	b := []byte{byte(distance & 0x7f)}
	for distance >>= 7; distance > 0; distance >>= 7 {
		distance--
		b = append(b, 0x80|byte(distance&0x7f))
	}
	slices.Reverse(b)
	return b
}

// parseEntry gives back what was encoded, and takes all else for damage.
func FuzzPackEntry(f *testing.F) {
	f.Add(int64(0), int64(12), []byte{0x35})
	f.Add(int64(1<<40), int64(1<<40), []byte{0xb0, 0x80, 0x80, 0x00})
	f.Add(int64(15), int64(128), bytes.Repeat([]byte{0xff}, 40))
	f.Add(int64(16), int64(16511), []byte{})
	f.Fuzz(func(t *testing.T, size, distance int64, other []byte) {
		const offset = 1 << 61
		e, _, err := parseEntry(other, offset)
		if err != nil && !errors.Is(err, errDamaged) || err == nil && (e.size < 0 || e.base < 0 || e.data <= offset || e.data > offset+int64(len(other))) {
			t.Errorf("%x: %+v, %v", other, e, err)
		}
		if size < 0 || size >= 1<<60 || distance <= 0 || distance >= 1<<60 { // more than any file has
			return
		}
		var name plumbing.Hash
		binary.BigEndian.PutUint64(name[5:], uint64(distance))
		for kind, base := range map[plumbing.ObjectType][]byte{
			plumbing.CommitObject: nil, plumbing.TreeObject: nil, plumbing.BlobObject: nil, plumbing.TagObject: nil,
			plumbing.OFSDeltaObject: encodeDistance(distance), plumbing.REFDeltaObject: name[:],
		} {
			start := entryStart(kind, size, base...)
			want := packEntry{offset: offset, kind: kind, size: size, data: offset + int64(len(start))}
			if kind == plumbing.OFSDeltaObject {
				want.base = offset - distance
			}
			got, gotName, err := parseEntry(append(slices.Clone(start), other...), offset)
			if got != want || err != nil || kind == plumbing.REFDeltaObject && gotName != name {
				t.Errorf("%+v, %s, %v; want %+v", got, gotName, err, want)
			}
			if len(start) > maxEntryStart {
				t.Errorf("a start of %d bytes", len(start))
			}
			for i := range start {
				if _, _, err := parseEntry(start[:i], offset); !errors.Is(err, errDamaged) {
					t.Errorf("%x, cut: %v", start[:i], err)
				}
			}
		}
	})
}
