package storage

import (
	"math"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// futexWaker wakes other processes that sleep in the kernel on a word of the sync mark's
// file. The file's first page is mapped so that the word has an address. The program
// never reads through this mapping: if somebody had truncated the file, that would
// kill the process.
type futexWaker struct{ page []byte }

// wakeTimeout is the longest wait. The process that should wake us may be dead.
const wakeTimeout = 20 * time.Millisecond

// The operations of futex(2) between processes.
const (
	futexWait = 0
	futexWake = 1
)

func newFutexWaker(f *os.File) (*futexWaker, error) {
	w := &futexWaker{}
	err := withDescriptor(f, "mmap", func(fd int) (err error) {
		w.page, err = syscall.Mmap(fd, 0, markSize, syscall.PROT_READ, syscall.MAP_SHARED)
		return err
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// wait sleeps until somebody calls wake. It returns true at once if the word in the file
// is not word any more. It may return true without a wake. It returns false after
// wakeTimeout, or if it cannot wait.
func (w *futexWaker) wait(word uint32) bool {
	timeout := syscall.NsecToTimespec(int64(wakeTimeout))
	errno := w.futex(futexWait, word, &timeout)
	return errno == 0 || errno == syscall.EAGAIN || errno == syscall.EINTR
}

// wake wakes all who wait. The caller must have changed the word.
func (w *futexWaker) wake() { _ = w.futex(futexWake, math.MaxInt32, nil) }

func (w *futexWaker) futex(op uintptr, value uint32, timeout *syscall.Timespec) syscall.Errno {
	word := unsafe.Pointer(&w.page[wordAt])
	_, _, errno := syscall.Syscall6(syscall.SYS_FUTEX, uintptr(word), op, uintptr(value), uintptr(unsafe.Pointer(timeout)), 0, 0)
	return errno
}

func (w *futexWaker) close() error {
	if w == nil {
		return nil
	}
	return syscall.Munmap(w.page)
}
