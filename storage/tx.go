package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// Put sets the value of key. When it returns nil, the value is on the disk.
func (s *Store) Put(key string, value []byte) error {
	_, err := s.write(context.Background(), func(tx *Tx) error { return tx.put(key, value) })
	if err != nil {
		return fmt.Errorf("storing key %q: %w", key, err)
	}
	return nil
}

// PutIf sets the value of key if the key still has the given version; 0 stands for a
// key without a value. It returns the new version. If the key has another version,
// the error is a ConflictError.
func (s *Store) PutIf(key string, value []byte, version Version) (Version, error) {
	now, err := s.write(context.Background(), func(tx *Tx) error {
		e, err := tx.entry(key)
		switch {
		case err != nil && !errors.Is(err, ErrNotFound):
			return err
		case e.version != version:
			return &ConflictError{Have: e.version}
		}
		return tx.put(key, value)
	})
	if err != nil {
		return 0, fmt.Errorf("storing key %q: %w", key, err)
	}
	return now, nil
}

// Update sets the value of key to what f returns. f gets the old value, or nil if there
// is none. No other write comes in between, and f is called at most once. If f returns
// an error, Update returns it and does not change the value. Other writers wait while
// f runs. f must not use the store: a write inside f waits for Update itself, and
// fails with ErrLocked.
func (s *Store) Update(ctx context.Context, key string, f func(old []byte) ([]byte, error)) error {
	_, err := s.write(ctx, func(tx *Tx) error {
		old, err := tx.get(key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		value, err := f(old)
		if err != nil {
			return err
		}
		return tx.put(key, value)
	})
	if err != nil {
		return fmt.Errorf("updating key %q: %w", key, err)
	}
	return nil
}

// Delete removes key and its value. It is no error if the key has no value.
func (s *Store) Delete(key string) error {
	_, err := s.write(context.Background(), func(tx *Tx) error { return tx.delete(key) })
	if err != nil {
		return fmt.Errorf("deleting key %q: %w", key, err)
	}
	return nil
}

// Batch writes all changes that f makes to tx, as one write. If f returns an error,
// Batch returns it and writes nothing. No other write comes in between. A reader sees
// all changes or none, also after a crash. Other writers wait while f runs. f must
// not use the store, and must not use tx after it has returned.
func (s *Store) Batch(ctx context.Context, f func(tx *Tx) error) error {
	if _, err := s.write(ctx, f); err != nil {
		return fmt.Errorf("writing a batch: %w", err)
	}
	return nil
}

// Tx collects the changes of a batch. Its reads see these changes. It is not safe for
// concurrent use.
type Tx struct {
	store   *Store
	gen     *generation
	changes []record
	latest  map[string]int // index of the last change of each key, among changes[:indexed]
	indexed int            // changes are indexed only when one is looked up
	size    int64
	end     int64   // of the log after the batch
	version Version // of the store after the batch
}

// Get returns the value of key. See Store.Get.
func (tx *Tx) Get(key string) ([]byte, error) {
	value, err := tx.get(key)
	if err != nil {
		return nil, fmt.Errorf("reading key %q: %w", key, err)
	}
	return value, nil
}

// Put sets the value of key when the batch is written.
func (tx *Tx) Put(key string, value []byte) error {
	if err := tx.put(key, bytes.Clone(value)); err != nil {
		return fmt.Errorf("storing key %q: %w", key, err)
	}
	return nil
}

// Delete removes key when the batch is written.
func (tx *Tx) Delete(key string) error {
	if err := tx.delete(key); err != nil {
		return fmt.Errorf("deleting key %q: %w", key, err)
	}
	return nil
}

func (tx *Tx) get(key string) ([]byte, error) {
	r, changed := tx.change(key)
	switch {
	case changed && r.kind == del:
		return nil, ErrNotFound
	case changed:
		return append([]byte{}, r.value...), nil
	}
	e, err := tx.entry(key)
	if err != nil {
		return nil, err
	}
	return tx.gen.value(key, e)
}

// change returns the last change of key in the batch.
func (tx *Tx) change(key string) (r record, ok bool) {
	if tx.latest == nil && len(tx.changes) > 0 {
		tx.latest = map[string]int{}
	}
	for ; tx.indexed < len(tx.changes); tx.indexed++ {
		tx.latest[tx.changes[tx.indexed].key] = tx.indexed
	}
	i, ok := tx.latest[key]
	if ok {
		r = tx.changes[i]
	}
	return r, ok
}

// entry returns the entry of key before the batch.
func (tx *Tx) entry(key string) (entry, error) {
	if err := checkKey(key); err != nil {
		return entry{}, err
	}
	tx.store.mu.Lock()
	defer tx.store.mu.Unlock()
	e, ok, err := tx.gen.log.find(key)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return e, err
}

func (tx *Tx) put(key string, value []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if len(value) > MaxValue {
		return fmt.Errorf("%w: a value of %d bytes", ErrTooLarge, len(value))
	}
	return tx.add(record{kind: put, key: key, value: value})
}

func (tx *Tx) delete(key string) error {
	var err error
	if r, changed := tx.change(key); !changed {
		_, err = tx.entry(key)
	} else if r.kind == del {
		err = ErrNotFound
	}
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	// A damaged value may be deleted.
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return err
	}
	return tx.add(record{kind: del, key: key})
}

func (tx *Tx) add(r record) error {
	tx.size += recordSize(r.key, r.value)
	if tx.size > MaxBatch {
		return fmt.Errorf("%w: a batch of more than %d bytes", ErrTooLarge, MaxBatch)
	}
	tx.changes = append(tx.changes, r)
	return nil
}

// write does every write of a Store: it makes the changes of f under the lock, releases
// the lock, and only then waits for the disk. It returns the version of the last change.
func (s *Store) write(ctx context.Context, f func(*Tx) error) (version Version, err error) {
	if s.opts.ReadOnly {
		return 0, ErrReadOnly
	}
	tx := &Tx{store: s}
	defer func() {
		if tx.gen != nil {
			err = errors.Join(err, tx.gen.release())
		}
	}()
	err = s.locked(ctx, func(g *generation) error {
		tx.gen = g.acquire()
		return tx.run(f)
	})
	if tx.gen == nil {
		return 0, err
	}
	// What f has read must be durable too, even if f changed nothing.
	err = errors.Join(err, s.waitDurable(tx.gen, tx.end))
	if err == nil {
		s.compactIfDue(tx.gen)
	}
	return tx.version, err
}

// locked calls f with the current log, while it holds the write lock.
func (s *Store) locked(ctx context.Context, f func(g *generation) error) (err error) {
	if err := s.lockCaughtUp(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.lock.release()) }()
	g, err := s.prepare()
	if err != nil {
		return err
	}
	return f(g)
}

// farBehind is the number of unread bytes of the log from which a writer that has waited
// for the lock releases it before it reads them.
const farBehind = 64 << 10

// lockCaughtUp takes the write lock. Every process has to read what others appended while
// it waited. If each did so under the lock, the lock would be held for reading most of
// the time. So the lock is released while much is read.
func (s *Store) lockCaughtUp(ctx context.Context) error {
	err := s.lock.acquire(ctx, s.openLock)
	if err != nil || s.lock.deadline.IsZero() {
		return err
	}
	until := s.lock.deadline
	behind, err := s.behind()
	if err == nil && behind <= farBehind {
		return nil
	}
	if err := errors.Join(err, s.lock.release(), s.catchUp()); err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	return s.lock.acquire(ctx, s.openLock)
}

// behind returns how many bytes of the log were not read yet.
func (s *Store) behind() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gen.generation == 0 {
		return 0, nil
	}
	_, err := s.gen.stat()
	return s.gen.size - s.gen.log.end, err
}

func (s *Store) catchUp() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refresh()
}

// run lets f make its changes and appends them to the log. The Store's mutex is not held
// while f runs, so that readers go on.
func (tx *Tx) run(f func(*Tx) error) error {
	err := f(tx)
	tx.store.mu.Lock()
	defer tx.store.mu.Unlock()
	if err == nil && len(tx.changes) > 0 {
		err = tx.gen.append(tx.changes)
	}
	tx.end, tx.version = tx.gen.log.end, tx.gen.log.version
	return err
}
