package process

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"unicode/utf8"
)

// Buffer is an io.Writer that keeps the first and the last bytes of what is written to it,
// in bounded memory, and computes the digest of everything. Its writes never fail. It is
// not safe for concurrent use.
type Buffer struct {
	headMax, tailMax int
	head             []byte
	tail             []byte // the last tailMax bytes after the head, and up to as many before them
	total            int64
	sum              hash.Hash
}

// NewBuffer returns a Buffer that keeps the first head and the last tail bytes.
func NewBuffer(head, tail int) *Buffer {
	return &Buffer{headMax: head, tailMax: tail, sum: sha256.New()}
}

// Write always takes all of p.
func (b *Buffer) Write(p []byte) (int, error) {
	n := len(p)
	b.total += int64(n)
	b.sum.Write(p) // a hash's Write returns no error
	room := min(b.headMax-len(b.head), n)
	b.head = append(b.head, p[:room]...)
	p = p[room:]
	if len(p) >= b.tailMax {
		b.tail = append(b.tail[:0], p[len(p)-b.tailMax:]...)
		return n, nil
	}
	// The tail moves only when it has doubled, so that the cost per byte is small.
	if len(b.tail)+len(p) > 2*b.tailMax {
		b.tail = append(b.tail[:0], b.last(b.tailMax)...)
	}
	b.tail = append(b.tail, p...)
	return n, nil
}

// last returns the last n bytes of the tail, or all if there are fewer.
func (b *Buffer) last(n int) []byte {
	return b.tail[max(0, len(b.tail)-n):]
}

// String returns everything, or the head and the tail with a line between them that says
// how much is left out. It does not cut a rune.
func (b *Buffer) String() string {
	head, tail := b.head, b.last(b.tailMax)
	if b.total > int64(len(head)+len(tail)) {
		head, tail = trimEnd(head), trimStart(tail)
		return fmt.Sprint(string(head), cutBefore, b.total-int64(len(head)+len(tail)), cutAfter, string(tail))
	}
	return string(head) + string(tail)
}

// The text before and after the number of bytes that are left out.
const (
	cutBefore = "\n[… "
	cutAfter  = " bytes left out …]\n"
)

// IsCut reports whether text, a result of String, says that something is left out.
func IsCut(text string) bool {
	_, rest, found := strings.Cut(text, cutBefore)
	return found && strings.Contains(rest, cutAfter)
}

// Sum returns the digest of everything written, as "sha256:" and hex digits.
func (b *Buffer) Sum() string {
	return "sha256:" + hex.EncodeToString(b.sum.Sum(nil))
}

// trimEnd removes an incomplete rune from the end of p.
func trimEnd(p []byte) []byte {
	for i := len(p) - 1; i >= max(0, len(p)-utf8.UTFMax+1); i-- {
		if utf8.RuneStart(p[i]) {
			if !utf8.FullRune(p[i:]) {
				return p[:i]
			}
			break
		}
	}
	return p
}

// trimStart removes an incomplete rune from the start of p.
func trimStart(p []byte) []byte {
	for i := range min(len(p), utf8.UTFMax) {
		if utf8.RuneStart(p[i]) {
			return p[i:]
		}
	}
	if len(p) < utf8.UTFMax {
		return nil
	}
	return p // not UTF-8
}
