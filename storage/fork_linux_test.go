package storage_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"chant/storage"
)

// forker forks without exec while it holds the lock, releases the lock, and stays alive.
func forker(dir string, _ []string) error {
	s, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return err
	}
	copied := 0
	if err := s.Update(context.Background(), "key", func([]byte) ([]byte, error) {
		var errno syscall.Errno
		if copied, errno = fork(); errno != 0 {
			return nil, errno
		}
		return []byte("forked"), nil
	}); err != nil {
		return err
	}
	fmt.Println(copied)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// fork copies the process with its open files. The Go runtime does not work in the copy,
// so the copy only makes system calls, and ends after a minute at the latest.
//
//go:norace
//go:noinline
func fork() (pid int, errno syscall.Errno) {
	minute := syscall.Timespec{Sec: 60}
	child, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if child != 0 || errno != 0 {
		return int(child), errno
	}
	syscall.RawSyscall6(syscall.SYS_PPOLL, 0, 0, uintptr(unsafe.Pointer(&minute)), 0, 0, 0)
	for {
		syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)
	}
}

// A copy of the process, made by fork without exec, shares its open lock file. It does not
// hold the lock.
func TestForkWithoutExec(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, "forker", dir)
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatal(line, err)
	}
	copied, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(copied, syscall.SIGKILL)
	s := open(t, dir)
	put(t, s, "other", "1")
	if got := get(t, s, "key"); got != "forked" {
		t.Errorf("the value is %q", got)
	}
	kill(t, p) // the copy outlives it
	put(t, s, "other", "2")
	if err := syscall.Kill(copied, 0); err != nil {
		t.Errorf("the copy has ended: %v", err)
	}
}
