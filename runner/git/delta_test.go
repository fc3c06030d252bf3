package git

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// sizedDelta makes a delta of ops.
func sizedDelta(from, to int, ops ...string) []byte {
	var delta []byte
	for _, size := range []int{from, to} {
		for ; size > 0x7f; size >>= 7 {
			delta = append(delta, byte(size)|0x80)
		}
		delta = append(delta, byte(size))
	}
	return append(delta, strings.Join(ops, "")...)
}

func TestPatch(t *testing.T) {
	t.Parallel()
	const base = "0123456789"
	long := strings.Repeat("x", 0x10000) + "y"
	for name, c := range map[string]struct {
		base  string
		delta []byte
		want  string // "damaged" for errDamaged
	}{
		"copy and insert":     {base, sizedDelta(10, 7, "\x91\x08\x02", "\x03abc", "\x90\x02"), "89abc01"},
		"insert alone":        {"", sizedDelta(0, 2, "\x02ab"), "ab"},
		"to nothing":          {base, sizedDelta(10, 0), ""},
		"no length is 64 KiB": {long, sizedDelta(len(long), 0x10000, "\x80"), long[:0x10000]},
		"three bytes long":    {long, sizedDelta(len(long), 0x10001, "\xf0\x01\x00\x01"), long},
		"start of two bytes":  {long, sizedDelta(len(long), 2, "\x93\xff\xff\x02"), "xy"},

		"nothing":              {base, nil, "damaged"},
		"another base":         {base, sizedDelta(9, 1, "\x01a"), "damaged"},
		"too short":            {base, sizedDelta(10, 2, "\x01a"), "damaged"},
		"too long":             {base, sizedDelta(10, 1, "\x01a", "\x01b"), "damaged"},
		"far too long":         {base, sizedDelta(10, 1<<55, "\x01a"), "damaged"},
		"reserved op":          {base, sizedDelta(10, 1, "\x00", "\x01a"), "damaged"},
		"insert that is cut":   {base, sizedDelta(10, 3, "\x03ab"), "damaged"},
		"copy that is cut":     {base, sizedDelta(10, 3, "\x91\x08"), "damaged"},
		"copy behind the base": {base, sizedDelta(10, 3, "\x91\x08\x03"), "damaged"},
		"copy of a far start":  {base, sizedDelta(10, 3, "\x9f\xff\xff\xff\xff\x03"), "damaged"},
		"size without an end":  {base, bytes.Repeat([]byte{0x80}, 20), "damaged"},
	} {
		got, err := patch([]byte(c.base), c.delta)
		if c.want == "damaged" {
			if !errors.Is(err, errDamaged) {
				t.Errorf("%s: %q, %v; want errDamaged", name, got, err)
			}
		} else if string(got) != c.want || err != nil {
			t.Errorf("%s: %d bytes, %v; want %d", name, len(got), err, len(c.want))
		}
	}
}

// What patch accepts go-git makes the same of. It is damaged as soon as it is
// cut anywhere or goes on.
func FuzzPatch(f *testing.F) {
	f.Add([]byte("0123456789"), sizedDelta(10, 7, "\x91\x08\x02", "\x03abc", "\x90\x02"))
	f.Add(bytes.Repeat([]byte("x"), 0x10001), sizedDelta(0x10001, 0x10002, "\xf0\x01\x00\x01", "\x01a"))
	f.Add([]byte{}, sizedDelta(0, 2, "\x02ab"))
	f.Add([]byte("a"), sizedDelta(1, 1<<50, "\x80"))
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		got, err := patch(base, delta)
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Fatal(err)
			}
			return
		}
		// go-git takes no empty base.
		if want, err := packfile.PatchDelta(base, delta); len(base) > 0 && (!bytes.Equal(got, want) || err != nil) {
			t.Errorf("%x on %x: %x; go-git: %x, %v", delta, base, got, want, err)
		}
		if len(got)*len(delta) > 1<<20 { // too many bytes for all that follows
			return
		}
		for i := range delta {
			if got, err := patch(base, delta[:i]); !errors.Is(err, errDamaged) {
				t.Errorf("%x on %x, cut: %x, %v", delta[:i], base, got, err)
			}
		}
		for _, more := range []byte{0, 1, 0x80, 0x91, 0xff} {
			if got, err := patch(base, append(slices.Clone(delta), more)); !errors.Is(err, errDamaged) {
				t.Errorf("%x on %x, and %x: %x, %v", delta, base, more, got, err)
			}
		}
	})
}
