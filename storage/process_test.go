package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"chant/storage"
)

// count repeatedly adds 1 to its own field in one of several keys, and checks that the
// field still has its last value. It ends after a number of times or seconds, and prints
// how many updates it made.
func count(dir string, args []string) error {
	me, sync, keys, times, seconds := args[0], args[1] == "sync", number(args[2]), number(args[3]), number(args[4])
	s, err := storage.Open(dir, storage.Options{NoSync: !sync})
	if err != nil {
		return err
	}
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil { // the barrier
		return err
	}
	own := make([]int, keys)
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(max(seconds, 1))*time.Second)
	defer cancel()
	done := 0
	for ; done < times || seconds > 0 && ctx.Err() == nil; done++ {
		k := (done*7 + number(me)) % keys
		if err := s.Update(context.Background(), "key/"+strconv.Itoa(k), func(old []byte) ([]byte, error) {
			return addOne(string(old), me, own[k])
		}); err != nil {
			return err
		}
		own[k]++
	}
	fmt.Println(done)
	return s.Close()
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

// addOne adds 1 to the field me of a text like "a=1 b=2". It must have the value want.
func addOne(old, me string, want int) ([]byte, error) {
	fields := strings.Fields(old)
	for i, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		if name != me {
			continue
		}
		if value != strconv.Itoa(want) {
			return nil, fmt.Errorf("lost updates: %s is %s, want %d", name, value, want)
		}
		fields[i] = fmt.Sprintf("%s=%d", me, want+1)
		return []byte(strings.Join(fields, " ")), nil
	}
	if want != 0 {
		return nil, fmt.Errorf("lost updates: %s is gone, want %d", me, want)
	}
	return []byte(old + fmt.Sprintf(" %s=1", me)), nil
}

// No update is lost, with and without sync, on one key and on many.
// With STORAGE_SECONDS, 16 processes work for at least so many seconds, and make at least
// 100,000 updates.
func TestNoUpdateIsLost(t *testing.T) {
	t.Parallel()
	seconds := storage.Setting(t, "STORAGE_SECONDS", 0)
	processes, least := 4, 0
	if seconds > 0 {
		processes, least = 16, 100_000/16
	}
	for _, tt := range []struct {
		sync string
		keys int
		each int
	}{{"nosync", 1, 2500}, {"nosync", 100, 1000}, {"sync", 1, 100}, {"sync", 100, 100}} {
		dir := t.TempDir()
		tt.each = max(tt.each, least)
		workers := make([]process, processes)
		for i := range workers {
			workers[i] = launch(t, "counter", dir, strconv.Itoa(i), tt.sync, strconv.Itoa(tt.keys), strconv.Itoa(tt.each), strconv.Itoa(seconds))
		}
		for _, w := range workers {
			if _, err := io.WriteString(w.in, "!"); err != nil {
				t.Fatal(err)
			}
		}
		want := 0
		for _, w := range workers {
			line, err := w.out.ReadString('\n')
			if err := errors.Join(err, w.Wait()); err != nil {
				t.Fatalf("%+v: %s: %v", tt, line, err)
			}
			want += number(strings.TrimSpace(line))
		}
		got := 0
		s := open(t, dir)
		for e, err := range s.Scan("key/") {
			if err != nil {
				t.Fatal(err)
			}
			for field := range strings.FieldsSeq(string(e.Value)) {
				_, value, _ := strings.Cut(field, "=")
				got += number(value)
			}
		}
		if got != want || want < processes*tt.each {
			t.Errorf("%+v: %d of %d updates are there", tt, got, want)
		}
		t.Logf("%s, %d keys: %d updates by %d processes, none lost", tt.sync, tt.keys, want, processes)
	}
}

// stuck holds the write lock until its input ends.
func stuck(dir string, _ []string) error {
	s, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return err
	}
	err = s.Update(context.Background(), "key", func([]byte) ([]byte, error) {
		fmt.Println(os.Getpid())
		_, err := io.Copy(io.Discard, os.Stdin)
		return []byte("from the stuck"), err
	})
	return errors.Join(err, s.Close())
}

// While a process that holds the lock is stopped, readers go on, and writers wait or give
// up. When it is killed, the lock is free at once.
func TestStoppedHolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "key", "before")
	p := start(t, "stuck", dir)
	if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		err := s.Update(soon(t), "key", func(old []byte) ([]byte, error) { return old, nil })
		if !errors.Is(err, storage.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Update: %v, want %v and %v", err, storage.ErrLocked, context.DeadlineExceeded)
		}
	}
	hasty, err := storage.Open(dir, storage.Options{LockTimeout: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := hasty.Put("key", nil); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("Put: %v, want %v", err, storage.ErrLocked)
	}
	if err := hasty.Close(); err != nil {
		t.Error(err)
	}
	if got := get(t, open(t, dir), "key"); got != "before" {
		t.Errorf("the value is %q", got)
	}
	waiting := make(chan error)
	go func() { waiting <- s.Put("key", []byte("after")) }()
	kill(t, p)
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	if got := get(t, s, "key"); got != "after" {
		t.Errorf("the value is %q", got)
	}
}

// Close ends all waits for a lock.
func TestCloseWakesWaiters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	p := start(t, "stuck", dir)
	waiting := make(chan error)
	for range 2 {
		go func() { waiting <- s.Put("key", nil) }()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-waiting; !errors.Is(err, storage.ErrClosed) {
			t.Errorf("Put: %v, want %v", err, storage.ErrClosed)
		}
	}
	kill(t, p)
}

// A cancelled wait never leaves the lock held, at whatever moment it is cancelled.
func TestCancelledWaits(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	other := open(t, s.Dir())
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 50 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*20*time.Microsecond)
				err := s.Update(ctx, "key", func([]byte) ([]byte, error) { return nil, nil })
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if err := other.Put("other", nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	put(t, s, "key", "1")
	put(t, other, "key", "2")
}

// A child that has inherited the lock's open file does not hold the lock.
func TestInheritedLockFile(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var child *exec.Cmd
	err := s.Update(t.Context(), "key", func([]byte) ([]byte, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		child = exec.CommandContext(t.Context(), self, s.Dir())
		child.Env = append(os.Environ(), roleVar+"=child")
		child.ExtraFiles = []*os.File{storage.LockFile(s)}
		if _, err := child.StdinPipe(); err != nil {
			return nil, err
		}
		return nil, child.Start()
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, open(t, s.Dir()), "key", "1")
	if err := child.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the child has ended: %v", err)
	}
	if err := errors.Join(child.Process.Kill()); err != nil {
		t.Error(err)
	}
	child.Wait()
}

// A write inside Update waits for Update itself, and fails after the timeout.
func TestUpdateInUpdate(t *testing.T) {
	t.Parallel()
	s, err := storage.Open(t.TempDir(), storage.Options{LockTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Update(t.Context(), "key", func([]byte) ([]byte, error) { return nil, s.Put("other", nil) })
	if !errors.Is(err, storage.ErrLocked) {
		t.Errorf("Update: %v, want %v", err, storage.ErrLocked)
	}
	if got := contents(t, s); len(got) > 0 {
		t.Errorf("there is %v", got)
	}
}

// The garbage collector does not close the file of a lock that is held.
func TestLockOutlivesCollection(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	hasty, err := storage.Open(s.Dir(), storage.Options{LockTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer hasty.Close()
	if err := s.Update(t.Context(), "key", func([]byte) ([]byte, error) {
		for range 3 {
			runtime.GC()
		}
		if err := hasty.Put("key", nil); !errors.Is(err, storage.ErrLocked) {
			t.Errorf("Put: %v, want %v", err, storage.ErrLocked)
		}
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A store that opened the lock's file before it was removed locks the new file.
func TestLockFileRemoved(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	hasty, err := storage.Open(s.Dir(), storage.Options{LockTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer hasty.Close()
	put(t, hasty, "key", "1")
	if err := os.Remove(filepath.Join(s.Dir(), "lock")); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), "key", func([]byte) ([]byte, error) {
		if err := hasty.Put("key", nil); !errors.Is(err, storage.ErrLocked) {
			t.Errorf("Put: %v, want %v", err, storage.ErrLocked)
		}
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
}
