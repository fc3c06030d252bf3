package git

// keptObjects keeps the objects that were read last, by where they lie, for
// the deltas that build upon them. It serves one goroutine.
type keptObjects struct {
	young, old map[keptKey]*packedObject // old is what young was before it was full
	size       int64                     // of young
}

type keptKey struct {
	pack   *pack
	offset int64
}

// keptSize is how many bytes of content are kept.
const keptSize = 16 << 20

// get gives a kept object, nil where there is none, and keeps it longer.
func (k *keptObjects) get(p *pack, offset int64) *packedObject {
	key := keptKey{p, offset}
	if o := k.young[key]; o != nil {
		return o
	}
	o := k.old[key]
	if o != nil {
		k.add(key, o)
	}
	return o
}

// put keeps an object, which it gives back.
func (k *keptObjects) put(e packEntry, o *packedObject) *packedObject {
	k.add(keptKey{e.pack, e.offset}, o)
	return o
}

func (k *keptObjects) add(key keptKey, o *packedObject) {
	const overhead = 200 // bytes of memory, more or less
	size := int64(len(o.content)) + overhead
	if size > keptSize/2 {
		return
	}
	if k.young == nil || k.size+size > keptSize/2 {
		k.young, k.old, k.size = k.old, k.young, 0
		if k.young == nil {
			k.young = make(map[keptKey]*packedObject)
		}
		clear(k.young)
	}
	k.young[key] = o
	k.size += size
}
