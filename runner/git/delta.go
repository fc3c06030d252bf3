package git

import "math"

// patch makes an object from the one that a delta builds upon
// (gitformat-pack(5)). The delta tells the sizes of both, then what the new
// one consists of: stretches of the base, and bytes of the delta's own. The
// error is errDamaged for all that isn't so to the last byte. No more memory
// is taken at once than both hold, as sizes may be wrong.
func patch(base, delta []byte) ([]byte, error) {
	from, delta := deltaSize(delta)
	size, delta := deltaSize(delta)
	if delta == nil || from != uint64(len(base)) || size > math.MaxInt {
		return nil, errDamaged
	}
	out := make([]byte, 0, min(size, uint64(len(base)+len(delta))))
	for len(delta) > 0 {
		op := delta[0]
		var piece []byte
		if op&0x80 == 0 {
			n := int(op)
			if n == 0 || n >= len(delta) { // an op of 0 is reserved
				return nil, errDamaged
			}
			piece, delta = delta[1:1+n], delta[1+n:]
		} else {
			var start, n uint64
			if start, n, delta = deltaCopy(delta); delta == nil || start+n > from {
				return nil, errDamaged
			}
			piece = base[start : start+n]
		}
		if uint64(len(piece)) > size-uint64(len(out)) {
			return nil, errDamaged
		}
		out = append(out, piece...)
	}
	if uint64(len(out)) != size {
		return nil, errDamaged
	}
	return out, nil
}

// deltaSize reads a size, seven bits a byte, the lowest first, as long as the
// highest bit is set. The rest is nil where it has no end or 64 bits don't
// hold it.
func deltaSize(delta []byte) (size uint64, rest []byte) {
	for i, b := range delta {
		if i > 8 {
			break
		}
		size |= uint64(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			return size, delta[i+1:]
		}
	}
	return 0, nil
}

// deltaCopy reads which stretch of the base an op names. Each of its lower
// seven bits stands for a byte that follows, of four for the start and three
// for the length; the others are 0. The rest is nil where one is missing.
func deltaCopy(delta []byte) (start, n uint64, rest []byte) {
	op, rest := delta[0], delta[1:]
	var all uint64
	for i := range 7 {
		if op>>i&1 == 0 {
			continue
		}
		if len(rest) == 0 {
			return 0, 0, nil
		}
		all |= uint64(rest[0]) << (8 * i)
		rest = rest[1:]
	}
	if start, n = all&math.MaxUint32, all>>32; n == 0 {
		n = 0x10000
	}
	return start, n, rest
}
