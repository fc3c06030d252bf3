package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"chant/storage"
)

const alone = "one process alone"

// uncontended prints figures of one process with a store of many keys.
func uncontended(s settings, dir string) error {
	dir = at(dir, "alone")
	if err := fill(dir, s.keys); err != nil {
		return err
	}
	before := heap()
	start := time.Now()
	store, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return err
	}
	opened := time.Since(start)
	memory := heap() - before
	fmt.Printf("\n%s, %d keys of %d bytes\n\n| | |\n|---|---|\n", alone, s.keys, valueSize)
	row := func(what, format string, args ...any) {
		fmt.Printf("| %s | %s |\n", what, fmt.Sprintf(format, args...))
	}
	row("open", "%v", opened.Round(time.Microsecond))
	row("memory after open", "%.1f MB", float64(memory)/1e6)
	size, err := onDisk(dir)
	if err != nil {
		return err
	}
	row("bytes on disk", "%.1f MB, %.2f of keys and values", float64(size)/1e6, float64(size)/float64(s.keys*(valueSize+len(name(0)))))
	n := 0
	next := func() string { n += 7919; return name(n % s.keys) }
	calls := []struct {
		what  string
		times int
		call  func() error
	}{
		{"Get", 100_000, func() error { _, err := store.Get(next()); return err }},
		{"Put, durable", 500, func() error { return store.Put(next(), make([]byte, valueSize)) }},
		{"List of 1 % after no change", 200, func() error { _, err := store.List(name(0)[:len(name(0))-3]); return err }},
		{"List of all after no change", 20, func() error { _, err := store.List(""); return err }},
		{"List of 1 % after a new key", 10, func() error {
			n++
			if err := store.Put(fmt.Sprint("new", n), nil); err != nil {
				return err
			}
			_, err := store.List(name(0)[:len(name(0))-3])
			return err
		}},
	}
	for _, c := range calls {
		p50, err := timed(c.times, c.call)
		if err != nil {
			return err
		}
		row(c.what+", p50", "%v", p50)
	}
	return store.Close()
}

func timed(times int, call func() error) (p50 time.Duration, err error) {
	took := make([]time.Duration, times)
	for i := range took {
		start := time.Now()
		if err := call(); err != nil {
			return 0, err
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

func name(i int) string { return fmt.Sprintf("runs/spec/%09d", i) }

func fill(dir string, keys int) error {
	store, err := storage.Open(dir, storage.Options{NoSync: true})
	if err != nil {
		return err
	}
	for from := 0; from < keys; from += 1000 {
		if err := store.Batch(context.Background(), func(tx *storage.Tx) error {
			for i := from; i < min(from+1000, keys); i++ {
				if err := tx.Put(name(i), make([]byte, valueSize)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return store.Close()
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func onDisk(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return err
	})
	return size, err
}
