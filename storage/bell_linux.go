package storage

import (
	"math"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// bell wakes other processes: those who wait sleep in the kernel on a word of the
// mark file. The file's first page is mapped to give that word an address, and is
// never touched through it, for that would be fatal where somebody has cut the file.
type bell struct{ page []byte }

// patience bounds a wait: a leader may have been killed.
const patience = 20 * time.Millisecond

// The operations of futex(2), between processes.
const (
	futexWait = 0
	futexWake = 1
)

func newBell(f *os.File) (*bell, error) {
	b := &bell{}
	err := withDescriptor(f, "mmap", func(fd int) (err error) {
		b.page, err = syscall.Mmap(fd, 0, markSize, syscall.PROT_READ, syscall.MAP_SHARED)
		return err
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// wait returns when the bell has been rung since the word was rung, or when it may
// have been. It is false when it was not rung in time, or can't be waited for.
func (b *bell) wait(rung uint32) bool {
	timeout := syscall.NsecToTimespec(int64(patience))
	errno := b.futex(futexWait, rung, &timeout)
	return errno == 0 || errno == syscall.EAGAIN || errno == syscall.EINTR
}

// ring wakes all who wait. Before it the word has to be changed.
func (b *bell) ring() { _ = b.futex(futexWake, math.MaxInt32, nil) }

func (b *bell) futex(op uintptr, value uint32, timeout *syscall.Timespec) syscall.Errno {
	word := unsafe.Pointer(&b.page[rungAt])
	_, _, errno := syscall.Syscall6(syscall.SYS_FUTEX, uintptr(word), op, uintptr(value), uintptr(unsafe.Pointer(timeout)), 0, 0)
	return errno
}

func (b *bell) close() error {
	if b == nil {
		return nil
	}
	return syscall.Munmap(b.page)
}
