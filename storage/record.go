package storage

import (
	"encoding/binary"
	"hash/crc32"
	"hash/crc64"
)

// A record is a head, the key, the value and a tail.
//
//	 0  4  sum of the rest of the head and the key, at their offset (see sumAt)
//	 4  4  the sum of the previous record
//	 8  4  CRC-32C of the value
//	12  8  version
//	20  8  synced: so many bytes of the log were on the disk, as far as the writer knew
//	28  4  length of the value
//	32  2  length of the key
//	34  1  kind
//	35  1  1 if the next record belongs to the same batch
//	36     key, value
//	    4  sum of the rest of the tail, at its offset
//	    4  the sum of the head again
//	    8  CRC-64 of the key
//	    4  length of the whole record
//
// The sums are chained: if a record was lost and another one is written in its place,
// the records after it are not valid any more. Salt and offset make records invalid
// that were copied from elsewhere, for instance inside a value. If the head is
// damaged, the tail tells whose record it was, so that other keys are not affected.
const (
	headSize = 36
	tailSize = 20
	moreFlag = 1
)

type kind byte

const (
	put kind = iota + 1
	del
	seal // the log ends here; the next generation goes on
)

type record struct {
	kind    kind
	more    bool // the next record belongs to the same batch
	version Version
	synced  int64
	key     string
	value   []byte
}

func recordSize(key string, value []byte) int64 {
	return int64(headSize + len(key) + len(value) + tailSize)
}

func checksum(seed uint32, data []byte) uint32 {
	return crc32.Update(seed, crc32.MakeTable(crc32.Castagnoli), data)
}

func keyHash(key []byte) uint64 {
	return crc64.Checksum(key, crc64.MakeTable(crc64.ECMA))
}

// sumAt returns the sum of data at an offset of a log. It is the CRC-32C of data, XORed
// with the upper half of a hash of salt and offset: the 64-bit finalizer of
// MurmurHash3 (Austin Appleby).
func sumAt(salt uint64, at int64, data []byte) uint32 {
	x := salt ^ uint64(at)
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return checksum(0, data) ^ uint32((x^x>>33)>>32)
}

// appendRecord appends the encoding of r to b, for offset at of the log, after a record
// with the sum prev.
func appendRecord(b []byte, r record, salt uint64, at int64, prev uint32) (data []byte, sum uint32) {
	start := len(b)
	b = append(b, make([]byte, headSize)...)
	b = append(b, r.key...)
	head := b[start:]
	binary.LittleEndian.PutUint32(head[4:], prev)
	binary.LittleEndian.PutUint32(head[8:], checksum(0, r.value))
	binary.LittleEndian.PutUint64(head[12:], uint64(r.version))
	binary.LittleEndian.PutUint64(head[20:], uint64(r.synced))
	binary.LittleEndian.PutUint32(head[28:], uint32(len(r.value)))
	binary.LittleEndian.PutUint16(head[32:], uint16(len(r.key)))
	head[34] = byte(r.kind)
	if r.more {
		head[35] = moreFlag
	}
	sum = sumAt(salt, at, head[4:])
	binary.LittleEndian.PutUint32(head, sum)

	b = append(b, r.value...)
	size := int64(len(b)-start) + tailSize
	b = append(b, make([]byte, tailSize)...)
	tail := b[len(b)-tailSize:]
	binary.LittleEndian.PutUint32(tail[4:], sum)
	binary.LittleEndian.PutUint64(tail[8:], keyHash([]byte(r.key)))
	binary.LittleEndian.PutUint32(tail[16:], uint32(size))
	binary.LittleEndian.PutUint32(tail, sumAt(salt, at+size-tailSize, tail[4:]))
	return b, sum
}

// head is a decoded record without its value.
type head struct {
	sum, prev, valueSum uint32
	version             Version
	synced              int64
	kind                kind
	more                bool
	key                 []byte
	valueSize           int
}

func (h head) size() int64 { return int64(headSize + len(h.key) + h.valueSize + tailSize) }

// decodeHead decodes the head at the beginning of data, which is at offset at of the log.
// Whole reports whether it is valid. If truncated is set, data ends before the end of
// the head.
func decodeHead(data []byte, salt uint64, at int64) (h head, whole, truncated bool) {
	if len(data) < headSize {
		return head{}, false, true
	}
	keySize, valueSize := int(binary.LittleEndian.Uint16(data[32:])), binary.LittleEndian.Uint32(data[28:])
	h = head{
		sum:       binary.LittleEndian.Uint32(data),
		prev:      binary.LittleEndian.Uint32(data[4:]),
		valueSum:  binary.LittleEndian.Uint32(data[8:]),
		version:   Version(binary.LittleEndian.Uint64(data[12:])),
		synced:    int64(binary.LittleEndian.Uint64(data[20:])),
		valueSize: int(valueSize),
		kind:      kind(data[34]),
		more:      data[35] == moreFlag,
	}
	// These checks come before the checksum because they are cheap: a search for the
	// next record decodes a head at every byte.
	if keySize > MaxKey || valueSize > MaxValue || h.kind < put || h.kind > seal || data[35] > moreFlag {
		return head{}, false, false
	}
	if len(data) < headSize+keySize {
		return head{}, false, true
	}
	h.key = data[headSize : headSize+keySize]
	return h, h.sum == sumAt(salt, at, data[4:headSize+keySize]), false
}

type tail struct {
	sum  uint32
	hash uint64
	size int64
}

// decodeTail decodes the tail at offset at of the log.
func decodeTail(data []byte, salt uint64, at int64) (t tail, whole bool) {
	t = tail{
		sum:  binary.LittleEndian.Uint32(data[4:]),
		hash: binary.LittleEndian.Uint64(data[8:]),
		size: int64(binary.LittleEndian.Uint32(data[16:])),
	}
	whole = binary.LittleEndian.Uint32(data) == sumAt(salt, at, data[4:tailSize])
	return t, whole && t.size >= headSize+tailSize
}
