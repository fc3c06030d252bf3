package storage_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"chant/storage"
)

// The store uses no clock, and neither the times of files nor that of a holder, to decide
// what is stored, who holds a lock or which value is the newest.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, other := open(t, dir), open(t, dir)
	past, future := time.Unix(0, 0), time.Now().AddDate(100, 0, 0)
	for i, now := range []time.Time{future, past, future, past} {
		release, err := storage.Lock(t.Context(), dir, "name", storage.Holder{PID: i + 1, Since: now})
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, "key", strconv.Itoa(i))
		if i%2 == 1 {
			if err := storage.Compact(other); err != nil {
				t.Fatal(err)
			}
		}
		for path := range walk(t, dir) {
			if err := os.Chtimes(path, now, now); err != nil {
				t.Fatal(err)
			}
		}
		_, err = storage.Lock(t.Context(), dir, "name", storage.Holder{PID: 99})
		if locked, ok := errors.AsType[*storage.LockedError](err); !ok || locked.Holder.PID != i+1 {
			t.Errorf("Lock: %v, want that process %d holds it", err, i+1)
		}
		unlock(t, release)
		if got := get(t, other, "key"); got != strconv.Itoa(i) {
			t.Errorf("the value is %s, want %d", got, i)
		}
		put(t, other, "other", strconv.Itoa(i))
	}
	if report, err := s.Check(); err != nil || !report.OK() {
		t.Errorf("Check: %+v, %v", report, err)
	}
}

// limited writes until the log reaches the limit for the size of files.
func limited(dir string, _ []string) error {
	signal.Ignore(syscall.SIGXFSZ)
	const size = 50_000
	limit := syscall.Rlimit{Cur: size, Max: size}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	s, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return err
	}
	n := 0
	for ; ; n++ {
		if err = s.Put(strconv.Itoa(n), valueOf(n)); err != nil {
			break
		}
	}
	if !errors.Is(err, syscall.EFBIG) {
		return err
	}
	if err := s.Put("small", valueOf(0)); err != nil && !errors.Is(err, syscall.EFBIG) {
		return err
	}
	for i := range n {
		if value, err := s.Get(strconv.Itoa(i)); err != nil || string(value) != string(valueOf(i)) {
			return fmt.Errorf("%d is %q, %w", i, value, err)
		}
	}
	fmt.Println(n)
	return s.Close()
}

// On a full disk a write fails completely, and everything else is unaffected.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, "limited", dir)
	line, err := p.out.ReadString('\n')
	if err := errors.Join(err, p.Wait()); err != nil {
		t.Fatal(line, err)
	}
	n := number(strings.TrimSpace(line))
	s := open(t, dir)
	got := numbers(t, s)
	delete(got, "small")
	if len(got) != n || n < 5 {
		t.Errorf("there are %d values, want %d", len(got), n)
	}
	put(t, s, "more", string(valueOf(1)))
	sound(t, s, dir, "after a full disk")
}

// poor may read the store's folder, and may not write there.
func poor(dir string, _ []string) error {
	if os.Getuid() == 0 {
		if err := syscall.Setuid(65534); err != nil {
			return err
		}
	}
	for _, readOnly := range []bool{true, false} {
		s, err := storage.Open(dir, storage.Options{ReadOnly: readOnly})
		if err != nil {
			return err
		}
		value, err := s.Get("key")
		if err != nil || string(value) != "1" {
			return fmt.Errorf("read-only %t: %q, %w", readOnly, value, err)
		}
		if report, err := s.Check(); err != nil || !report.OK() {
			return fmt.Errorf("read-only %t: %+v, %w", readOnly, report, err)
		}
		err = s.Put("key", nil)
		if !errors.Is(err, map[bool]error{true: storage.ErrReadOnly, false: fs.ErrPermission}[readOnly]) {
			return fmt.Errorf("read-only %t: Put: %w", readOnly, err)
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

func TestFolderThatMayNotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, open(t, dir), "key", "1")
	for path := dir; path != filepath.Dir(os.TempDir()) && strings.HasPrefix(path, os.TempDir()); path = filepath.Dir(path) {
		if path != os.TempDir() {
			if err := os.Chmod(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	for path, entry := range walk(t, dir) {
		mode := fs.FileMode(0o444)
		if entry.IsDir() {
			mode = 0o555
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	before := files(t, dir)
	p := launch(t, "poor", dir)
	said, err := io.ReadAll(p.out)
	if err := errors.Join(err, p.Wait()); err != nil {
		t.Fatal(string(said), err)
	}
	if after := files(t, dir); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("files were %v, are %v", before, after)
	}
}

func TestFolderRemoved(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, dir)
	put(t, s, "key", "1")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get("key")
	for call, err := range map[string]error{"Get": err, "Put": s.Put("key", nil)} {
		if !errors.Is(err, storage.ErrRemoved) {
			t.Errorf("%s: %v, want %v", call, err, storage.ErrRemoved)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder came back: %v", err)
	}
	put(t, open(t, dir), "key", "2")
}

func TestFolderMoved(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	s := open(t, filepath.Join(top, "a"))
	put(t, s, "key", "1")
	if err := os.Rename(filepath.Join(top, "a"), filepath.Join(top, "b")); err != nil {
		t.Fatal(err)
	}
	put(t, s, "key", "2")
	if got := get(t, open(t, filepath.Join(top, "b")), "key"); got != "2" {
		t.Errorf("the value is %q", got)
	}
}
