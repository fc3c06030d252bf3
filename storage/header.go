package storage

import (
	"encoding/binary"
	"fmt"
)

// A log begins with two copies of its header, so that one damaged place does not make
// the whole log unreadable. All numbers in a log are little-endian.
//
//	 0  8  magic
//	 8  4  format
//	16  8  generation
//	24  8  salt
//	32  8  base: new records have higher versions
//	40  8  initial: the size of the log, all of it synced, when it got its name
//	60  4  CRC-32C of the 60 bytes before
//
// The magic, the format and the checksum are at these offsets in every format.
const (
	magic      = "CHANTLOG"
	format     = 1
	headerCopy = 64
	logStart   = 2 * headerCopy
)

type header struct {
	generation uint64
	salt       uint64 // random, so that records of other logs are not valid here
	base       Version
	initial    int64
}

func (h header) encode() []byte {
	b := make([]byte, headerCopy, logStart)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], format)
	binary.LittleEndian.PutUint64(b[16:], h.generation)
	binary.LittleEndian.PutUint64(b[24:], h.salt)
	binary.LittleEndian.PutUint64(b[32:], uint64(h.base))
	binary.LittleEndian.PutUint64(b[40:], uint64(h.initial))
	binary.LittleEndian.PutUint32(b[60:], checksum(0, b[:60]))
	return append(b, b...)
}

// decodeHeader decodes the first copy with a valid checksum.
func decodeHeader(data []byte, file string, generation uint64) (header, error) {
	for at := 0; at+headerCopy <= len(data) && at < logStart; at += headerCopy {
		b := data[at : at+headerCopy]
		if string(b[:8]) != magic || binary.LittleEndian.Uint32(b[60:]) != checksum(0, b[:60]) {
			continue
		}
		if got := binary.LittleEndian.Uint32(b[8:]); got != format {
			return header{}, fmt.Errorf("%s has format %d: %w", file, got, ErrNewerFormat)
		}
		h := header{
			generation: binary.LittleEndian.Uint64(b[16:]),
			salt:       binary.LittleEndian.Uint64(b[24:]),
			base:       Version(binary.LittleEndian.Uint64(b[32:])),
			initial:    int64(binary.LittleEndian.Uint64(b[40:])),
		}
		if h.generation != generation || h.initial < logStart {
			return header{}, &CorruptError{File: file, What: "the header of another log"}
		}
		return h, nil
	}
	return header{}, &CorruptError{File: file, What: "no header of a log"}
}
