package storage

// replay is the state of a log, as far as it was read: which keys exist, and where their
// values are. It knows nothing of files: consume takes bytes.
//
// Damage above synced is the unfinished end of the log, which the next writer
// overwrites. Everything below synced was once complete on the disk, so damage there is
// real: the records around it are still used, and all keys are refused that may have
// had a record there.
type replay struct {
	position
	file          string // for messages
	salt          uint64
	synced        int64 // so many bytes were on the disk once
	sealed        bool
	truncated     bool // the file ends below synced
	entries       map[string]*entry
	changes       uint64 // counts keys that were added or removed
	live          int64  // bytes of the records that are still current
	problems      []Problem
	lost          map[uint64]int64 // offsets of lost records, by the hash of their key
	suspectBefore int64            // if not 0, lost records may have overwritten any entry before it
}

// position is the boundary between two records.
type position struct {
	end       int64
	prev      uint32 // the sum of the record before it
	unchained bool   // prev is unknown because that record was lost
	version   Version
}

// entry says where the value of a key is.
type entry struct {
	version  Version
	at       int64 // of the record
	size     uint32
	sum      uint32
	unusable bool // the value fails its checksum
}

// Problem is one damaged part of a log.
type Problem struct {
	Offset int64  `json:"offset"` // in the log, in bytes
	Size   int64  `json:"size"`   // in bytes
	Key    string `json:"key"`    // "" if unknown
	What   string `json:"what"`
}

func newReplay(file string, h header) *replay {
	return &replay{
		position: position{end: logStart},
		file:     file,
		salt:     h.salt,
		synced:   h.initial,
		entries:  map[string]*entry{},
		lost:     map[uint64]int64{},
	}
}

type state int

const (
	whole    state = iota
	badValue       // everything else is whole
	badTail
	unreadable
	cut // the data ends before the record does
)

// read decodes the record at the beginning of data, which is at p.
func (r *replay) read(data []byte, p position) (head, state) {
	h, ok, short := decodeHead(data, r.salt, p.end)
	switch {
	case short:
		return head{}, cut
	case !ok || h.version <= p.version || !p.unchained && h.prev != p.prev:
		return head{}, unreadable
	case h.size() > int64(len(data)):
		return h, cut
	}
	value := data[headSize+len(h.key):][:h.valueSize]
	after := h.size() - tailSize
	t, ok := decodeTail(data[after:], r.salt, p.end+after)
	switch {
	case checksum(0, value) != h.valueSum:
		return h, badValue
	case !ok || t.sum != h.sum || t.size != h.size():
		return h, badTail
	}
	return h, whole
}

func (p position) after(h head) position {
	return position{end: p.end + h.size(), prev: h.sum, version: h.version}
}

// parsed is a record that was read and not applied yet.
type parsed struct {
	head
	at    int64
	state state
}

// consume reads data, which begins at r.end in a file of that size, and moves r.end
// behind the last record that it could apply. If more is set, the caller should call it
// again with more data from the new end. Else the rest is unfinished.
func (r *replay) consume(data []byte, size int64) (more bool) {
	start := r.end
	last := start+int64(len(data)) >= size
	p := r.position
	var batch []parsed // is applied when its last record is there
	for !r.sealed && !r.truncated {
		rest := data[p.end-start:]
		h, state := r.read(rest, p)
		below := p.end < r.synced
		switch {
		case state == whole, below && (state == badValue || state == badTail):
			batch = append(batch, parsed{h, p.end, state})
			p = p.after(h)
			if !h.more {
				r.applyBatch(batch, p)
				batch = batch[:0]
			}
		case !below:
			return !last && state == cut && p.end+h.size() <= size
		case state == cut && !last:
			return true
		case state == cut && len(h.key) > 0:
			r.applyBatch(batch, p)
			r.endBelowSynced(h, p, int64(len(rest)))
		default:
			next, ok := r.search(rest, p, last)
			if !ok {
				return true
			}
			r.applyBatch(batch, p)
			batch = batch[:0]
			p = r.skipTo(rest, p, next)
			r.position = p
			if next < r.synced && next == start+int64(len(data)) {
				r.suspectBefore, r.truncated = next, true
			}
		}
	}
	return false
}

// applyBatch applies records, and moves r to p.
func (r *replay) applyBatch(batch []parsed, p position) {
	for i := range batch {
		f := &batch[i]
		if f.state != whole {
			r.report(f.at, f.size(), string(f.key))
		}
		r.apply(f)
	}
	r.position = p
}

func (r *replay) apply(f *parsed) {
	if f.synced <= f.at {
		r.synced = max(r.synced, f.synced)
	}
	if f.kind == seal {
		r.sealed = true
		return
	}
	if len(r.lost) > 0 {
		delete(r.lost, keyHash(f.key))
	}
	e, had := r.entries[string(f.key)]
	if had {
		r.live -= e.recordSize(len(f.key))
	}
	if had != (f.kind == put) {
		r.changes++
	}
	if f.kind == del {
		delete(r.entries, string(f.key))
		return
	}
	if !had {
		e = new(entry)
		r.entries[string(f.key)] = e
	}
	*e = entry{version: f.version, at: f.at, size: uint32(f.valueSize), sum: f.valueSum, unusable: f.state != whole && f.state != badTail}
	r.live += f.size()
}

func (e entry) recordSize(key int) int64 { return int64(headSize+key+tailSize) + int64(e.size) }

// end returns the offset of the end of the record.
func (e entry) end(key string) int64 { return e.at + e.recordSize(len(key)) }

func (e entry) valueAt(key string) int64 { return e.at + int64(headSize+len(key)) }

func (r *replay) report(at, size int64, key string) {
	what := "a record that fails its checksum"
	if key == "" {
		what = "bytes that are not a record"
	}
	r.problems = append(r.problems, Problem{Offset: at, Size: size, Key: key, What: what})
}

// search returns the offset of the first record after an unreadable one at the beginning
// of data. If there is none, it returns the end of what was searched. It is not ok if
// more data has to be read first.
func (r *replay) search(data []byte, p position, last bool) (next int64, ok bool) {
	limit := min(p.end+int64(len(data)), r.synced)
	for at := p.end + 1; at+headSize+tailSize <= limit; at++ {
		h, whole, _ := decodeHead(data[at-p.end:], r.salt, at)
		if whole && h.version > p.version && at+h.size() <= r.synced {
			return at, true
		}
	}
	return limit, last || limit == r.synced
}

// skipTo returns the position at next. It finds out whose records between p and next
// were lost: it decodes their tails, from the last one to the first.
func (r *replay) skipTo(data []byte, p position, next int64) position {
	after := position{end: next, unchained: true, version: p.version}
	at := next
	for at-p.end >= headSize+tailSize {
		t, whole := decodeTail(data[at-tailSize-p.end:at-p.end], r.salt, at-tailSize)
		if !whole || t.size > at-p.end {
			break
		}
		if at == next {
			after.prev, after.unchained = t.sum, false
		}
		at -= t.size
		r.lost[t.hash] = max(r.lost[t.hash], at)
	}
	if at > p.end {
		r.suspectBefore = at
	}
	r.report(p.end, next-p.end, "")
	return after
}

// endBelowSynced handles a file that ends below synced, inside the record at p. The head
// of the record is whole, and size bytes of the record are there.
func (r *replay) endBelowSynced(h head, p position, size int64) {
	r.report(p.end, size, string(h.key))
	r.apply(&parsed{h, p.end, cut})
	if p.end+h.size() < r.synced {
		r.suspectBefore = p.end + size
	}
	r.end, r.unchained, r.truncated = p.end+size, true, true
}

// find returns the entry of key. The error is an ErrCorrupt if the entry is damaged, or a
// record that may have overwritten it.
func (r *replay) find(key string) (e entry, ok bool, err error) {
	if has := r.entries[key]; has != nil {
		e, ok = *has, true
	}
	if e.unusable {
		return e, ok, &CorruptError{File: r.file, Offset: e.at, What: "the value"}
	}
	if len(r.lost) > 0 {
		if at, lost := r.lost[keyHash([]byte(key))]; lost {
			return e, ok, &CorruptError{File: r.file, Offset: at, What: "a newer record of the key"}
		}
	}
	if r.suspectBefore > 0 && (!ok || e.at < r.suspectBefore) {
		return e, ok, &CorruptError{File: r.file, Offset: r.suspectBefore, What: "what may be a newer record of the key"}
	}
	return e, ok, nil
}
