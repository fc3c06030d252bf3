package storage

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	for _, want := range []record{
		{kind: put, version: 1, key: "k"},
		{kind: put, more: true, version: 1 << 60, synced: 1 << 40, key: "key", value: []byte("value")},
		{kind: del, version: 7, key: string(bytes.Repeat([]byte("k"), MaxKey))},
		{kind: seal, version: 9},
	} {
		const salt, at = 42, 1000
		data, sum := appendRecord([]byte("before"), want, salt, at, 5)
		data = data[len("before"):]
		h, whole, short := decodeHead(data, salt, at)
		if !whole || short || h.sum != sum || h.prev != 5 || h.size() != int64(len(data)) || h.size() != recordSize(want.key, want.value) {
			t.Errorf("%+v is read as %+v, %t, %t", want, h, whole, short)
		}
		got := record{kind: h.kind, more: h.more, version: h.version, synced: h.synced, key: string(h.key)}
		got.value = data[headSize+len(h.key):][:h.valueSize]
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
		// At another offset, or in another log, it is not valid.
		if _, whole, _ := decodeHead(data, salt, at+1); whole {
			t.Errorf("%+v is whole in another place", want)
		}
		if _, whole, _ := decodeHead(data, salt+1, at); whole {
			t.Errorf("%+v is whole in another log", want)
		}
	}
}

// In every implementation the finalizer of 1 is 0xb456bcfc34c2cb2c, and that of 0 is 0.
func TestPlaced(t *testing.T) {
	t.Parallel()
	data := []byte("123456789")
	for _, tt := range []struct {
		salt uint64
		at   int64
		want uint32 // XORed with the CRC-32C, whose check value is 0xe3069283
	}{{0, 0, 0}, {1, 0, 0xb456bcfc}, {0, 1, 0xb456bcfc}, {5, 4, 0xb456bcfc}} {
		if got := sumAt(tt.salt, tt.at, data) ^ 0xe3069283; got != tt.want {
			t.Errorf("sumAt(%d, %d) = %#x, want %#x", tt.salt, tt.at, got, tt.want)
		}
	}
}

// A piece returns only bytes that it has.
func TestPiece(t *testing.T) {
	t.Parallel()
	p := &piece{at: 10, data: []byte("abcd")}
	for _, c := range []struct {
		at, size int64
		want     string
	}{{10, 4, "abcd"}, {11, 2, "bc"}, {14, 0, ""}, {9, 1, ""}, {9, 3, ""}, {13, 2, ""}, {20, 1, ""}} {
		if got := p.slice(c.at, c.size); string(got) != c.want {
			t.Errorf("%d bytes at %d: %q, want %q", c.size, c.at, got, c.want)
		}
	}
	if got := (*piece)(nil).slice(10, 1); got != nil {
		t.Errorf("no piece gives %q", got)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	h := header{generation: 3, salt: 1 << 63, base: 9, initial: 500}
	data := h.encode()
	if got, err := decodeHeader(data, "f", 3); got != h || err != nil {
		t.Errorf("%+v is read as %+v, %v", h, got, err)
	}
	newer := bytes.Clone(data)
	for _, b := range [][]byte{newer[:headerCopy], newer[headerCopy:]} {
		binary.LittleEndian.PutUint32(b[8:], format+1)
		binary.LittleEndian.PutUint32(b[60:], checksum(0, b[:60]))
	}
	for name, tt := range map[string]struct {
		data       []byte
		generation uint64
		want       error
	}{
		"empty":             {nil, 3, ErrCorrupt},
		"zeros":             {make([]byte, 200), 3, ErrCorrupt},
		"foreign":           {bytes.Repeat([]byte("SQLite format 3\x00"), 20), 3, ErrCorrupt},
		"of another number": {data, 4, ErrCorrupt},
		"newer":             {newer, 3, ErrNewerFormat},
	} {
		if _, err := decodeHeader(tt.data, "f", tt.generation); err == nil || !isErr(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]uint64{"store.7.log": 7, "store.18446744073709551615.log": 1<<64 - 1} {
		if n, ok := parseName(name, logSuffix); n != want || !ok {
			t.Errorf("%s: %d, %t", name, n, ok)
		}
	}
	for _, name := range []string{
		"store.07.log", "store.+7.log", "store..log", "store.7.logs", "xstore.7.log", "store.7.mark",
		"store.18446744073709551616.log",
	} {
		if _, ok := parseName(name, logSuffix); ok {
			t.Errorf("%s is taken for a log", name)
		}
	}
}

// play replays a log in pieces of at least the given size, as a reader does.
func play(data []byte, mark int64, piece int) *replay {
	r := newReplay("log", header{})
	r.synced = mark
	for more := true; more; {
		before := r.end
		to := min(len(data), int(before)-logStart+piece)
		more = r.consume(data[before-logStart:to], logStart+int64(len(data)))
		if r.end == before {
			piece *= 2
		}
	}
	return r
}

func logOf(records ...record) []byte {
	var data []byte
	var prev uint32
	for i, r := range records {
		r.version = Version(i + 1)
		data, prev = appendRecord(data, r, 0, logStart+int64(len(data)), prev)
	}
	return data
}

// FuzzReplay replays arbitrary bytes, and a good log with arbitrary damage. Replay never
// panics, applies only whole records, and has the same result for every size of the
// pieces in which the log is read.
func FuzzReplay(f *testing.F) {
	good := logOf(record{kind: put, key: "a", value: []byte("1")}, record{kind: put, more: true, key: "b"}, record{kind: del, key: "a"},
		record{kind: put, key: "c", value: bytes.Repeat([]byte("long"), 100)}, record{kind: seal})
	f.Add(good, []byte{}, int64(0), uint16(1))
	f.Add(good, []byte{0, 10, 1}, int64(len(good))+logStart, uint16(50))
	f.Add(good[:200], []byte{0, 100, 255, 0, 60, 1}, int64(400), uint16(64))
	f.Add([]byte("foreign"), []byte{}, int64(1000), uint16(3))
	f.Fuzz(func(t *testing.T, data, edits []byte, mark int64, piece uint16) {
		data = bytes.Clone(data)
		for ; len(edits) >= 3 && len(data) > 0; edits = edits[3:] {
			data[int(binary.BigEndian.Uint16(edits))%len(data)] ^= edits[2]
		}
		r := play(data, mark, len(data)+1)
		if r.end < logStart || r.end > logStart+int64(len(data)) {
			t.Fatalf("the end is %d of %d", r.end, len(data))
		}
		for key, e := range r.entries {
			value := data[e.valueAt(key)-logStart:]
			if !e.unusable && checksum(0, value[:e.size]) != e.sum {
				t.Errorf("%q has a value that is not whole", key)
			}
		}
		pieces := play(data, mark, int(piece)+1)
		if !reflect.DeepEqual(r, pieces) { // not cmp: its coverage differs from run to run, which misleads the fuzzer
			t.Errorf("in pieces of %d:\n%+v, whole:\n%+v", piece+1, pieces, r)
		}
	})
}

// FuzzDamage damages a good log, all of which was synced, in any number of places. No key
// ever has a wrong value.
func FuzzDamage(f *testing.F) {
	value := func(i int) []byte { return bytes.Repeat([]byte{'a' + byte(i)}, 10*i) }
	var records []record
	for i := range 12 {
		records = append(records, record{kind: put, more: i%4 == 1, key: string(rune('k' + i%5)), value: value(i)})
	}
	good := logOf(append(records, record{kind: del, key: "k"})...)
	want := play(good, 0, len(good)+1)
	f.Add([]byte{0, 10, 1}, uint16(0))
	f.Add([]byte{0, 1, 1, 1, 1, 1, 2, 2, 2}, uint16(9))
	f.Add([]byte{}, uint16(300))
	f.Fuzz(func(t *testing.T, edits []byte, cutOff uint16) {
		data := bytes.Clone(good)
		for ; len(edits) >= 3; edits = edits[3:] {
			data[int(binary.BigEndian.Uint16(edits))%len(data)] ^= edits[2]
		}
		data = data[:len(data)-int(cutOff)%len(data)]
		r := play(data, logStart+int64(len(good)), len(data)+1)
		for _, key := range []string{"k", "l", "m", "n", "o", "p"} {
			wanted, had, _ := want.find(key)
			got, ok, err := r.find(key)
			if err == nil && (ok != had || got != wanted) {
				t.Errorf("%q is %+v, want %+v", key, got, wanted)
			}
		}
	})
}
