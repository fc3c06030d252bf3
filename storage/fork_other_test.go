//go:build !linux

package storage_test

import "errors"

// forker makes system calls of Linux.
func forker(string, []string) error { return errors.ErrUnsupported }
