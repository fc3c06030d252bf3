//go:build !linux

package storage

import "os"

func sizeAndLinks(f *os.File) (size int64, links uint64, err error) { return fstat(f) }
