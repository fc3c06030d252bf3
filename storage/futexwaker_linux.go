package storage

import (
	"math"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// futexWaker wakes other processes: those who wait sleep in the kernel on a word of the
// mark file. The file's first page is mapped to give that word an address, and is
// never touched through it, for that would be fatal where somebody has cut the file.
type futexWaker struct{ page []byte }

// wakeTimeout bounds a wait: a leader may have been killed.
const wakeTimeout = 20 * time.Millisecond

// The operations of futex(2), between processes.
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

// wait returns when the bell has been rung since the word was rung, or when it may
// have been. It is false when it was not rung in time, or can't be waited for.
func (w *futexWaker) wait(word uint32) bool {
	timeout := syscall.NsecToTimespec(int64(wakeTimeout))
	errno := w.futex(futexWait, word, &timeout)
	return errno == 0 || errno == syscall.EAGAIN || errno == syscall.EINTR
}

// wake wakes all who wait. Before it the word has to be changed.
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
