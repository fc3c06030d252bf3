// Package storage is a key-value store in a folder that processes share, and
// named locks between those processes. It knows nothing of specs.
//
// What it promises:
//
//   - Writes of one key, by any number of goroutines and processes, happen one
//     after the other, and every call sees all that had returned before it began.
//     No update is lost.
//   - A write that has returned survives a kill -9, and a power loss too unless
//     the store was opened with NoSync. A write that was cut short is there as a
//     whole or not at all, and so is a batch. An error may leave either.
//   - Readers wait for no lock, and never see a part of a value. Only where a
//     value is so new that its writer still waits for the disk do they wait
//     with it, so that nothing that was read is taken back by a power loss.
//   - What is damaged fails its checksum and is reported as a CorruptError. Other
//     keys are not affected. Where so much is lost that nobody can tell any more
//     which keys had newer values, all that are in suspectBefore are refused, until they
//     are written again or Repair gives up what is lost.
//   - A dead process holds no lock, unless a copy of it made by fork without exec
//     lives on that was made while it held one.
//   - The space of overwritten values comes back by itself, while others read
//     and write.
//
// What it does not promise: anything on file systems whose locks do not work
// between all that use it (some network file systems), or where a sync does not
// reach the medium; nor speed beyond about a million keys, all of which are held
// in memory, without their values, at about 120 bytes each.
//
// The store is an append-only log of records (record.go), replayed into a map
// when it is opened (replay.go) and rewritten when it is mostly outdated
// (compact.go). A writer holds the folder's lock only while it reads what others
// have appended, computes and appends. It syncs after it has let go of the lock,
// together with all others who do (groupsync.go).
package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
	"unicode/utf8"
)

// The largest that a key, a value, and all keys and values of a batch may be, in bytes.
const (
	MaxKey   = 1024
	MaxValue = 64 << 20
	MaxBatch = 2 * MaxValue
)

const defaultLockTimeout = 30 * time.Second

// Version numbers the writes to a store, from 1 and never downwards: a key that
// is deleted and set again gets a version that no key had before.
type Version uint64

// Entry is a key with its value.
type Entry struct {
	Key     string
	Value   []byte
	Version Version // of the write that set the value
}

// Options change how a store is opened.
type Options struct {
	// ReadOnly makes a store that refuses every write with ErrReadOnly, writes
	// nothing at all and works where nothing may be written. It also gives values
	// that their writers still wait for the disk to take.
	ReadOnly bool
	// NoSync leaves it to the kernel when a write reaches the disk: a power loss
	// takes back the latest ones.
	NoSync bool
	// LockTimeout bounds how long a write waits for other writers; then it fails
	// with ErrLocked. 0 means half a minute.
	LockTimeout time.Duration
}

// Store keeps values by key. It is safe for concurrent use by goroutines, and
// several Stores and processes may share one folder. Close it after use.
type Store struct {
	dir        string
	opts       Options
	openFolder func(dir string) (folder, error)
	lock       writeLock
	closing    chan struct{}
	compacting sync.WaitGroup

	mu         sync.Mutex // guards what follows, and what of gen says so
	closed     bool
	folder     folder      // nil until there is one
	gen        *generation // number 0 until there is a log
	sorted     []string    // the keys of gen in order; nil where they have changed
	changes    uint64      // gen.log.changes when they were sorted
	compact    bool        // a compaction is under way
	compactErr error       // how the last one failed
}

// Open gives the store in the folder dir. It writes nothing: the folder is made
// by the first write, and until then the store is empty.
func Open(dir string, opts Options) (*Store, error) {
	return openStore(dir, opts, openDiskFolder)
}

func openStore(dir string, opts Options, openFolder func(string) (folder, error)) (*Store, error) {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", dir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening store: %w", err)
	}
	if opts.LockTimeout == 0 {
		opts.LockTimeout = defaultLockTimeout
	}
	closing := make(chan struct{})
	s := &Store{
		dir: dir, opts: opts, openFolder: openFolder, closing: closing,
		lock: writeLock{slot: make(chan struct{}, 1), timeout: opts.LockTimeout, closed: closing},
		gen:  emptyGeneration(),
	}
	if err := s.refresh(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening store %s: %w", dir, err), s.Close())
	}
	return s, nil
}

// Dir gives the folder that the store was opened in.
func (s *Store) Dir() string { return s.dir }

// Close ends the store. It waits for a writer at work and for a compaction, or a
// store that is opened for one write at a time would never be compacted, but for
// nobody who waits for a lock: those get ErrClosed, as does every later call.
// Closing again does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	s.mu.Unlock()

	s.compacting.Wait()
	s.lock.slot <- struct{}{} // and never given back
	s.mu.Lock()
	defer s.mu.Unlock()
	err := errors.Join(s.compactErr, s.lock.close())
	err = errors.Join(err, s.gen.release())
	if s.folder != nil {
		err = errors.Join(err, s.folder.close())
	}
	if err != nil {
		return fmt.Errorf("closing store %s: %w", s.dir, err)
	}
	return nil
}

// ended tells, to who holds s.mu, that nothing may be done any more. A compaction
// that Close waits for still may.
func (s *Store) ended() bool { return s.closed && !s.compact }

// Get returns the value of key, byte for byte as it was put. The error is
// ErrNotFound where there is none, and ErrCorrupt where it is damaged.
func (s *Store) Get(key string) ([]byte, error) {
	e, err := s.Entry(key)
	return e.Value, err
}

// Entry is Get with the version of the value, for use with PutIf.
func (s *Store) Entry(key string) (Entry, error) {
	e, err := s.read(key)
	if err != nil {
		return Entry{}, fmt.Errorf("reading key %q: %w", key, err)
	}
	return e, nil
}

func (s *Store) read(key string) (Entry, error) {
	if err := checkKey(key); err != nil {
		return Entry{}, err
	}
	var e entry
	var findErr error
	g, err := s.view(func(log *replay) (end int64) {
		var ok bool
		e, ok, findErr = log.find(key)
		if findErr == nil && !ok {
			findErr = ErrNotFound
		}
		if !ok {
			return log.end // that there is no value has to stay true as well
		}
		return e.end(key)
	})
	if err != nil {
		return Entry{}, err
	}
	value, err := []byte(nil), findErr
	if err == nil {
		value, err = g.value(key, e)
	}
	return Entry{Key: key, Value: value, Version: e.version}, errors.Join(err, g.release())
}

// view lets f see the log as it is now, and then waits until the part of it that
// f says it has used is on the disk. The generation stays open until it is released.
func (s *Store) view(f func(log *replay) (used int64)) (*generation, error) {
	s.mu.Lock()
	if err := s.refresh(); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	used := f(s.gen.log)
	g := s.gen.acquire()
	s.mu.Unlock()
	if err := s.waitDurable(g, used); err != nil {
		return nil, errors.Join(err, g.release())
	}
	return g, nil
}

// waitDurable waits until the log is on the disk up to end. Where the store may not
// write it can't tell others that a sync has failed, and leaves syncs to them.
func (s *Store) waitDurable(g *generation, end int64) error {
	if s.opts.NoSync || g.writeErr != nil {
		return nil //nolint:nilerr // a store that may not write leaves syncs to those who may
	}
	return g.waitDurable(end, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, err := g.catchUp(false)
		return err
	})
}

// refresh brings s.gen up to what other processes have written.
func (s *Store) refresh() error { return s.refreshFrom(false) }

// refreshFrom is refresh; locked says that the caller holds the folder's lock.
func (s *Store) refreshFrom(locked bool) error {
	if s.ended() {
		return ErrClosed
	}
	if s.gen.generation == 0 {
		return s.discover(locked)
	}
	named, err := s.gen.catchUp(locked)
	if err != nil || named && !s.gen.log.sealed {
		return err
	}
	err = s.openNewest()
	if errors.Is(err, errNoLog) && named {
		return nil // whoever was to write the next generation has died; a writer will
	}
	if errors.Is(err, errNoLog) {
		return ErrRemoved
	}
	return err
}

// discover looks for a log where there was none so far.
func (s *Store) discover(locked bool) error {
	err := s.reopenFolder()
	if err == nil && locked {
		err = s.checkLock()
	}
	if err != nil || s.folder == nil {
		return err
	}
	if err := s.openNewest(); !errors.Is(err, errNoLog) {
		return err
	}
	return nil
}

func (s *Store) reopenFolder() error {
	if s.folder != nil {
		err := s.folder.close()
		s.folder = nil
		if err != nil {
			return err
		}
	}
	f, err := s.openFolder(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.folder = f
	}
	return err
}

var errNoLog = errors.New("there is no newer log")

// listings is how often a log has to be missing. A large folder is listed in several
// steps, and a log may take its name where the listing has passed already, before
// the one that it replaces goes where it has not.
const listings = 5

// openNewest goes on with the newest generation; errNoLog says that s.gen is that.
func (s *Store) openNewest() error {
	var gone uint64
	for missed := 0; missed < listings; {
		n, err := newest(s.folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if n <= s.gen.generation {
			missed++
			continue
		}
		next, err := openGeneration(s.folder, n, s.opts.ReadOnly, 0)
		if errors.Is(err, fs.ErrNotExist) && n != gone {
			gone = n // it has been replaced just now, or leads nowhere
			continue
		}
		if err != nil {
			return err
		}
		// Whoever has tidied up once need not do it again, unless the one who made the
		// log has died before he did.
		if now, err := next.syncMark.read(); err == nil && now.nameDurable {
			next.prepared = s.gen.prepared
		}
		last := s.gen
		s.gen, s.sorted = next, nil
		return last.release()
	}
	return errNoLog
}

func checkKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: empty", ErrInvalidKey)
	case len(key) > MaxKey:
		return fmt.Errorf("%w: %w: %d bytes", ErrInvalidKey, ErrTooLarge, len(key))
	case !utf8.ValidString(key):
		return fmt.Errorf("%w: not UTF-8", ErrInvalidKey)
	}
	return nil
}
