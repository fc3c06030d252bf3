//go:build !linux

package storage

import "os"

// datasync makes the content and the size of a file durable. On macOS this includes
// the cache of the disk.
func datasync(f *os.File) error { return f.Sync() }

func sizeAndLinks(f *os.File) (size int64, links uint64, err error) { return fstat(f) }
