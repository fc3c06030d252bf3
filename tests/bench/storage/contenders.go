package main

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	_ "modernc.org/sqlite" // the driver

	"chant/storage"
)

// contender returns the step that a process repeats, for a given key.
func contender(role, dir string, me int) (step func(key string) error, closing func() error, err error) {
	nothing := func() error { return nil }
	switch role {
	case "R1 flock+append+sync":
		return raw(dir, true, true)
	case "R2 append+sync":
		return raw(dir, false, true)
	case "R3 flock":
		return raw(dir, true, false)
	case "chant", "chant nosync":
		s, err := storage.Open(dir, storage.Options{NoSync: role == "chant nosync"})
		if err != nil {
			return nil, nil, err
		}
		return func(key string) error {
			return s.Update(context.Background(), key, func(old []byte) ([]byte, error) { return addOne(old, me) })
		}, s.Close, nil
	case "files without a lock", "files without a lock nosync":
		return func(key string) error { return fileStep(dir, key, me, role == "files without a lock") }, nothing, nil
	case "bbolt":
		return func(key string) error { return boltStep(dir, key, me) }, nothing, nil
	case "sqlite":
		db, err := openSQLite(dir)
		if err != nil {
			return nil, nil, err
		}
		return func(key string) error { return sqliteStep(db, key, me) }, db.Close, nil
	}
	return nil, nil, errors.New("unknown contender")
}

// raw is a loop without a store: the highest speed that the disk and the lock allow.
func raw(dir string, lock, write bool) (step func(key string) error, closing func() error, err error) {
	l, err := os.OpenFile(at(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(at(dir, "log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	record := make([]byte, valueSize+19)
	step = func(string) (err error) {
		if lock {
			if err := syscall.Flock(int(l.Fd()), syscall.LOCK_EX); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, syscall.Flock(int(l.Fd()), syscall.LOCK_UN)) }()
		}
		if !write {
			return nil
		}
		if _, err := f.Write(record); err != nil {
			return err
		}
		return syscall.Fdatasync(int(f.Fd()))
	}
	return step, func() error { return errors.Join(l.Close(), f.Close()) }, nil
}

// fileStep is an update as the store made it before the fix of issue 42: one file per key,
// replaced by a rename, so that no value is ever torn, and no lock.
func fileStep(dir, key string, me int, sync bool) error {
	old, err := os.ReadFile(at(dir, key))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	value, err := addOne(old, me)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "new-")
	if err != nil {
		return err
	}
	_, err = f.Write(value)
	if err == nil && sync {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), at(dir, key))
}

func boltStep(dir, key string, me int) error {
	db, err := bbolt.Open(at(dir, "bolt"), 0o600, &bbolt.Options{Timeout: time.Minute})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("b"))
		if err != nil {
			return err
		}
		value, err := addOne(b.Get([]byte(key)), me)
		if err != nil {
			return err
		}
		return b.Put([]byte(key), value)
	})
	return errors.Join(err, db.Close())
}

func openSQLite(dir string) (*sql.DB, error) {
	pragmas := "?_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
	db, err := sql.Open("sqlite", at(dir, "sqlite")+pragmas)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	_, err = db.Exec("CREATE TABLE IF NOT EXISTS kv (k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID")
	return db, err
}

func sqliteStep(db *sql.DB, key string, me int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	var old []byte
	err = tx.QueryRow("SELECT v FROM kv WHERE k = ?", key).Scan(&old)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	if err == nil {
		old, err = addOne(old, me)
	}
	if err == nil {
		_, err = tx.Exec("INSERT INTO kv VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v", key, old)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// read returns the value of a key at the end, or nil for raw loops.
func read(role, dir, key string) (value []byte, err error) {
	switch role {
	case "files without a lock", "files without a lock nosync":
		return os.ReadFile(at(dir, key))
	case "chant", "chant nosync":
		s, err := storage.Open(dir, storage.Options{ReadOnly: true})
		if err != nil {
			return nil, err
		}
		value, err := s.Get(key)
		return value, errors.Join(err, s.Close())
	case "bbolt":
		db, err := bbolt.Open(at(dir, "bolt"), 0o600, nil)
		if err != nil {
			return nil, err
		}
		err = db.View(func(tx *bbolt.Tx) error {
			value = append(value, tx.Bucket([]byte("b")).Get([]byte(key))...)
			return nil
		})
		return value, errors.Join(err, db.Close())
	case "sqlite":
		db, err := openSQLite(dir)
		if err != nil {
			return nil, err
		}
		err = db.QueryRow("SELECT v FROM kv WHERE k = ?", key).Scan(&value)
		return value, errors.Join(err, db.Close())
	}
	return nil, nil
}
