//go:build !linux

package storage_test

import "errors"

// forker is for Linux, whose calls it makes.
func forker(string, []string) error { return errors.ErrUnsupported }
