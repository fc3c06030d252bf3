package storage

import (
	"os"
	"syscall"
)

// datasync makes a file's bytes and size durable. It leaves out what fsync also
// writes, such as times.
func datasync(f *os.File) error { return withDescriptor(f, "fdatasync", syscall.Fdatasync) }
