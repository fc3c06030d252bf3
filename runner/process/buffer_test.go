package process

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestBuffer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		head, tail int
		text       string
		want       string
		omitted    int64
	}{
		{"empty", 3, 3, "", "", 0},
		{"fits", 3, 3, "abcdef", "abcdef", 0},
		{"cut", 3, 3, "abcdefg", "abc\n[… 1 bytes left out …]\nefg", 1},
		{"no head", 0, 2, "abcd", "\n[… 2 bytes left out …]\ncd", 2},
		{"no tail", 2, 0, "abcd", "ab\n[… 2 bytes left out …]\n", 2},
		{"runes whole", 4, 4, "€€€€", "€\n[… 6 bytes left out …]\n€", 6},
		{"a rune over the seam fits", 2, 1, "€", "€", 0},
		{"bytes that are no UTF-8", 5, 5, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
			"\x80\x80\x80\x80\x80\n[… 1 bytes left out …]\n\x80\x80\x80\x80\x80", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := NewBuffer(tt.head, tt.tail)
			fmt.Fprint(b, tt.text)
			if got := b.String(); got != tt.want || b.Omitted() != tt.omitted {
				t.Errorf("%q with %d left out, want %q with %d", got, b.Omitted(), tt.want, tt.omitted)
			}
			if IsCut(b.String()) != (tt.omitted > 0) {
				t.Errorf("%q is cut: %v", b.String(), tt.omitted == 0)
			}
		})
	}
}

// TestBufferModel compares with a buffer that keeps everything.
func TestBufferModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		head := rapid.IntRange(0, 12).Draw(t, "head")
		tail := rapid.IntRange(0, 12).Draw(t, "tail")
		b := NewBuffer(head, tail)
		var all []byte
		for _, s := range rapid.SliceOf(rapid.StringN(0, 12, 30)).Draw(t, "writes") {
			if n, err := b.Write([]byte(s)); n != len(s) || err != nil {
				t.Fatalf("wrote %d of %d: %v", n, len(s), err)
			}
			all = append(all, s...)
		}
		want, omitted := naive(all, head, tail)
		if got := b.Bytes(); !bytes.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
		if b.Omitted() != int64(omitted) || b.Total() != int64(len(all)) {
			t.Fatalf("omitted %d of %d, want %d of %d", b.Omitted(), b.Total(), omitted, len(all))
		}
		if want := fmt.Sprintf("sha256:%x", sha256.Sum256(all)); b.Sum() != want {
			t.Fatalf("sum %s, want %s", b.Sum(), want)
		}
		if cap(b.head)+cap(b.tail) > 4*(head+tail)+64 {
			t.Fatalf("holds %d bytes for %d", cap(b.head)+cap(b.tail), head+tail)
		}
	})
}

// naive cuts valid UTF-8 by looking for the nearest cuts that leave it valid.
func naive(all []byte, head, tail int) (text []byte, omitted int) {
	if len(all) <= head+tail {
		return all, 0
	}
	from, to := head, len(all)-tail
	for !utf8.Valid(all[:from]) {
		from--
	}
	for !utf8.Valid(all[to:]) {
		to++
	}
	return fmt.Appendf(nil, "%s\n[… %d bytes left out …]\n%s", all[:from], to-from, all[to:]), to - from
}
