package storage

import (
	"encoding/binary"
	"testing"
)

// A head with an impossible size is not valid, also if an int has 32 bits.
func TestHostileSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []uint32{MaxValue + 1, 1 << 31, 1<<32 - 40, 1<<32 - 1} {
		data := logOf(record{kind: put, key: "k", value: make([]byte, 200)})
		binary.LittleEndian.PutUint32(data[28:], size)
		binary.LittleEndian.PutUint32(data, sumAt(0, logStart, data[4:headSize+1]))
		if h, whole, short := decodeHead(data, 0, logStart); whole || short {
			t.Errorf("%d: a head of a record of %d bytes", size, h.size())
		}
	}
}
