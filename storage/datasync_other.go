//go:build !linux

package storage

import "os"

// datasync makes a file's bytes and size durable; on macOS down to the medium.
func datasync(f *os.File) error { return f.Sync() }
