package git

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
)

// encodeIndex makes the index file of a pack.
func encodeIndex(version int, offsets map[plumbing.Hash]uint64) []byte {
	names := slices.SortedFunc(maps.Keys(offsets), func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) })
	var b, near, far []byte
	if version == 2 {
		b = append(b, indexMagic...)
	}
	i := 0
	for first := range 256 {
		for i < len(names) && int(names[i][0]) == first {
			i++
		}
		b = binary.BigEndian.AppendUint32(b, uint32(i))
	}
	for _, name := range names {
		offset := offsets[name]
		switch {
		case version == 1:
			b = binary.BigEndian.AppendUint32(b, uint32(offset))
		case offset < farOffset:
			near = binary.BigEndian.AppendUint32(near, uint32(offset))
		default:
			near = binary.BigEndian.AppendUint32(near, farOffset|uint32(len(far)/8))
			far = binary.BigEndian.AppendUint64(far, offset)
		}
		b = append(b, name[:]...)
	}
	if version == 2 {
		b = append(b, make([]byte, 4*len(names))...) // checksums, which nobody looks at
		b = append(append(b, near...), far...)
	}
	b = append(b, make([]byte, sha1Size)...)
	sum := sha1.Sum(b)
	return append(b, sum[:]...)
}

// someOffsets names objects by numbers.
func someOffsets(offsets ...uint64) map[plumbing.Hash]uint64 {
	all := make(map[plumbing.Hash]uint64)
	for i, offset := range offsets {
		all[sha1.Sum(binary.BigEndian.AppendUint32(nil, uint32(i)))] = offset
	}
	return all
}

func openIndex(tb testing.TB, data []byte) (*packIndex, error) {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "pack.idx")
	must(tb, os.WriteFile(name, data, 0o600))
	return openPackIndex(name)
}

// TestPackIndex looks up offsets that need more than 31 bits, in an index that
// is held and in one that isn't.
func TestPackIndex(t *testing.T) {
	t.Parallel()
	many := make([]uint64, heldIndex/24+1)
	for i := range many {
		many[i] = uint64(12 + i*30_000)
	}
	for name, c := range map[string]struct {
		version int
		offsets map[plumbing.Hash]uint64
		held    bool
	}{
		"none":           {2, nil, true},
		"one":            {2, someOffsets(12), true},
		"far":            {2, someOffsets(12, 1<<31-1, 1<<31, 1<<32, 1<<40, 13, 1<<62), true},
		"larger":         {2, someOffsets(many...), false},
		"old":            {1, someOffsets(12, 1<<31, 1<<32-1), true},
		"old, of none":   {1, nil, true},
		"old and larger": {1, someOffsets(many...), false},
	} {
		x, err := openIndex(t, encodeIndex(c.version, c.offsets))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if held := x.file == nil; held != c.held {
			t.Errorf("%s: held: %v", name, held)
		}
		step := 0
		for id, offset := range c.offsets {
			if c.version == 1 {
				offset &= 1<<32 - 1
			}
			if step++; step > 5000 {
				break
			}
			if got, err := x.find(id); uint64(got) != offset || err != nil {
				t.Errorf("%s: find(%s) = %d, %v; want %d", name, id, got, err, offset)
			}
			id[19] ^= 1
			if _, err := x.find(id); !errors.Is(err, errNoObject) {
				t.Errorf("%s: find(%s) = %v, want errNoObject", name, id, err)
			}
		}
		must(t, x.verify())
		must(t, x.Close())
	}
}

func TestDamagedPackIndex(t *testing.T) {
	t.Parallel()
	offsets := someOffsets(12, 100, 200)
	for version := 1; version <= 2; version++ {
		whole := encodeIndex(version, offsets)
		for cut := 0; cut < len(whole); cut += 11 {
			if _, err := openIndex(t, whole[:cut]); !errors.Is(err, errDamaged) {
				t.Errorf("version %d, cut at %d: %v, want errDamaged", version, cut, err)
			}
		}
		falling := slices.Clone(whole)
		falling[len(falling)%8+100*4] ^= 0x80
		if _, err := openIndex(t, falling); !errors.Is(err, errDamaged) {
			t.Errorf("version %d, a fanout that falls: %v, want errDamaged", version, err)
		}
	}
	outside := encodeIndex(2, offsets)
	copy(outside[len(indexMagic)+fanoutSize+3*24:], bytes.Repeat([]byte{0xff}, 12))
	negative := encodeIndex(2, someOffsets(1<<63, 1<<63, 1<<63))
	for name, data := range map[string][]byte{"outside": outside, "negative": negative} {
		x, err := openIndex(t, data)
		must(t, err)
		for id := range offsets {
			if _, err := x.find(id); !errors.Is(err, errDamaged) {
				t.Errorf("%s: find = %v, want errDamaged", name, err)
			}
		}
	}
}

// TestDamagedIndexHidesNothing flips bytes all over an index: nothing may be
// read as something else, nor seem to be missing.
func TestDamagedIndexHidesNothing(t *testing.T) {
	t.Parallel()
	c := manyVersions(t, 8)
	all := c.allObjects()
	file := indexOf(c.onlyPack())
	whole, err := os.ReadFile(file)
	must(t, err)
	must(t, os.Chmod(file, 0o644))
	seen := 0
	for at := 0; at < len(whole); at += max(1, len(whole)/400) {
		flipped := slices.Clone(whole)
		flipped[at] ^= 0x55
		must(t, os.WriteFile(file, flipped, 0o600))
		r := c.reader()
		for _, o := range all {
			_, data, err := r.read(o.id)
			if err != nil {
				seen++
			}
			if err == nil && string(data) != o.content || err != nil && !errors.Is(err, errDamaged) {
				t.Errorf("byte %d: %s: %d bytes, %v", at, o.id, len(data), err)
			}
		}
	}
	if seen == 0 {
		t.Error("no flip was seen")
	}
}

// What go-git finds by an index is found, too. Any other is damaged, or of
// what it holds something is.
func FuzzPackIndex(f *testing.F) {
	f.Add(encodeIndex(2, someOffsets(12, 1<<31, 1<<40)))
	f.Add(encodeIndex(1, someOffsets(12, 1<<31)))
	f.Add(encodeIndex(2, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		theirs := idxfile.NewMemoryIndex()
		errTheirs := idxfile.NewDecoder(bytes.NewReader(data)).Decode(theirs)
		x, err := openIndex(t, data)
		if err != nil {
			if !errors.Is(err, errDamaged) || errTheirs == nil {
				t.Errorf("%v; go-git: %v", err, errTheirs)
			}
			return
		}
		for i := range int64(x.fanout[255]) {
			var id plumbing.Hash
			must(t, x.readAt(id[:], x.names.at(i)))
			got, err := x.find(id)
			if err != nil && !errors.Is(err, errDamaged) && !errors.Is(err, errNoObject) || got < 0 {
				t.Errorf("find(%s) = %d, %v", id, got, err)
			}
			if errTheirs != nil {
				continue
			}
			if want, errWant := theirs.FindOffset(id); errWant == nil && err == nil && got != want {
				t.Errorf("find(%s) = %d; go-git: %d", id, got, want)
			}
		}
	})
}

// TestIndexIsGone: another git may have removed it just now.
func TestIndexIsGone(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "pack-"+strings.Repeat("1", 40)+".idx")
	must(t, os.WriteFile(strings.TrimSuffix(name, ".idx")+".pack", nil, 0o600))
	if _, err := openPack(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("openPack = %v, want fs.ErrNotExist", err)
	}
}
