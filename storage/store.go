// Package storage is a key-value store in a folder that several processes share. It
// also provides named locks between these processes. It knows nothing about specs.
//
// What it promises:
//
//   - Writes to one key, by any number of goroutines and processes, happen one after
//     the other. Every call sees all writes that returned before it began. No update
//     is lost.
//   - A write that has returned survives kill -9. It also survives a power loss,
//     unless the store was opened with NoSync. If a write or a batch is interrupted
//     or returns an error, then either all of it or nothing of it is stored.
//   - Readers wait for no lock, and never see a part of a value. They wait for the
//     disk only while the writer of a new value waits for it too: a power loss never
//     takes back a value that somebody has read.
//   - Damaged data fails its checksum and is reported as a CorruptError. Other keys
//     are not affected. If so much is lost that nobody can tell which keys had newer
//     values, all keys in question are refused, until they are written again or
//     Repair gives up what is lost.
//   - A dead process holds no lock, unless it forked without exec while it held the
//     lock, and its copy is alive.
//   - Only the owner of the folder can read it, where the file system has modes.
//   - The space of overwritten values is reclaimed automatically, while others read
//     and write.
//
// What it does not promise: anything on a file system whose locks do not work
// between all its users (some network file systems), or on which a sync does not
// reach the medium. It also does not promise speed beyond about a million keys: all keys
// are held in memory, without their values, at about 120 bytes each.
//
// The store is an append-only log of records (record.go). Open replays the log into a
// map (replay.go). The log is rewritten when most of it is outdated (compact.go). A
// writer holds the folder's lock only while it reads what others have appended,
// computes and appends. It releases the lock and then syncs, together with all
// other writers that wait for a sync (groupsync.go).
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

// The maximum sizes of a key, of a value, and of all keys and values of a batch, in bytes.
const (
	MaxKey   = 1024
	MaxValue = 64 << 20
	MaxBatch = 2 * MaxValue
)

const defaultLockTimeout = 30 * time.Second

// Version is the number of a write to a store. Versions begin at 1 and only grow: a
// key that is deleted and set again gets a version that no key had before.
type Version uint64

// Entry is a key with its value.
type Entry struct {
	Key     string
	Value   []byte
	Version Version // of the write that set the value
}

// Options change how a store is opened.
type Options struct {
	// ReadOnly makes every write fail with ErrReadOnly. Nothing is written to the
	// folder, so it need not be writable. Reads do not wait for the disk: they also
	// return values that are not synced yet.
	ReadOnly bool
	// NoSync leaves it to the kernel when a write reaches the disk: a power loss may
	// take back the latest writes.
	NoSync bool
	// LockTimeout is the longest time that a write waits for other writers before it
	// fails with ErrLocked. 0 means 30 seconds.
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

	mu         sync.Mutex // guards the fields below, and some fields of gen (see there)
	closed     bool
	folder     folder      // nil while it does not exist
	gen        *generation // has number 0 while there is no log
	sorted     []string    // the keys of gen in order; nil if it has to be made
	changes    uint64      // gen.log.changes at the time of sorted
	compact    bool        // a compaction is running
	compactErr error       // of the last compaction
}

// Open opens the store in the folder dir. It writes nothing: the first write creates
// the folder, and until then the store is empty.
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

// Dir returns the folder of the store, as it was given to Open.
func (s *Store) Dir() string { return s.dir }

// Close closes the store. It waits for a running write and for a compaction: else a
// store that is opened for one write at a time would never be compacted. Calls that
// wait for a lock return ErrClosed, and so does every later call. Closing again does
// nothing.
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
	s.lock.slot <- struct{}{} // never released
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

// ended reports whether the store may not be used any more. A compaction that Close
// waits for may still use it. The caller holds s.mu.
func (s *Store) ended() bool { return s.closed && !s.compact }

// Get returns the value of key, byte for byte as it was put. The error is ErrNotFound
// if there is no value, and ErrCorrupt if it is damaged.
func (s *Store) Get(key string) ([]byte, error) {
	e, err := s.Entry(key)
	return e.Value, err
}

// Entry is like Get. It also returns the version of the value, for PutIf.
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
			return log.end // a power loss must not bring back a deleted value
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

// view calls f with the current log, and then waits until the part of the log that f
// has used is on the disk. The caller must release the generation.
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

// waitDurable waits until the log is on the disk up to end. A store that may not write
// does not wait: it could not tell others that its sync failed, so others must sync.
func (s *Store) waitDurable(g *generation, end int64) error {
	if s.opts.NoSync || g.writeErr != nil {
		return nil //nolint:nilerr // others sync, see above
	}
	return g.waitDurable(end, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, err := g.catchUp(false)
		return err
	})
}

// refresh updates s.gen with what other processes have written.
func (s *Store) refresh() error { return s.refreshFrom(false) }

// refreshFrom is refresh. Locked says that the caller holds the folder's lock.
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
		return nil // the process that sealed the log has died; the next writer finishes its work
	}
	if errors.Is(err, errNoLog) {
		return ErrRemoved
	}
	return err
}

// discover looks for a log if there was none so far.
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

// listings is how often the folder must be listed without a newer log before there is
// none. The kernel lists a large folder in several steps. A new log may get its name
// in a part that was listed already, and the old log may be removed from a part that
// was not listed yet: such a listing shows neither.
const listings = 5

// openNewest replaces s.gen by the newest generation. The error is errNoLog if s.gen is
// the newest.
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
			gone = n // it was replaced just now, or is a dangling link
			continue
		}
		if err != nil {
			return err
		}
		// A store that has tidied up once need not do it again, unless the process that
		// made the new log died before it had tidied up.
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
