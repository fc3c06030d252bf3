package index

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// distrust gives an FSMN extension by which git looks at the given entries
// itself, without asking the file system monitor; nil if it can't be read.
// The extension has a bitmap of the entries that git has to look at. A changed
// entry that isn't among them would count as clean whatever the file holds.
func distrust(data []byte, entries int, changed []int) []byte {
	size := bitmapAt(data)
	if size < 0 {
		return nil
	}
	bits, ok := readBitmap(data[size+4:], entries)
	if !ok {
		return nil
	}
	for _, n := range changed {
		bits.set(n)
	}
	out := append(slices.Clone(data[:size]), 0, 0, 0, 0)
	out = bits.append(out)
	binary.BigEndian.PutUint32(out[size:], uint32(len(out)-size-4))
	return out
}

// bitmapAt gives the offset of the bitmap's size in an FSMN extension of
// version 2, behind the text that names the state of the monitor; negative if
// it has none.
func bitmapAt(data []byte) int {
	if len(data) < 4 || binary.BigEndian.Uint32(data) != 2 {
		return -1
	}
	end := bytes.IndexByte(data[4:], 0)
	at := 4 + end + 1
	if end < 0 || len(data) < at+4 || int(binary.BigEndian.Uint32(data[at:])) != len(data)-at-4 {
		return -1
	}
	return at
}

// A bitmap is a set of small numbers in git's EWAH encoding: how many bits
// there are, how many words, the words, and where the last marker is. A
// marker word tells (from its low bits up) one bit, how many words full of it
// follow (32 bits), and how many literal words then (31 bits).
type bitmap struct {
	size  int
	words []uint64
}

func (b *bitmap) set(n int) {
	b.size = max(b.size, n+1)
	for len(b.words) <= n/64 {
		b.words = append(b.words, 0)
	}
	b.words[n/64] |= 1 << (n % 64)
}

// readBitmap reads a bitmap of at most limit bits.
func readBitmap(data []byte, limit int) (b bitmap, ok bool) {
	if len(data) < 12 || len(data)%8 != 4 {
		return bitmap{}, false
	}
	b.size = int(binary.BigEndian.Uint32(data))
	count := int(binary.BigEndian.Uint32(data[4:]))
	words := data[8 : len(data)-4]
	if b.size > limit || count != len(words)/8 {
		return bitmap{}, false
	}
	most := (b.size + 63) / 64
	for len(words) > 0 {
		marker := binary.BigEndian.Uint64(words)
		words = words[8:]
		run, literals := int(marker>>1&0xffffffff), int(marker>>33)
		if run > most-len(b.words) || literals > most-len(b.words)-run || literals > len(words)/8 {
			return bitmap{}, false
		}
		for range run {
			b.words = append(b.words, -(marker & 1))
		}
		for range literals {
			b.words = append(b.words, binary.BigEndian.Uint64(words))
			words = words[8:]
		}
	}
	return b, true
}

// append writes the bitmap as one run of literal words.
func (b *bitmap) append(out []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(b.size))
	out = binary.BigEndian.AppendUint32(out, uint32(len(b.words)+1))
	out = binary.BigEndian.AppendUint64(out, uint64(len(b.words))<<33)
	for _, w := range b.words {
		out = binary.BigEndian.AppendUint64(out, w)
	}
	return binary.BigEndian.AppendUint32(out, 0)
}
