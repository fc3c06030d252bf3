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

// The log of a store is rewritten from time to time, without outdated records. Each
// rewritten log is a new generation. The generation's number is in the names of its files.
const (
	namePrefix    = "store."
	logSuffix     = ".log"
	markSuffix    = ".mark"
	draftSuffix   = ".draft"   // a new log that is made beside writers
	repairSuffix  = ".repair"  // a new log that is made under the write lock
	damagedSuffix = ".damaged" // a copy of a log that Repair has replaced
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

// newest returns the highest generation that has a log, or 0 if there is no log.
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

// generation is an open log. The Store's mutex guards log, prepared, size and buf. The
// files are closed when the last user has released the generation.
type generation struct {
	header
	file     file
	syncMark syncMark
	writeErr error // why the files cannot be written; else nil
	log      *replay
	prepared bool  // the Store has tidied up: a writer may append
	size     int64 // of the file, when it was last looked at
	limit    int64 // if not 0, the log ends here for us
	buf      []byte

	recent  atomic.Pointer[piece]
	refs    atomic.Int64
	syncing sync.Mutex
	waker   *futexWaker  // nil until it is needed; guarded by syncing
	written atomic.Int64 // log.end, for use without the Store's mutex
	durable atomic.Int64 // at least so many bytes are on the disk
	failed  atomic.Bool  // a sync has failed
}

// piece is an immutable part of a log. A generation remembers the piece that it wrote
// last, so that a program that updates one key repeatedly need not read it again.
type piece struct {
	at   int64
	data []byte
}

// slice returns size bytes of the log from offset at, or nil if the piece does not have
// them all.
func (p *piece) slice(at, size int64) []byte {
	if p == nil || at < p.at || at+size > p.at+int64(len(p.data)) {
		return nil
	}
	return p.data[at-p.at:][:size]
}

// openGeneration opens and reads a log. If it may not be written it is opened for
// reading, and writeErr says why. If limit is not 0, the rest of the log is ignored.
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

// emptyGeneration stands for a log that does not exist yet.
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

// catchUp reads what others have appended, and reports whether the log still has its
// name. Locked says that nobody appends meanwhile.
func (g *generation) catchUp(locked bool) (named bool, err error) {
	if named, err = g.stat(); err != nil || g.size <= g.log.end && g.size >= g.log.synced || g.log.sealed {
		return named, err
	}
	if _, err := g.readSyncMark(); err != nil {
		return named, err
	}
	// Read the mark first, and then the size: so all that the mark covers is in the file.
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
			g.size = before + int64(len(data)) // a writer has removed an unfinished record
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

// readAt reads into a buffer that the next call overwrites. It reads less at the end of
// the file.
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

// readSyncMark takes over all that other processes have written into the sync mark. The
// caller holds the Store's mutex.
func (g *generation) readSyncMark() (syncState, error) {
	now, err := g.reload()
	g.log.synced = max(g.log.synced, now.synced)
	raise(&g.durable, g.log.synced)
	return now, err
}

// raise sets a to n if n is higher.
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

// append writes records to the end of the log as one batch.
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
		// Remove what was written of it. If that fails, the next writer does it.
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

// lastVersion returns the highest version in use.
func (g *generation) lastVersion() Version { return max(g.log.version, g.base) }

// seal ends the log: nobody appends to it any more.
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

// release ends one use of the generation, and closes the files after the last one.
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
