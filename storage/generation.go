package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// A store's log is rewritten now and then without what is no longer current.
// Each rewriting is a generation, in files named after its number.
const (
	namePrefix   = "store."
	logSuffix    = ".log"
	markSuffix   = ".mark"
	draftSuffix  = ".draft"   // of a log that has not taken its name yet
	repairSuffix = ".repair"  // likewise
	brokenSuffix = ".damaged" // a log that Repair has replaced
)

func logName(n uint64) string  { return generationName(n, logSuffix) }
func markName(n uint64) string { return generationName(n, markSuffix) }

func generationName(n uint64, suffix string) string {
	return namePrefix + strconv.FormatUint(n, 10) + suffix
}

// parseName is the inverse of generationName.
func parseName(name, suffix string) (n uint64, ok bool) {
	digits, ok := strings.CutPrefix(name, namePrefix)
	if !ok {
		return 0, false
	}
	if digits, ok = strings.CutSuffix(digits, suffix); !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && generationName(n, suffix) == name
}

// newest gives the highest generation that has a log, 0 where none has.
func newest(f folder) (uint64, error) {
	names, err := f.names()
	if err != nil {
		return 0, err
	}
	var n uint64
	for _, name := range names {
		if m, ok := parseName(name, logSuffix); ok {
			n = max(n, m)
		}
	}
	return n, nil
}

// generation is an open log. The Store's mutex guards log, prepared, size and buf.
type generation struct {
	header
	file     file
	syncMark syncMark
	writeErr error // why the files can't be written; nil where they can
	log      *replay
	prepared bool  // a writer may append
	size     int64 // of the file, as it was seen last
	limit    int64 // where the log is taken to end, or 0
	buf      []byte

	recent  atomic.Pointer[piece]
	refs    atomic.Int64
	syncing sync.Mutex
	waker   *futexWaker  // nil until somebody has to wait; guarded by syncing
	written atomic.Int64 // log.end, for those who sync
	durable atomic.Int64 // at least so much is on the disk
	failed  atomic.Bool  // a sync has
}

// piece is a part of a log, never changed. The one that was written last is kept:
// who updates a key again and again need not read what he has written.
type piece struct {
	at   int64
	data []byte
}

// slice gives size bytes of the log at a place where the piece has them, or nil.
func (p *piece) slice(at, size int64) []byte {
	if p == nil || at < p.at || at+size > p.at+int64(len(p.data)) {
		return nil
	}
	return p.data[at-p.at:][:size]
}

// openGeneration opens and reads a log. Where it may not be written it is opened
// for reading, and writeErr says why.
// A limit other than 0 is where the log is taken to end.
func openGeneration(f folder, n uint64, readOnly bool, limit int64) (*generation, error) {
	g := &generation{writeErr: ErrReadOnly, limit: limit}
	var err error
	if !readOnly {
		g.file, g.writeErr = f.open(logName(n), writing)
	}
	if g.writeErr != nil {
		if !readOnly && !isDenied(g.writeErr) {
			return nil, g.writeErr
		}
		if g.file, err = f.open(logName(n), reading); err != nil {
			return nil, err
		}
	}
	if err := g.load(f, n); err != nil {
		return nil, errors.Join(err, g.close())
	}
	g.refs.Store(1)
	return g, nil
}

// emptyGeneration stands for a log that there is not yet. Nothing of it has to be
// synced.
func emptyGeneration() *generation {
	g := &generation{log: newReplay("", header{}), writeErr: ErrReadOnly}
	g.refs.Store(1)
	return g
}

func isDenied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

func (g *generation) load(f folder, n uint64) error {
	var data [logStart]byte
	got, err := g.file.ReadAt(data[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if g.header, err = decodeHeader(data[:got], logName(n), n); err != nil {
		return err
	}
	if g.syncMark, err = openSyncMark(f, g.header, g.writeErr == nil); err != nil {
		return err
	}
	g.log = newReplay(logName(n), g.header)
	_, err = g.catchUp(false)
	return err
}

const (
	chunk     = 1 << 20
	keptChunk = 256 << 10
)

// catchUp reads what others have appended, and tells whether the log still has
// its name. Locked says that nobody appends meanwhile.
func (g *generation) catchUp(locked bool) (named bool, err error) {
	if named, err = g.stat(); err != nil || g.size <= g.log.end && g.size >= g.log.synced || g.log.sealed {
		return named, err
	}
	if _, err := g.readSyncMark(); err != nil {
		return named, err
	}
	// The mark before the size and the bytes: what it covers is then there.
	if !locked {
		if named, err = g.stat(); err != nil {
			return named, err
		}
	}
	want := int64(chunk)
	for more := !g.log.truncated; more; {
		before := g.log.end
		asked := min(want, g.size-before)
		data, err := g.readAt(before, asked)
		if err != nil {
			return named, err
		}
		if int64(len(data)) < asked {
			g.size = before + int64(len(data)) // a writer has cut off an unfinished end
		}
		more = g.log.consume(data, g.size)
		if g.log.end == before {
			want *= 2
		}
	}
	if len(g.buf) > keptChunk {
		g.buf = nil
	}
	g.written.Store(g.log.end)
	return named, nil
}

func (g *generation) stat() (named bool, err error) {
	g.size, named, err = g.file.stat()
	if g.limit > 0 {
		g.size = min(g.size, g.limit)
	}
	return named, err
}

// readAt reads into a buffer that the next call overwrites.
func (g *generation) readAt(at, size int64) ([]byte, error) {
	size = max(size, 0)
	if int64(len(g.buf)) < size {
		g.buf = make([]byte, max(size, 4096))
	}
	n, err := g.file.ReadAt(g.buf[:size], at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return g.buf[:n], err
}

// readSyncMark takes over what other processes have written into the mark file.
func (g *generation) readSyncMark() (syncState, error) {
	now, err := g.reload()
	g.log.synced = max(g.log.synced, now.synced)
	raise(&g.durable, g.log.synced)
	return now, err
}

// raise makes a the higher of itself and n.
func raise(a *atomic.Int64, n int64) {
	for old := a.Load(); old < n && !a.CompareAndSwap(old, n); old = a.Load() {
	}
}

// value reads and checks the value of key.
func (g *generation) value(key string, e entry) ([]byte, error) {
	at, size := e.valueAt(key), int64(e.size)
	if recent := g.recent.Load().slice(at, size); recent != nil && checksum(0, recent) == e.sum {
		return append([]byte{}, recent...), nil
	}
	value := make([]byte, e.size)
	_, err := g.file.ReadAt(value, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err != nil || checksum(0, value) != e.sum {
		return nil, &CorruptError{File: g.log.file, Offset: e.at, What: "the value"}
	}
	return value, nil
}

// append writes records behind the log's end as one: all of them count or none.
func (g *generation) append(records []record) error {
	size := int64(0)
	for _, r := range records {
		size += recordSize(r.key, r.value)
	}
	frame := make([]byte, 0, size)
	at, prev, version := g.log.end, g.log.prev, g.lastVersion()
	for i, r := range records {
		version++
		r.version, r.synced, r.more = version, min(g.durable.Load(), at), i < len(records)-1
		before := len(frame)
		frame, prev = appendRecord(frame, r, g.salt, at, prev)
		at += int64(len(frame) - before)
	}
	if _, err := g.file.WriteAt(frame, g.log.end); err != nil {
		// What was written of it is unfinished: the next writer would cut it off too.
		return errors.Join(err, g.file.Truncate(g.log.end))
	}
	g.log.consume(frame, at)
	if g.log.end != at {
		return fmt.Errorf("appending to %s: the end is %d, want %d", g.log.file, g.log.end, at)
	}
	if size <= keptChunk {
		g.recent.Store(&piece{at - size, frame})
	}
	g.written.Store(at)
	return nil
}

// lastVersion is the highest version that was given so far.
func (g *generation) lastVersion() Version { return max(g.log.version, g.base) }

// seal ends the log.
func (g *generation) seal() error {
	if g.log.sealed {
		return nil
	}
	r := record{kind: seal, version: g.lastVersion() + 1}
	frame, _ := appendRecord(nil, r, g.salt, g.log.end, g.log.prev)
	_, err := g.file.WriteAt(frame, g.log.end)
	g.log.sealed = err == nil
	return err
}

func (g *generation) acquire() *generation {
	g.refs.Add(1)
	return g
}

// release closes the files when nobody uses the generation any more.
func (g *generation) release() error {
	if g.refs.Add(-1) > 0 {
		return nil
	}
	return g.close()
}

func (g *generation) close() error {
	err := errors.Join(g.waker.close(), g.syncMark.close())
	if g.file != nil {
		err = errors.Join(err, g.file.Close())
	}
	return err
}
