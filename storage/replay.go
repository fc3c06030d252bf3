package storage

// replay is what a log says, as far as it was read: which keys there are and
// where their values lie. It is pure: consume takes bytes, and nothing here
// knows of files.
//
// What is damaged above the mark is the unfinished end of the log and is left
// to be overwritten. Below the mark everything has once been whole on the disk,
// so damage there is damage: the records around it are still taken, and the keys
// that it may have hit are refused.
type replay struct {
	position
	file          string // for messages
	salt          uint64
	synced        int64 // so much was on the disk once
	sealed        bool
	truncated     bool // the file ends below the mark
	entries       map[string]*entry
	changes       uint64 // counts keys that came or went
	live          int64  // bytes of the records that are still current
	problems      []Problem
	lost          map[uint64]int64 // places of lost records, by the hash of their key
	suspectBefore int64            // from here back anything may have been overwritten by lost records
}

// position is a place between two records.
type position struct {
	end       int64
	prev      uint32 // the sum of the record before
	unchained bool   // that one was lost, and its sum with it
	version   Version
}

// entry is where the value of a key is.
type entry struct {
	version  Version
	at       int64 // of the record
	size     uint32
	sum      uint32
	unusable bool // the value fails its checksum
}

// Problem is one damage that was found in a log.
type Problem struct {
	Offset int64  `json:"offset"` // in the log
	Size   int64  `json:"size"`
	Key    string `json:"key"` // "" where it can't be told any more
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
	badValue       // and the rest is whole
	badTail
	unreadable
	cut // the data ends too early
)

// read looks at the record at the beginning of data, which lies at p.
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

// parsed is a record on its way into the entries.
type parsed struct {
	head
	at    int64
	state state
}

// consume reads data, which lies at r.end in a file of that size, and moves r.end
// behind the last record that it could take. What is left over is unfinished, unless
// more tells that data from the new end on, and more of them, may help.
func (r *replay) consume(data []byte, size int64) (more bool) {
	start := r.end
	last := start+int64(len(data)) >= size
	p := r.position
	var batch []parsed // a batch counts when its last record is there
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

// applyBatch enters whole records, and goes on at p.
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

// end is where the record of key ends.
func (e entry) end(key string) int64 { return e.at + e.recordSize(len(key)) }

func (e entry) valueAt(key string) int64 { return e.at + int64(headSize+len(key)) }

func (r *replay) report(at, size int64, key string) {
	what := "a record that fails its checksum"
	if key == "" {
		what = "something that is no record"
	}
	r.problems = append(r.problems, Problem{Offset: at, Size: size, Key: key, What: what})
}

// search gives the place of the first record behind an unreadable one at the
// beginning of data, or where that can't be found the end of what was there. It
// is not ok when more data has to be read first.
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

// skipTo goes on at next and finds out from the tails before it, from the last to
// the first, whose records were lost in between.
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

// endBelowSynced notes that the file ends in the record at p, of which size bytes
// are left, with a whole head.
func (r *replay) endBelowSynced(h head, p position, size int64) {
	r.report(p.end, size, string(h.key))
	r.apply(&parsed{h, p.end, cut})
	if p.end+h.size() < r.synced {
		r.suspectBefore = p.end + size
	}
	r.end, r.unchained, r.truncated = p.end+size, true, true
}

// find gives the entry of key. The error says that it, or what may have
// overwritten it, is damaged.
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

// damaged tells that the log has lost something that only Repair gives up.
func (r *replay) damaged() bool { return len(r.problems) > 0 }
