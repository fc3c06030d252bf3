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

// count adds 1 to a field of its own in one of some keys, a number of times or
// for a number of seconds, and checks each time that its field is what it was.
// It prints how often it did.
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

// addOne counts up the field me of "a=1 b=2", which must have the value want.
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
// STORAGE_SECONDS makes 16 processes work for so long each time, and for so long
// that there are 100,000 updates.
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

// A process that is stopped while it holds the lock keeps out writers, who can
// give up, and no readers. When it is killed the lock is free at once.
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

// Closing wakes who waits for a lock.
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

// Giving up leaves no lock behind, whenever it happens.
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

// A child that has inherited the lock's open file does not keep the lock.
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

// A function that uses the store waits for itself, as long as any writer waits, and
// is told so.
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

// What holds a lock is not collected, which would free it.
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

// Who has the lock's file open from before does not lock a file that was removed.
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
