package process

import (
	"crypto/sha256"
	"fmt"
	"strings"
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
	}{
		{"empty", 3, 3, "", ""},
		{"fits", 3, 3, "abcdef", "abcdef"},
		{"cut", 3, 3, "abcdefg", "abc\n[… 1 bytes left out …]\nefg"},
		{"no head", 0, 2, "abcd", "\n[… 2 bytes left out …]\ncd"},
		{"no tail", 2, 0, "abcd", "ab\n[… 2 bytes left out …]\n"},
		{"runes whole", 4, 4, "€€€€", "€\n[… 6 bytes left out …]\n€"},
		{"a rune over the seam fits", 2, 1, "€", "€"},
		{"bytes that are no UTF-8", 5, 5, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
			"\x80\x80\x80\x80\x80\n[… 1 bytes left out …]\n\x80\x80\x80\x80\x80"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := NewBuffer(tt.head, tt.tail)
			fmt.Fprint(b, tt.text)
			if got := b.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got, want := IsCut(b.String()), strings.Contains(tt.want, "left out"); got != want {
				t.Errorf("IsCut(%q) = %v, want %v", b.String(), got, want)
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
		want := naive(all, head, tail)
		if got := b.String(); got != want {
			t.Fatalf("%q, want %q", got, want)
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
func naive(all []byte, head, tail int) string {
	if len(all) <= head+tail {
		return string(all)
	}
	from, to := head, len(all)-tail
	for !utf8.Valid(all[:from]) {
		from--
	}
	for !utf8.Valid(all[to:]) {
		to++
	}
	return fmt.Sprintf("%s\n[… %d bytes left out …]\n%s", all[:from], to-from, all[to:])
}
